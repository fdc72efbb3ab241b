//! Where a message's file is, by what the channel's webhook said.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Where to ask for a file; stored as JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    pub place: Place,
    /// In lower-case hexadecimal digits, when the provider said it.
    pub sha256: Option<String>,
    pub filename: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// WhatsApp: an id that is exchanged for a URL which is good for some minutes.
    WhatsApp { id: String },
    /// Twilio: a URL for who has the account's credentials.
    Twilio { url: String },
    /// It came along in the webhook's body, and is kept with the delivery.
    Carried { delivery: String, file: u32 },
    /// Telegram: an id that is exchanged for a path which is good for an hour.
    Telegram { id: String },
}

const MAX_TEXT: usize = 2048;

/// The file of a message with these metadata, if it has one that we can fetch. `delivery`: the one that it came by.
pub fn of(channel: &str, metadata: &Map<String, Value>, delivery: &str) -> Option<Source> {
    let media = metadata.get("media")?.as_object()?;
    let text = |name: &str| media.get(name)?.as_str().filter(|text| (1..=MAX_TEXT).contains(&text.len()));
    let place = match channel {
        "whatsapp" => Place::WhatsApp { id: text("id").filter(|id| is_plain(id))?.to_owned() },
        "sms" => Place::Twilio { url: text("url")?.to_owned() },
        "telegram" => Place::Telegram { id: text("file_id").filter(|id| is_plain(id))?.to_owned() },
        "email" | "web" => {
            let file = media.get("file").and_then(Value::as_u64).and_then(|file| u32::try_from(file).ok());
            Place::Carried { delivery: delivery.to_owned(), file: file? }
        }
        _ => return None,
    };
    let filename = text("filename").or_else(|| text("file_name")).map(str::to_owned);
    Some(Source { place, sha256: text("sha256").and_then(hexadecimal), filename })
}

/// It becomes a segment of a path, or a value in a query.
fn is_plain(id: &str) -> bool {
    id.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b)) && id.bytes().any(|b| b != b'.')
}

/// Meta writes hashes in hexadecimal digits or in base64.
pub fn hexadecimal(hash: &str) -> Option<String> {
    let is_hex = hash.len() == 64 && hash.bytes().all(|b| b.is_ascii_hexdigit());
    if is_hex {
        return Some(hash.to_ascii_lowercase());
    }
    let bytes = STANDARD.decode(hash).ok().filter(|bytes| bytes.len() == 32)?;
    Some(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metadata(media: Value) -> Map<String, Value> {
        Map::from_iter([("media".to_owned(), media)])
    }

    #[test]
    fn finds_the_file_of_a_message() {
        let image = metadata(serde_json::json!({ "id": "1013859600285441", "mime_type": "image/jpeg",
            "sha256": "LXEWQrcmsEQBYnyp+6wy9chTD7GQPMTbAiWHF5IaSIE=", "filename": "a.jpg" }));
        let source = of("whatsapp", &image, "d1").unwrap();
        assert_eq!(source.place, Place::WhatsApp { id: "1013859600285441".into() });
        // SHA-256 of `x`.
        assert_eq!(source.sha256.as_deref(), Some("2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"));
        assert_eq!(source.filename.as_deref(), Some("a.jpg"));
        let url = "https://api.twilio.com/2010-04-01/Accounts/AC1/Messages/MM1/Media/ME1";
        let mms = metadata(serde_json::json!({ "url": url, "mime_type": "image/png" }));
        assert_eq!(of("sms", &mms, "d1").unwrap().place, Place::Twilio { url: url.into() });
        let file = metadata(serde_json::json!({ "file_id": "BQACAgIAAxkBAAI-_x", "file_name": "a.pdf" }));
        let source = of("telegram", &file, "d1").unwrap();
        assert_eq!(source.place, Place::Telegram { id: "BQACAgIAAxkBAAI-_x".into() });
        assert_eq!(source.filename.as_deref(), Some("a.pdf"));
    }

    #[test]
    fn what_came_along_is_with_its_delivery() {
        let carried = metadata(serde_json::json!({ "filename": "a.pdf", "file": 2 }));
        for channel in ["email", "web"] {
            let source = of(channel, &carried, "d1").unwrap();
            assert_eq!(source.place, Place::Carried { delivery: "d1".into(), file: 2 });
            assert_eq!(source.filename.as_deref(), Some("a.pdf"));
            assert_eq!(of(channel, &metadata(serde_json::json!({ "url": "https://a.example/b" })), "d1"), None);
        }
        assert_eq!(of("telegram", &carried, "d1"), None);
    }

    #[test]
    fn finds_none_where_there_is_none() {
        assert_eq!(of("whatsapp", &Map::new(), "d1"), None);
        assert_eq!(of("telegram", &metadata(serde_json::json!({ "id": "1" })), "d1"), None);
        for bad in ["../1", "a/b", "a?b", "", "..", "a b"] {
            assert_eq!(of("whatsapp", &metadata(serde_json::json!({ "id": bad })), "d1"), None, "{bad}");
            assert_eq!(of("telegram", &metadata(serde_json::json!({ "file_id": bad })), "d1"), None, "{bad}");
        }
        let odd = metadata(serde_json::json!({ "id": "1", "sha256": "nonsense" }));
        assert_eq!(of("whatsapp", &odd, "d1").unwrap().sha256, None);
    }
}
