//! Webhooks as Meta sends them.

use super::ACCOUNT;
use serde_json::{Value, json};

/// Meta's documented sample (webhooks/reference/messages), byte for byte as in the example folder.
pub const SAMPLE: &str = include_str!("../../../../../examples/whatsapp-webhook/message.json");
pub const SAMPLE_ID: &str = "wamid.HBgLMTY1MDM4Nzk0MzkVAgASGBQzQTRBNjU5OUFFRTAzODEwMTQ0RgA=";

pub fn sample() -> Value {
    serde_json::from_str(SAMPLE).unwrap()
}

/// A delivery with one change, whose value has these fields beside the metadata.
pub fn delivery(value: Value) -> Value {
    delivery_of(&[change(ACCOUNT, value)])
}

pub fn delivery_of(changes: &[Value]) -> Value {
    json!({"object": "whatsapp_business_account", "entry": [{"id": "102290129340398", "changes": changes}]})
}

pub fn change(account: &str, mut value: Value) -> Value {
    value["messaging_product"] = json!("whatsapp");
    value["metadata"] = json!({"display_phone_number": "15550783881", "phone_number_id": account});
    json!({"field": "messages", "value": value})
}

pub fn text(id: &str, from: &str, timestamp: &str, body: &str) -> Value {
    json!({"from": from, "id": id, "timestamp": timestamp, "type": "text", "text": {"body": body}})
}

pub fn texts(ids: &[&str]) -> Value {
    let messages: Vec<Value> =
        ids.iter().map(|id| text(id, "16505551234", "1749416383", &format!("body of {id}"))).collect();
    delivery(json!({"messages": messages}))
}

pub fn status(id: &str, status: &str, timestamp: &str) -> Value {
    json!({"id": id, "status": status, "timestamp": timestamp, "recipient_id": "16505551234"})
}
