//! `email`: inbound mail as JSON, in our neutral form or as Postmark posts it; and what became of mail that we sent.

mod automatic;
mod item;
mod names;
mod sender;
mod words;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value;

use super::fields::{self, Object, shape};
use super::{Call, Channel, Contents, Payload, Unreadable, carried, secret, stamped};

/// The channel's name in routes, rows and typed calls.
pub const CHANNEL: &str = "email";

/// A mail that lists more people, files or mails than this is kept with so many.
const MAX_LISTED: usize = 100;

pub struct Email;

impl Channel for Email {
    fn name(&self) -> &'static str {
        CHANNEL
    }

    fn secret(&self) -> &'static str {
        "email_webhook_secret"
    }

    fn signature(&self) -> Option<&'static str> {
        Some(stamped::SIGNATURE)
    }

    fn credentials(&self) -> &'static [&'static str] {
        &["api_token", "webhook_secret"]
    }

    fn own_secret(&self) -> &'static str {
        "webhook_secret"
    }

    fn lent_credentials(&self) -> &'static [&'static str] {
        &["api_token"]
    }

    fn deployments_accounts(&self) -> &'static [&'static str] {
        &["email_from"]
    }

    /// The variable may hold a name before the address: `Shop <shop@example.com>`.
    fn is_named(&self, account: &str, value: &str) -> bool {
        let address = value.rsplit_once('<').map_or(value, |(_, address)| address).trim_end_matches('>');
        address.trim().eq_ignore_ascii_case(account)
    }

    fn fallback(&self, payload: Payload<'_>) -> Option<String> {
        payload.parameter("account").map(|account| account.to_lowercase())
    }

    fn ids_are_senders(&self) -> bool {
        true
    }

    /// Of our neutral form, and of Postmark's.
    fn files(&self) -> carried::Places {
        &[&["attachments", "*", "content"], &["Attachments", "*", "Content"]]
    }

    fn is_authentic_by_its_head(&self, secret: &str, call: &Call<'_>) -> bool {
        call.only_header("authorization").and_then(password).is_some_and(|given| secret::same(&given, secret))
    }

    /// Our signature, or the secret as the password of HTTP basic authentication, which is what mail services can do
    /// (`https://any:<secret>@host/webhooks/email`).
    fn is_authentic(&self, secret: &str, call: &Call<'_>) -> bool {
        stamped::is_valid(secret, call) || self.is_authentic_by_its_head(secret, call)
    }

    /// One mail, or one report of a mail that we sent.
    fn read(&self, payload: Payload<'_>, received_at: i64) -> Result<Contents, Unreadable> {
        let document = fields::document(payload.body).ok_or(Unreadable::Malformed)?;
        let document: Object = shape(document).ok_or(Unreadable::Malformed)?;
        let account = payload.parameter("account").map(|account| account.to_lowercase());
        Ok(Contents::of(item::read(document, account, received_at)))
    }
}

fn password(header: &str) -> Option<String> {
    let (scheme, encoded) = header.split_once(' ')?;
    let decoded = BASE64_STANDARD.decode(encoded.trim()).ok().filter(|_| scheme.eq_ignore_ascii_case("basic"))?;
    let credentials = String::from_utf8(decoded).ok()?;
    credentials.split_once(':').map(|(_, password)| password.to_owned())
}

/// The value under the first of these names that is there.
fn either<'a>(object: &'a Object, names: &[&str]) -> Option<&'a Value> {
    names.iter().find_map(|name| object.get(*name).filter(|value| !value.is_null()))
}

fn text(object: &Object, names: &[&str]) -> Option<String> {
    names.iter().find_map(|name| fields::text(object, name)).map(fields::readable)
}
