//! Webhooks as Meta sends and signs them.

use crate::secrets;
use hmac::{Hmac, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

pub const PATH: &str = "/webhooks/whatsapp";
pub const SIGNATURE: &str = "x-hub-signature-256";
pub const ACCOUNT: &str = "106540352242922";

/// Meta's documented sample, byte for byte.
pub const SAMPLE: &str = include_str!("../../../examples/whatsapp-webhook/message.json");
pub const SAMPLE_ID: &str = "wamid.HBgLMTY1MDM4Nzk0MzkVAgASGBQzQTRBNjU5OUFFRTAzODEwMTQ0RgA=";

pub fn signature(body: &[u8]) -> String {
    signature_with(secrets::APP_SECRET, body)
}

pub fn signature_with(secret: &str, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(body);
    format!("sha256={}", hex::encode(mac.finalize().into_bytes()))
}

/// A body with one entry and one change of the field `messages`.
pub fn delivery(value: Value) -> Value {
    payload(&[change(ACCOUNT, value)])
}

pub fn payload(changes: &[Value]) -> Value {
    json!({"object": "whatsapp_business_account", "entry": [{"id": "102290129340398", "changes": changes}]})
}

/// A change of the field `messages` of one business number.
pub fn change(account: &str, mut value: Value) -> Value {
    value["messaging_product"] = json!("whatsapp");
    value["metadata"] = json!({"display_phone_number": "15550783881", "phone_number_id": account});
    json!({"field": "messages", "value": value})
}

pub fn contact(phone: &str, name: &str) -> Value {
    json!({"profile": {"name": name}, "wa_id": phone})
}

pub fn text(id: &str, from: &str, body: &str) -> Value {
    message(id, from, "text", json!({"body": body}))
}

/// A message of any type, with its type's own object.
pub fn message(id: &str, from: &str, kind: &str, content: Value) -> Value {
    let mut message = json!({"from": from, "id": id, "timestamp": "1749416383", "type": kind});
    message[kind] = content;
    message
}

pub fn status(id: &str, status: &str) -> Value {
    json!({"id": id, "status": status, "timestamp": "1749416390", "recipient_id": "16505551234"})
}

/// One text of one person, ready to be sent.
pub fn one_text(id: &str, from: &str, body: &str) -> Value {
    delivery(json!({"contacts": [contact(from, &format!("Person {from}"))], "messages": [text(id, from, body)]}))
}
