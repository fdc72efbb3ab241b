//! The providers' own language: webhooks as Meta and Twilio write and sign them. Pure: nothing here does I/O.

pub mod meta;
pub mod twilio;
