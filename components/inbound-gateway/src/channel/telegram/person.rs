//! Who wrote an update. `from` is not always a person: anonymous administrators and channels share a few fake users, and are their
//! `sender_chat`; in a business chat the account's owner writes, too, and the customer is the chat.

use crate::channel::fields::{self, Object};

/// Where an update names its author, the true one first.
const AUTHORS: [&str; 5] = ["sender_chat", "from", "user", "actor_chat", "voter_chat"];

/// The other side of what was written.
pub(super) struct Party {
    pub id: String,
    pub name: Option<String>,
    /// We wrote it to them: the account's owner did, in the app.
    pub is_ours: bool,
}

/// `None` where an update names nobody.
pub(super) fn party(object: &Object) -> Option<Party> {
    let chat = object.get("chat").and_then(|chat| chat.as_object());
    let author = AUTHORS.iter().find_map(|name| object.get(*name)?.as_object());
    match chat.filter(|_| object.contains_key("business_connection_id")) {
        Some(customer) => {
            let id = chat_id(customer)?;
            // What is told of a chat without an author (messages were deleted) concerns the customer, too.
            let is_ours = author.and_then(chat_id).is_some_and(|author| author != id);
            let name = author.filter(|_| !is_ours).and_then(full_name).or_else(|| full_name(customer));
            Some(Party { id, name, is_ours })
        }
        None => Some(Party { id: chat_id(author?)?, name: full_name(author?), is_ours: false }),
    }
}

/// Of a person, or a group's or channel's title.
fn full_name(who: &Object) -> Option<String> {
    let names: Vec<String> = ["first_name", "last_name"].iter().filter_map(|name| fields::name(who, name)).collect();
    let names = (!names.is_empty()).then(|| names.join(" "));
    names.or_else(|| fields::name(who, "title")).or_else(|| fields::name(who, "username"))
}

/// Of a chat, or of a person: their private chat with a bot has their own id.
pub(super) fn chat_id(chat: &Object) -> Option<String> {
    fields::key(chat, "id")
}

/// `<chat>:<message>` of a message, or of what names one: ids of messages are unique in their chat only.
pub(super) fn name(object: &Object) -> Option<String> {
    let chat = object.get("chat").and_then(|chat| chat.as_object()).and_then(chat_id)?;
    Some(format!("{chat}:{}", fields::key(object, "message_id")?))
}
