//! Meta's send endpoint: reads what the platform sends as strictly as Meta does, and answers in its words.

use serde_json::{Map, Value, json};

use super::{Sent, codes};
use crate::provider::meta;

/// Meta's limit for a text.
const MAX_TEXT: usize = 4096;
const KINDS: [&str; 11] = [
    "text",
    "image",
    "video",
    "audio",
    "document",
    "sticker",
    "location",
    "contacts",
    "interactive",
    "reaction",
    "template",
];

/// What a call wants.
#[derive(Debug)]
pub enum Call {
    Send(Box<Sent>),
    /// A message of a customer's is marked as read, or the agent is shown as typing.
    MarkRead,
}

/// Why Meta does not take it: its code, and what it says.
pub type Refusal = (i64, String);

pub fn read(account: &str, body: &[u8]) -> Result<Call, Refusal> {
    let invalid = |details: &str| (100, details.to_owned());
    let Ok(Value::Object(body)) = serde_json::from_slice::<Value>(body) else {
        return Err(invalid("The request body is not a JSON object"));
    };
    if text(&body, "messaging_product") != Some("whatsapp") {
        return Err(invalid("The parameter messaging_product is required."));
    }
    if text(&body, "status") == Some("read") {
        let named = text(&body, "message_id").is_some();
        return if named { Ok(Call::MarkRead) } else { Err(invalid("The parameter message_id is required.")) };
    }
    let kind = text(&body, "type").unwrap_or("text");
    if !KINDS.contains(&kind) {
        return Err((131_051, format!("Message type {kind} is not supported.")));
    }
    let content = body.get(kind).filter(|content| content.is_object() || content.is_array());
    let content = content.ok_or_else(|| invalid(&format!("The parameter {kind} is required.")))?;
    let (recipient, is_dropped) = recipient(&body)?;
    let words = words(kind, content)?;
    Ok(Call::Send(Box::new(Sent {
        channel: meta::CHANNEL,
        account: account.to_owned(),
        recipient,
        kind: kind.to_owned(),
        text: words,
        ours: text(&body, "biz_opaque_callback_data").map(str::to_owned),
        callback: None,
        is_dropped,
    })))
}

/// `to` wins when both are given. A BSUID in `to` is answered with a success, and the message is dropped: that is how Meta is.
fn recipient(body: &Map<String, Value>) -> Result<(String, bool), Refusal> {
    if let Some(to) = text(body, "to") {
        let digits = to.trim_start_matches('+');
        let is_number = (5..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
        let is_bsuid = to.get(2..3) == Some(".");
        return match (is_number, is_bsuid) {
            (true, _) => Ok((digits.to_owned(), false)),
            (false, true) => Ok((to.to_owned(), true)),
            (false, false) => Err((131_026, "The recipient's phone number is not valid.".to_owned())),
        };
    }
    let recipient = text(body, "recipient").map(|recipient| (recipient.to_owned(), false));
    recipient.ok_or_else(|| (100, "The parameter to is required.".to_owned()))
}

fn words(kind: &str, content: &Value) -> Result<Option<String>, Refusal> {
    let at = |pointer: &str| content.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    let words = match kind {
        "text" => Some(
            at("/body")
                .filter(|body| !body.is_empty())
                .ok_or_else(|| (100, "The parameter text['body'] is required.".to_owned()))?,
        ),
        "image" | "video" | "document" | "audio" | "sticker" => {
            if at("/id").or_else(|| at("/link")).is_none() {
                return Err((100, format!("The parameter {kind}['id'] or {kind}['link'] is required.")));
            }
            at("/caption")
        }
        "template" => at("/name")
            .ok_or_else(|| (132_001, "Template name is missing.".to_owned()))
            .map(|name| Some(format!("[{name}]")))?,
        "reaction" => at("/emoji"),
        _ => None,
    };
    match &words {
        Some(text) if text.chars().count() > MAX_TEXT => {
            Err((100, format!("Param text['body'] must be at most {MAX_TEXT} characters long.")))
        }
        _ => Ok(words),
    }
}

pub fn accepted(id: &str, recipient: &str) -> Value {
    json!({
        "messaging_product": "whatsapp",
        "contacts": [{ "input": recipient, "wa_id": recipient }],
        "messages": [{ "id": id }],
    })
}

/// The status and the body of a refusal.
pub fn refused(code: i64, details: &str) -> (u16, Value) {
    let known = codes::META.iter().find(|known| known.code == code);
    let (status, words) = known.map_or((400, "Error"), |known| (known.status, known.words));
    let data = json!({ "messaging_product": "whatsapp", "details": details });
    let error = json!({ "message": format!("(#{code}) {words}"), "type": "OAuthException", "code": code, "error_data": data, "fbtrace_id": "Asimulated" });
    (status, json!({ "error": error }))
}

fn text<'a>(body: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    body.get(name).and_then(Value::as_str).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(body: Value) -> Result<Call, Refusal> {
        let mut whole =
            json!({ "messaging_product": "whatsapp", "to": "999123456", "type": "text", "text": { "body": "hi" } });
        for (name, value) in body.as_object().unwrap() {
            whole[name] = value.clone();
        }
        read("999000000000001", whole.to_string().as_bytes())
    }

    fn sent(body: Value) -> Sent {
        match call(body) {
            Ok(Call::Send(sent)) => *sent,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn takes_what_meta_takes() {
        let text = sent(json!({ "to": "+999123456", "biz_opaque_callback_data": "m-1" }));
        assert_eq!(
            (text.recipient.as_str(), text.text.as_deref(), text.ours.as_deref()),
            ("999123456", Some("hi"), Some("m-1"))
        );
        let image = sent(json!({ "type": "image", "image": { "link": "https://x/y.png", "caption": "see" } }));
        assert_eq!((image.kind.as_str(), image.text.as_deref()), ("image", Some("see")));
        let read = json!({ "status": "read", "message_id": "wamid.1" });
        assert!(matches!(call(read), Ok(Call::MarkRead)));
    }

    #[test]
    fn drops_a_bsuid_in_to_without_a_word_and_takes_it_in_recipient() {
        assert!(sent(json!({ "to": "US.13491208655302741918" })).is_dropped);
        let right = sent(json!({ "to": null, "recipient": "US.13491208655302741918" }));
        assert!(!right.is_dropped && right.recipient.starts_with("US."));
    }

    #[test]
    fn refuses_what_meta_refuses() {
        for (body, code) in [
            (json!({ "messaging_product": "telegram" }), 100),
            (json!({ "to": null }), 100),
            (json!({ "to": "Ann" }), 131_026),
            (json!({ "text": null }), 100),
            (json!({ "text": { "body": "" } }), 100),
            (json!({ "text": { "body": "x".repeat(4097) } }), 100),
            (json!({ "type": "telepathy" }), 131_051),
            (json!({ "type": "image", "image": {} }), 100),
            (json!({ "type": "template", "template": {} }), 132_001),
            (json!({ "status": "read" }), 100),
        ] {
            assert_eq!(call(body.clone()).unwrap_err().0, code, "{body}");
        }
        assert_eq!(read("1", b"<xml>").unwrap_err().0, 100);
    }
}
