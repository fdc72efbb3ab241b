//! What becomes of a message's media: told once, beside what the channel told.

use messaging::{
    domain::{Error, Message, NewMessage},
    media::{MediaChange, MediaStatus, set_many},
};
use sdk::{ids, testing::block_on};
use serde_json::{Value, json};

use crate::{NOW, TestApp, context, inbound};

fn ready(message: &Message, media_id: &str) -> MediaChange {
    MediaChange {
        message_id: message.id.clone(),
        media_id: media_id.to_owned(),
        status: MediaStatus::Ready,
        reason: None,
        mime_type: Some("image/jpeg".into()),
        size: Some(7),
        filename: None,
    }
}

fn set(app: &TestApp, change: MediaChange) -> Result<Message, Error> {
    block_on(set_many(&app.app.store, &context(), vec![change], NOW)).unwrap().remove(0)
}

fn media(message: &Message) -> Value {
    serde_json::from_str::<Value>(&message.metadata).unwrap()["media"].clone()
}

#[test]
fn tells_what_became_of_it_beside_what_the_channel_told() {
    let app = TestApp::start();
    let metadata = json!({ "media": { "id": "provider-1", "status": "pending" }, "context": 1 }).to_string();
    let message = app.insert_one(NewMessage { metadata, ..inbound("1") }).message;
    let media_id = ids::new();
    let failed = MediaChange { status: MediaStatus::Failed, reason: Some("gone".into()), ..ready(&message, &media_id) };
    assert_eq!(media(&set(&app, failed).unwrap())["reason"], "gone");
    let after = set(&app, ready(&message, &media_id)).unwrap();
    let expected = json!({ "id": "provider-1", "status": "ready", "mime_type": "image/jpeg", "size": 7 });
    assert_eq!((media(&after), after.media_id.as_deref()), (expected, Some(media_id.as_str())));
    assert!(after.metadata.contains("\"context\":1"));
    assert_eq!((set(&app, ready(&message, &media_id)).unwrap(), app.events("edited")), (after, 2), "told once");
    assert!(matches!(set(&app, ready(&message, &ids::new())), Err(Error::Conflict(_))));
}

#[test]
fn fails_a_bad_change_alone() {
    let app = TestApp::start();
    let message = app.insert_one(inbound("1")).message;
    let nobody = Message { id: ids::new(), ..message.clone() };
    let changes = vec![ready(&nobody, "m"), ready(&message, ""), ready(&message, "m")];
    let answers = block_on(set_many(&app.app.store, &context(), changes, NOW)).unwrap();
    assert!(matches!(answers.as_slice(), [Err(Error::NotFound), Err(Error::Invalid { .. }), Ok(_)]), "{answers:?}");
}
