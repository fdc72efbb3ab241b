//! Telegram's Bot API: its updates, and the secret that comes with each of them.

use serde_json::{Value, json};

pub const CHANNEL: &str = "telegram";
pub const SECRET: &str = "x-telegram-bot-api-secret-token";

/// The bot of updates that come to an address without a name.
pub const ACCOUNT: &str = "telegram";

/// An update of this kind about a message in somebody's private chat.
pub fn update(number: u64, kind: &str, chat: u64, message: u64, at_seconds: i64, content: &Value) -> Value {
    let person = json!({ "id": chat, "is_bot": false, "first_name": "Simulated", "language_code": "en" });
    let mut object = json!({
        "message_id": message,
        "from": person,
        "chat": { "id": chat, "first_name": "Simulated", "type": "private" },
        "date": at_seconds,
    });
    if let (Some(object), Some(content)) = (object.as_object_mut(), content.as_object()) {
        object.extend(content.clone());
    }
    json!({ "update_id": number, kind: object })
}
