//! What is to be forgotten, by the events that say so: a customer, messages whose content is gone, conversations whose subject is.

use sdk::event::Incoming;
use serde::Deserialize;

#[derive(Deserialize)]
struct Named {
    id: String,
}

#[derive(Deserialize)]
struct MessagesErased {
    messages: Vec<Named>,
}

#[derive(Deserialize)]
struct CustomerErased {
    #[serde(default)]
    messages: String,
    #[serde(default)]
    conversations: Vec<Named>,
}

fn ids(named: Vec<Named>) -> Vec<String> {
    named.into_iter().map(|one| one.id).collect()
}

/// The ids of what nothing here may tell of any more.
pub fn subjects(event: &Incoming) -> Vec<String> {
    match event.kind() {
        "com.kobliat.customer.deleted.v1" => vec![event.subject().to_owned()],
        "com.kobliat.message.erased.v1" => {
            event.read().map(|told: MessagesErased| ids(told.messages)).unwrap_or_default()
        }
        "com.kobliat.customer.erased.v1" => match event.read::<CustomerErased>() {
            Ok(told) if told.messages == "erase" => ids(told.conversations),
            _ => Vec::new(),
        },
        _ => Vec::new(),
    }
}
