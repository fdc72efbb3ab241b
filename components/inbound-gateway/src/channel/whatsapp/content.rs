//! The content of a message by its type: what a person reads, and what is kept beside it.

use serde_json::Value;

use crate::channel::fields::{self, Object};

/// What a message says.
pub(super) struct Body {
    pub text: Option<String>,
    /// The type's own object, under the name that the metadata give it; of an edit, also the message that it changes.
    pub details: Vec<(&'static str, Value)>,
    /// False when the type is unknown or its object is missing: then the item is kept as it came.
    pub understood: bool,
}

/// Reads `message[kind]`. Nothing is lost here: what is not understood is kept whole by the caller.
pub(super) fn read(kind: &str, message: &Object) -> Body {
    let part = message.get(kind);
    match kind {
        "text" => Body::of(part, None, |part| text(part, "/body")),
        "image" | "video" | "audio" | "document" | "sticker" => {
            Body::of(part, Some("media"), |part| text(part, "/caption"))
        }
        "location" => Body::of(part, Some("location"), place),
        "contacts" => Body::of(part, Some("contacts"), people),
        "interactive" => Body::of(part, Some("interactive"), choice),
        "button" => Body::of(part, Some("button"), |part| text(part, "/text")),
        "reaction" => Body::of(part, Some("reaction"), |part| text(part, "/emoji")),
        "order" => Body::of(part, Some("order"), |part| text(part, "/text")),
        "system" => Body::of(part, Some("system"), |part| text(part, "/body")),
        "edit" => edit(part).unwrap_or_else(|| Body::unknown(part)),
        "revoke" => revoke(part).unwrap_or_else(|| Body::unknown(part)),
        _ => Body::unknown(part),
    }
}

/// `{"original_message_id": …, "message": {"type": …, …}}`: what the message says from now on, in the message's own types.
fn edit(part: Option<&Value>) -> Option<Body> {
    let part = part?.as_object()?;
    let edited = fields::id(part, "original_message_id")?;
    let message = part.get("message")?.as_object()?;
    let inner = match kind(message) {
        "edit" | "revoke" => return None,
        inner => read(inner, message),
    };
    let details = inner.details.into_iter().chain([("edits", Value::String(edited))]).collect();
    Some(Body { details, ..inner })
}

/// `{"original_message_id": …}`: it was taken back.
fn revoke(part: Option<&Value>) -> Option<Body> {
    let revoked = fields::id(part?.as_object()?, "original_message_id")?;
    Some(Body { text: None, details: vec![("revokes", Value::String(revoked))], understood: true })
}

impl Body {
    fn of(part: Option<&Value>, name: Option<&'static str>, read: impl Fn(&Value) -> Option<String>) -> Self {
        let part = part.filter(|part| part.is_object() || part.is_array());
        let text = part.and_then(read);
        let understood = part.is_some() && (name.is_some() || text.is_some());
        Body { text, details: name.zip(part.cloned()).into_iter().collect(), understood }
    }

    /// Of a type that is newer than we are: words under one of the usual names are what a person reads; all of it is kept.
    fn unknown(part: Option<&Value>) -> Self {
        let usual = ["/text/body", "/body", "/text", "/caption", "/title", "/name"];
        let text = part.and_then(|part| usual.into_iter().find_map(|pointer| text(part, pointer)));
        Self { text, details: Vec::new(), understood: false }
    }
}

fn text(part: &Value, pointer: &str) -> Option<String> {
    part.pointer(pointer).and_then(Value::as_str).filter(|text| !text.is_empty()).map(fields::readable)
}

/// `name, address`; a bare position has no words.
fn place(part: &Value) -> Option<String> {
    join([text(part, "/name"), text(part, "/address")].into_iter().flatten())
}

/// The names on the shared cards.
fn people(part: &Value) -> Option<String> {
    join(part.as_array()?.iter().filter_map(|card| text(card, "/name/formatted_name")))
}

/// What was tapped: a button, a row of a list, or a form that was sent.
fn choice(part: &Value) -> Option<String> {
    let tapped = ["/button_reply/title", "/list_reply/title"].into_iter().find_map(|pointer| text(part, pointer));
    tapped.or_else(|| form(part))
}

/// The form's own words, and a line for each answer. Answers that are lists or objects are in the metadata only.
fn form(part: &Value) -> Option<String> {
    let answers = text(part, "/nfm_reply/response_json");
    let answers: Option<Object> = answers.and_then(|json| serde_json::from_str(&json).ok());
    let line = |(name, answer): (String, Value)| match answer {
        // The sender's own, by which it knows the form again.
        _ if name == "flow_token" => None,
        Value::String(text) if !text.is_empty() => Some(format!("{name}: {}", fields::readable(&text))),
        answer @ (Value::Number(_) | Value::Bool(_)) => Some(format!("{name}: {answer}")),
        _ => None,
    };
    let lines = answers.into_iter().flatten().filter_map(line);
    let lines: Vec<String> = text(part, "/nfm_reply/body").into_iter().chain(lines).collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
}

fn join(parts: impl Iterator<Item = String>) -> Option<String> {
    let joined = parts.collect::<Vec<_>>().join(", ");
    (!joined.is_empty()).then_some(joined)
}

/// The type's name, as a word that is safe to store and to show; `unknown` where it is none.
pub(super) fn kind(message: &Object) -> &str {
    fields::text(message, "type").and_then(fields::word).unwrap_or("unknown")
}
