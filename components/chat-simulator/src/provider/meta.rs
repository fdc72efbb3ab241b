//! Meta's WhatsApp Cloud API: its webhooks, byte for byte as it escapes and signs them.

use base64::{Engine, prelude::BASE64_STANDARD};
use hmac::{Hmac, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::content::Content;

pub const CHANNEL: &str = "whatsapp";
pub const SIGNATURE: &str = "x-hub-signature-256";

/// The business number that simulated customers write to, where no other is named. Country code 999 is given to nobody: what is answered
/// under this account can reach no real person, whichever provider it is sent to.
pub const ACCOUNT: &str = "999000000000001";

/// `sha256=` and the HMAC over the bytes as they are sent.
pub fn signature(secret: &str, body: &[u8]) -> String {
    let digest = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).map(|mac| mac.chain_update(body).finalize());
    let digest = digest.map(|digest| hex::encode(digest.into_bytes())).unwrap_or_default();
    format!("sha256={digest}")
}

/// One webhook: these `values`, each a change of the field `messages`.
pub fn body(values: Vec<Value>) -> Vec<u8> {
    let change = |value| json!({ "field": "messages", "value": value });
    let changes: Vec<Value> = values.into_iter().map(change).collect();
    let entry = json!({ "id": "999000000000000", "changes": changes });
    escaped(&json!({ "object": "whatsapp_business_account", "entry": [entry] })).into_bytes()
}

/// What happened to one account.
pub fn value(account: &str, contents: Value) -> Value {
    let metadata = json!({ "display_phone_number": "999000000001", "phone_number_id": account });
    let mut value = json!({ "messaging_product": "whatsapp", "metadata": metadata });
    if let (Some(value), Value::Object(contents)) = (value.as_object_mut(), contents) {
        value.extend(contents);
    }
    value
}

pub fn contact(phone: &str, name: &str) -> Value {
    json!({ "profile": { "name": name }, "wa_id": phone })
}

/// What a customer wrote. `number` makes its media's id another one each time.
pub fn message(id: &str, from: &str, at_seconds: i64, content: &Content, number: u64) -> Value {
    let (kind, object) = match content {
        Content::Text(text) => ("text", json!({ "body": text })),
        Content::Image { asset, caption } => {
            let mut image = media(*asset, number);
            if let (Some(image), Some(caption)) = (image.as_object_mut(), caption) {
                image.insert("caption".to_owned(), caption.as_str().into());
            }
            ("image", image)
        }
        Content::Voice { asset } => {
            let mut audio = media(*asset, number);
            if let Some(audio) = audio.as_object_mut() {
                audio.insert("mime_type".to_owned(), "audio/ogg; codecs=opus".into());
                audio.insert("voice".to_owned(), true.into());
            }
            ("audio", audio)
        }
    };
    json!({ "from": from, "id": id, "timestamp": at_seconds.to_string(), "type": kind, kind: object })
}

/// Meta tells the hash in base64 here, and in hex where the media is asked for.
fn media(asset: crate::content::Asset, number: u64) -> Value {
    let sha256 = BASE64_STANDARD.encode(asset.sha256());
    json!({ "id": asset.media_id(number), "mime_type": asset.mime_type(), "sha256": sha256 })
}

/// JSON as Meta writes it: everything beyond ASCII as `\u00e4`, and `/` as `\/`. It signs these bytes and no others.
pub fn escaped(value: &Value) -> String {
    let plain = value.to_string();
    let mut text = String::with_capacity(plain.len());
    let mut units = [0; 2];
    for character in plain.chars() {
        match character {
            // Both stand in strings only, and nothing else of JSON's own does.
            '/' => text.push_str("\\/"),
            character if character.is_ascii() => text.push(character),
            character => {
                for unit in character.encode_utf16(&mut units) {
                    text.push_str(&format!("\\u{unit:04x}"));
                }
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::content::Asset;

    #[test]
    fn signs_as_published() {
        let github = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
        assert_eq!(signature("It's a Secret to Everybody", b"Hello, World!"), github);
        let hexdocs = "sha256=0329a06b62cd16b33eb6792be8c60b158d89a2ee3a876fce9a881ebb488c0914";
        assert_eq!(signature("secret", b"test"), hexdocs);
    }

    #[test]
    fn escapes_as_meta_does_and_means_the_same() {
        let value = json!({ "a/ä": "日本 \"q\" \\ 👋 \n" });
        let text = escaped(&value);
        assert_eq!(text, r#"{"a\/\u00e4":"\u65e5\u672c \"q\" \\ \ud83d\udc4b \n"}"#);
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), value);
    }

    #[test]
    fn a_message_is_shaped_as_meta_documents_it() {
        let text = message("wamid.1", "99912345", 1_749_416_383, &Content::Text("hi".into()), 0);
        let expected = json!({ "from": "99912345", "id": "wamid.1", "timestamp": "1749416383", "type": "text", "text": { "body": "hi" } });
        assert_eq!(text, expected);
        let voice = message("wamid.2", "99912345", 0, &Content::Voice { asset: Asset::Note }, 3);
        assert_eq!(voice["audio"]["voice"], true);
        assert_eq!(Asset::of_media_id(voice["audio"]["id"].as_str().unwrap()), Some(Asset::Note));
    }
}
