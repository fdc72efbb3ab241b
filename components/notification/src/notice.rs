//! What of all that happens an operator should see, and how it is called.

use sdk::event::Incoming;
use serde_json::{Map, Value, json};

sdk::words!(Kind {
    NewConversation = "conversation.new",
    FailedMessage = "message.failed",
    UnknownMessage = "message.unknown",
    DeadLetter = "event.dead_lettered",
    RolledBack = "component.rolled_back",
    StoppedChannel = "channel.stopped",
    DisabledEndpoint = "webhook_endpoint.disabled",
});

#[derive(Clone, Debug, PartialEq)]
pub struct Notice {
    pub kind: Kind,
    pub title: String,
    /// The id of what it is about.
    pub subject: String,
    /// A JSON object of ids and reasons: never what people wrote.
    pub details: Value,
}

/// `None` for what is ordinary.
pub fn of(event: &Incoming) -> Option<Notice> {
    let data: Map<String, Value> = event.read().unwrap_or_default();
    let (kind, title, kept): (_, _, &[&str]) = match unversioned(event.kind()) {
        "com.kobliat.conversation.created" => {
            (Kind::NewConversation, "New conversation", &["channel", "channel_account_id", "type"])
        }
        "com.kobliat.message.failed" => {
            (Kind::FailedMessage, "A message could not be delivered", &["conversation_id", "channel", "failure"])
        }
        "com.kobliat.message.unknown" => (
            Kind::UnknownMessage,
            "Nobody knows whether a message was sent",
            &["conversation_id", "channel", "failure"],
        ),
        "com.kobliat.platform.event.dead-lettered" => {
            let kept = &["dead_letter_id", "subscription", "attempts", "last_status", "reason", "event"];
            (Kind::DeadLetter, "An event could not be delivered", kept)
        }
        "com.kobliat.platform.component.rolled-back" => (
            Kind::RolledBack,
            "A component's new version failed and was taken back",
            &["component", "from", "to", "reason"],
        ),
        "com.kobliat.channel.stopped" => {
            (Kind::StoppedChannel, "A channel was stopped", &["channel", "channel_account_id", "code", "reason"])
        }
        _ => return None,
    };
    let details = data.into_iter().filter(|(name, _)| kept.contains(&name.as_str()));
    let details = Value::Object(details.collect());
    Some(Notice { kind, title: title.to_owned(), subject: event.subject().to_owned(), details })
}

/// An endpoint was disabled because of how it answered.
pub fn disabled(endpoint_id: &str, url: &str, reason: &str) -> Notice {
    Notice {
        kind: Kind::DisabledEndpoint,
        title: "A webhook endpoint was disabled".to_owned(),
        subject: endpoint_id.to_owned(),
        details: json!({ "url": url, "reason": reason }),
    }
}

fn unversioned(kind: &str) -> &str {
    kind.rsplit_once(".v").map_or(kind, |(name, _)| name)
}
