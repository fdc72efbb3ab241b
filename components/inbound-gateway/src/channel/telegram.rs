//! `telegram`: the updates of a bot (Telegram Bot API).

mod content;
mod notice;
mod person;
mod update;

use super::fields::{self, shape};
use super::{Call, Channel, Contents, Payload, Unreadable, secret};

/// The channel's name in routes, rows and typed calls.
pub const CHANNEL: &str = "telegram";

/// What `setWebhook` was given as `secret_token`. It is the secret itself, so it is not kept with a delivery.
const HEADER: &str = "x-telegram-bot-api-secret-token";

/// The account of the only bot. An update does not say which bot it is for: several are told apart by their webhooks'
/// addresses (`?account=…`).
const ACCOUNT: &str = "telegram";

pub struct Telegram;

impl Channel for Telegram {
    fn name(&self) -> &'static str {
        CHANNEL
    }

    fn secret(&self) -> &'static str {
        "telegram_secret_token"
    }

    fn credentials(&self) -> &'static [&'static str] {
        &["bot_token", "secret_token"]
    }

    fn own_secret(&self) -> &'static str {
        "secret_token"
    }

    fn lent_credentials(&self) -> &'static [&'static str] {
        &["bot_token"]
    }

    fn deployments_accounts(&self) -> &'static [&'static str] {
        &["telegram_bot_token"]
    }

    /// A bot's token begins with its id.
    fn is_named(&self, account: &str, value: &str) -> bool {
        value.split_once(':').is_some_and(|(id, _)| id == account)
    }

    fn unnamed_account(&self) -> Option<&'static str> {
        Some(ACCOUNT)
    }

    fn is_authentic(&self, secret: &str, call: &Call<'_>) -> bool {
        call.only_header(HEADER).is_some_and(|given| secret::same(given, secret))
    }

    /// One update a webhook.
    fn read(&self, payload: Payload<'_>, received_at: i64) -> Result<Contents, Unreadable> {
        let document = fields::document(payload.body).ok_or(Unreadable::Malformed)?;
        let update = shape(document).ok_or(Unreadable::Malformed)?;
        let account = payload.parameter("account").unwrap_or_else(|| ACCOUNT.to_owned());
        Ok(Contents::of(vec![update::read(&update, &account, received_at)]))
    }
}
