//! Every item of an envelope, by name: what is to be done, or the reason why nothing is.

use serde_json::Value;
use serde_json::value::RawValue;

use super::envelope::{Change, Envelope, What};
use super::{message, status};
use crate::channel::fields;
use crate::domain::{Content, Update};

impl Envelope<'_> {
    /// One update per item, in order. Depends on nothing but the body and `received_at`, so every attempt sees the same.
    pub fn updates(&self, received_at: i64) -> Vec<Update> {
        let mut updates = Vec::new();
        for part in &self.parts {
            match &part.what {
                What::Malformed(reason) => updates.push(bare(&part.at, Content::rejected(*reason))),
                What::Unknown(reason) => updates.push(bare(&part.at, Content::ignored(*reason))),
                What::Change(change) => change_updates(&part.at, change, received_at, &mut updates),
            }
        }
        updates
    }
}

fn change_updates(at: &str, change: &Change, received_at: i64, updates: &mut Vec<Update>) {
    if let Some(reason) = not_for_us(change) {
        updates.push(bare(at, Content::ignored(reason)));
        return;
    }
    for (name, items) in &change.lists {
        let at = format!("{at}/value/{name}");
        match items {
            Err(()) => updates.push(bare(&at, Content::rejected(format!("{name}_malformed")))),
            Ok(items) => updates.extend(items.iter().enumerate().map(|(n, raw)| Update {
                at: format!("{at}/{n}"),
                account: change.account.clone().unwrap_or_default(),
                content: content(name, raw, change, received_at),
            })),
        }
    }
}

/// Changes of other fields concern templates, the account, calls: nothing that becomes a message here.
fn not_for_us(change: &Change) -> Option<String> {
    match change.field.as_str() {
        "messages" | "smb_message_echoes" if change.lists.is_empty() => Some("nothing_in_it".to_owned()),
        "messages" | "smb_message_echoes" => None,
        other => Some(format!("field:{}", other.chars().take(64).collect::<String>())),
    }
}

fn content(list: &str, raw: &RawValue, change: &Change, received_at: i64) -> Content {
    let Some(account) = &change.account else {
        return if list == "errors" { provider_error(raw) } else { Content::rejected("account_missing") };
    };
    match list {
        "messages" => message::received(raw, account, &change.contacts, received_at),
        "message_echoes" => message::echo(raw, account, &change.contacts, received_at),
        "statuses" => status::read(raw, account, received_at),
        _ => provider_error(raw),
    }
}

/// A trouble of the account that concerns no message. Its code and title stay in the delivery's outcome.
fn provider_error(raw: &RawValue) -> Content {
    let Some(error) = fields::object(raw) else {
        return Content::rejected("error_malformed");
    };
    let code = error.get("code").and_then(Value::as_i64).map_or_else(|| "unknown".to_owned(), |code| code.to_string());
    let title = fields::name(&error, "title").map(|title| format!(" {title}")).unwrap_or_default();
    Content::ignored(format!("provider_error:{code}{title}"))
}

fn bare(at: &str, content: Content) -> Update {
    Update { at: at.to_owned(), account: String::new(), content }
}
