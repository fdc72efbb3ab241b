//! The content of a message: Telegram has no type, each kind of content is a field of its own.

use serde_json::{Map, Value};

use super::notice;
use crate::channel::fields::{self, Object};

/// What a message says.
pub(super) struct Body {
    pub kind: &'static str,
    pub text: Option<String>,
    pub details: Map<String, Value>,
    /// False when there is no content that we know: then the item is kept as it came.
    pub understood: bool,
    /// Telegram's own words: nobody wrote it.
    pub is_notice: bool,
}

/// Telegram's field, what we call it, and where its details are kept. The first that is there counts: an animation is a document too.
const KINDS: &[(&str, &str, &str)] = &[
    ("animation", "video", "media"),
    ("photo", "image", "media"),
    ("document", "document", "media"),
    ("voice", "audio", "media"),
    ("audio", "audio", "media"),
    ("video", "video", "media"),
    ("video_note", "video", "media"),
    ("sticker", "sticker", "media"),
    ("contact", "contacts", "contacts"),
    ("venue", "location", "location"),
    ("location", "location", "location"),
    ("poll", "poll", "poll"),
    ("dice", "dice", "dice"),
    ("game", "game", "game"),
    ("invoice", "invoice", "invoice"),
    ("checklist", "checklist", "checklist"),
    ("web_app_data", "button", "button"),
    ("story", "story", "story"),
];

pub(super) fn read(message: &Object) -> Body {
    if let Some(text) = fields::text(message, "text") {
        let details = entities(message, "entities");
        return Body { kind: "text", text: Some(fields::readable(text)), details, understood: true, is_notice: false };
    }
    let known = KINDS.iter().find_map(|(field, kind, name)| Some((*field, *kind, *name, message.get(*field)?)));
    let Some((field, kind, name, value)) = known else {
        let notice = notice::kind(message);
        // What is new may still have words beside it.
        let text = fields::text(message, "caption").map(fields::readable).filter(|_| notice.is_none());
        let (kind, is_notice) = (notice.unwrap_or("unknown"), notice.is_some());
        return Body { kind, text, details: Map::new(), understood: false, is_notice };
    };
    let mut details = entities(message, "caption_entities");
    details.insert(name.to_owned(), detail(field, value));
    let caption = fields::text(message, "caption").map(fields::readable);
    Body { kind, text: caption.or_else(|| words(field, value)), details, understood: true, is_notice: false }
}

/// A photo comes in several sizes, the largest last. A reference is enough: the bytes are fetched by `file_id`.
fn detail(field: &str, value: &Value) -> Value {
    let mut detail = match value.as_array().and_then(|sizes| sizes.last()) {
        Some(largest) => largest.clone(),
        None => value.clone(),
    };
    match &mut detail {
        Value::Object(object) if field == "voice" => drop(object.insert("voice".to_owned(), true.into())),
        Value::Object(object) if field == "animation" => drop(object.insert("animated".to_owned(), true.into())),
        _ => {}
    }
    if field == "contact" { Value::Array(vec![detail]) } else { detail }
}

/// What a person would read of content that has no text.
fn words(field: &str, value: &Value) -> Option<String> {
    let object = value.as_object()?;
    let parts: &[&str] = match field {
        "sticker" => &["emoji"],
        "contact" => &["first_name", "last_name"],
        "venue" => &["title", "address"],
        "poll" => &["question"],
        "dice" => &["emoji"],
        "game" | "invoice" | "checklist" => &["title"],
        "web_app_data" => &["button_text"],
        _ => &[],
    };
    let parts: Vec<String> = parts.iter().filter_map(|name| fields::name(object, name)).collect();
    (!parts.is_empty()).then(|| parts.join(if field == "venue" { ", " } else { " " }))
}

fn entities(message: &Object, name: &str) -> Map<String, Value> {
    message.get(name).map(|entities| ("entities".to_owned(), entities.clone())).into_iter().collect()
}
