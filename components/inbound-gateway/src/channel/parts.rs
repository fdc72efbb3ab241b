//! A message has one file: what came with several is a message for each, of which the first has the words and the others name it.

use serde_json::{Map, Value};

use crate::domain::{Content, Message, Update};

/// What an answer to any of the messages has to know of the mail that they were.
const SHARED: [&str; 5] = ["message_id", "subject", "references", "auto_submitted", "precedence"];

/// The message with the first file, and one for each of the others. `files`: where each stands in the body, and what it is.
pub fn spread(mut first: Message, account: &str, files: Vec<(String, Value)>) -> Vec<Update> {
    let mut files = files.into_iter();
    if let Some((_, medium)) = files.next() {
        first.metadata.insert("media".to_owned(), medium);
    }
    let others: Vec<Update> = files
        .map(|(at, medium)| further(&first, account, &at.replacen('/', "", 1).replace('/', ":"), at, medium))
        .collect();
    let first = Update { at: String::new(), account: account.to_owned(), content: Content::Message(Box::new(first)) };
    std::iter::once(first).chain(others).collect()
}

/// A message for one more file. `name` tells it apart from the first message and from the other files.
pub fn further(first: &Message, account: &str, name: &str, at: String, medium: Value) -> Update {
    let mut metadata = Map::from_iter([("part_of".to_owned(), first.external_id.as_str().into())]);
    let shared = SHARED.iter().filter_map(|name| Some(((*name).to_owned(), first.metadata.get(*name)?.clone())));
    metadata.extend(shared);
    let kind = kind(medium.get("mime_type").and_then(Value::as_str));
    metadata.insert("media".to_owned(), medium);
    let message = Message {
        external_id: format!("{}:{name}", first.external_id),
        contact: first.contact.clone(),
        direction: first.direction,
        content_type: kind.to_owned(),
        body: None,
        sent_at: first.sent_at,
        metadata,
    };
    Update { at, account: account.to_owned(), content: Content::Message(Box::new(message)) }
}

/// What a message with a file of this type is.
pub fn kind(mime_type: Option<&str>) -> &'static str {
    let family = mime_type.and_then(|mime_type| mime_type.split('/').next()).unwrap_or_default();
    ["image", "audio", "video"].into_iter().find(|known| family.eq_ignore_ascii_case(known)).unwrap_or("document")
}
