//! `web`: our own JSON, for a customer's site, shop or app. README.md documents it with an example.

mod item;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::fields::{self, list, shape};
use super::{Call, Channel, Contents, Payload, Unreadable, carried, stamped};
use crate::domain::{Content, Update};

/// The channel's name in routes, rows and typed calls.
pub const CHANNEL: &str = "web";

/// The account of a site that names none.
const ACCOUNT: &str = "web";

/// Far more than fits into a body of honest messages.
const MAX_ITEMS: usize = 10_000;

pub struct Web;

impl Channel for Web {
    fn name(&self) -> &'static str {
        CHANNEL
    }

    fn secret(&self) -> &'static str {
        "web_webhook_secret"
    }

    fn signature(&self) -> Option<&'static str> {
        Some(stamped::SIGNATURE)
    }

    fn credentials(&self) -> &'static [&'static str] {
        &["webhook_secret"]
    }

    fn own_secret(&self) -> &'static str {
        "webhook_secret"
    }

    fn lent_credentials(&self) -> &'static [&'static str] {
        &[]
    }

    fn unnamed_account(&self) -> Option<&'static str> {
        Some(ACCOUNT)
    }

    fn ids_are_senders(&self) -> bool {
        true
    }

    fn files(&self) -> carried::Places {
        &[&["messages", "*", "media", "content"]]
    }

    fn is_authentic(&self, secret: &str, call: &Call<'_>) -> bool {
        stamped::is_valid(secret, call)
    }

    fn read(&self, payload: Payload<'_>, received_at: i64) -> Result<Contents, Unreadable> {
        let document = fields::document(payload.body).ok_or(Unreadable::Malformed)?;
        let Document { account, messages, receipts } = shape(document).ok_or(Unreadable::Malformed)?;
        let account = account.unwrap_or_else(|| ACCOUNT.to_owned());
        if account.is_empty() || account.len() > 255 || account.chars().any(char::is_control) {
            return Ok(Contents::of(vec![whole(Content::rejected("account_malformed"))]));
        }
        let (messages, receipts) = (messages.map(|raw| ("messages", raw)), receipts.map(|raw| ("receipts", raw)));
        let mut updates = Vec::new();
        for (name, raw) in messages.into_iter().chain(receipts) {
            let Some(items) = list(raw) else {
                updates
                    .push(Update { at: format!("/{name}"), ..whole(Content::rejected(format!("{name}_malformed"))) });
                continue;
            };
            if updates.len() + items.len() > MAX_ITEMS {
                return Err(Unreadable::TooManyItems);
            }
            updates.extend(items.into_iter().enumerate().map(|(n, raw)| Update {
                at: format!("/{name}/{n}"),
                account: account.clone(),
                content: item::read(name, raw, &account, received_at),
            }));
        }
        Ok(Contents::of(updates))
    }
}

#[derive(Deserialize)]
struct Document<'a> {
    account: Option<String>,
    #[serde(borrow)]
    messages: Option<&'a RawValue>,
    #[serde(borrow)]
    receipts: Option<&'a RawValue>,
}

fn whole(content: Content) -> Update {
    Update { at: String::new(), account: String::new(), content }
}
