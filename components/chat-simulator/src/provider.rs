//! The providers' own language: webhooks as they write and sign them. Pure: nothing here does I/O.

pub mod email;
pub mod meta;
pub mod telegram;
pub mod twilio;
pub mod web;

/// Every channel that has webhooks.
pub const CHANNELS: [&str; 5] = [meta::CHANNEL, twilio::CHANNEL, telegram::CHANNEL, web::CHANNEL, email::CHANNEL];

/// The channel of this name.
pub fn channel(name: &str) -> Option<&'static str> {
    CHANNELS.into_iter().find(|known| *known == name)
}
