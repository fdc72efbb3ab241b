//! One item of `statuses`: what became of a message that we sent.

use serde_json::Value;
use serde_json::value::RawValue;

use super::item;
use crate::domain::{Content, Receipt};

/// The provider's own word for a status has no more; a longer one is no word.
const MAX_STATUS_CHARS: usize = 64;

pub(super) fn read(raw: &RawValue, account: &str, received_at: i64) -> Content {
    let Some(mut status) = item::object(raw) else {
        return Content::rejected("status_malformed");
    };
    let Some(external_message_id) = item::id(&status, "id") else {
        return Content::rejected("status_without_id");
    };
    let Some(word) = item::id(&status, "status").filter(|word| word.len() <= MAX_STATUS_CHARS) else {
        return Content::rejected("status_without_status");
    };
    let at = item::timestamp(&status, received_at);
    for told in ["id", "status", "timestamp"] {
        status.remove(told);
    }
    Content::Receipt(Receipt {
        channel_account_id: account.to_owned(),
        external_message_id,
        status: word,
        at,
        details: Value::Object(status).to_string(),
    })
}
