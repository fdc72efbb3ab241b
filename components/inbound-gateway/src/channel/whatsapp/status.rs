//! One item of `statuses`: what became of a message that we sent.

use serde_json::Value;
use serde_json::value::RawValue;

use crate::channel::fields::{self, Object};
use crate::domain::{Content, Receipt};

/// The provider's own word for a status has no more; a longer one is no word.
const MAX_STATUS_CHARS: usize = 64;

pub(super) fn read(raw: &RawValue, account: &str, received_at: i64) -> Content {
    let Some(mut status) = fields::object(raw) else {
        return Content::rejected("status_malformed");
    };
    let Some(external_message_id) = fields::id(&status, "id") else {
        return Content::rejected("status_without_id");
    };
    let Some(word) = fields::id(&status, "status").filter(|word| word.len() <= MAX_STATUS_CHARS) else {
        return Content::rejected("status_without_status");
    };
    let at = fields::timestamp(&status, received_at);
    for told in ["id", "status", "timestamp"] {
        status.remove(told);
    }
    tell(&mut status);
    Content::Receipt(Receipt {
        channel_account_id: account.to_owned(),
        external_message_id,
        status: word,
        at,
        details: Value::Object(status).to_string(),
    })
}

/// Under the names that all channels share: which of our messages this is (we sent its id along), and why it failed.
fn tell(status: &mut Object) {
    if let Some(ours) = fields::id(status, "biz_opaque_callback_data") {
        status.insert("message_id".to_owned(), Value::String(ours));
    }
    let error = status.get("errors").and_then(|errors| errors.get(0)).and_then(Value::as_object);
    if let Some(failure) = error.map(failure) {
        status.insert("failure".to_owned(), failure);
    }
}

/// Titles are short and will go; the details say most.
fn failure(error: &Object) -> Value {
    let details = error.get("error_data").and_then(Value::as_object).and_then(|data| fields::name(data, "details"));
    let words = details.or_else(|| fields::name(error, "message")).or_else(|| fields::name(error, "title"));
    fields::failure(fields::key(error, "code"), words)
}
