//! The content of a message by its type: what a person reads, and what is kept beside it.

use serde_json::Value;

use crate::channel::fields::{self, Object};

/// What a message says.
pub(super) struct Body {
    pub text: Option<String>,
    /// The type's own object, under the name that the metadata give it.
    pub details: Option<(&'static str, Value)>,
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
        _ => Body { text: None, details: None, understood: false },
    }
}

impl Body {
    fn of(part: Option<&Value>, name: Option<&'static str>, read: impl Fn(&Value) -> Option<String>) -> Self {
        let part = part.filter(|part| part.is_object() || part.is_array());
        let text = part.and_then(read);
        let understood = part.is_some() && (name.is_some() || text.is_some());
        Body { text, details: name.zip(part.cloned()), understood }
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
    ["/button_reply/title", "/list_reply/title", "/nfm_reply/body"].into_iter().find_map(|pointer| text(part, pointer))
}

fn join(parts: impl Iterator<Item = String>) -> Option<String> {
    let joined = parts.collect::<Vec<_>>().join(", ");
    (!joined.is_empty()).then_some(joined)
}

/// The type's name, as a word that is safe to store and to show; `unknown` where it is none.
pub(super) fn kind(message: &Object) -> &str {
    fields::text(message, "type").and_then(fields::word).unwrap_or("unknown")
}
