//! Attachments that we keep: a link for providers who fetch, the bytes for mail.

use outbound_gateway::domain::services::{Attachment, State};
use sdk::query::Query;
use serde_json::{Value, json};

use crate::support::{MEDIA, World, code};

const LINK: &str = "https://kobliat.example/api/v1/media/0197/content?signature=1";

/// A message of this kind with an attachment of this type.
fn attach(world: &World, kind: &str, body: Option<&str>, mime_type: &str) {
    world.writes(kind, body, json!({}));
    world.message.borrow_mut().as_mut().unwrap().media_id = Some(MEDIA.to_owned());
    let (url, filename, mime_type) = (LINK.to_owned(), "offer 1.pdf".to_owned(), mime_type.to_owned());
    world.attachment.replace(Some(Attachment { state: State::Ready, url, filename, mime_type, size: 9 }));
}

fn sent(world: &World) -> Value {
    world.deliver("e1").unwrap();
    serde_json::from_slice(world.last_call().body()).unwrap()
}

#[test]
fn whatsapp_gets_a_link_and_the_kind_of_the_file() {
    for (kind, mime_type, body, expected) in [
        ("image", "image/jpeg", Some("Look"), json!({"link": LINK, "caption": "Look"})),
        ("document", "application/pdf", None, json!({"link": LINK, "filename": "offer 1.pdf"})),
    ] {
        for named in [kind, "text"] {
            let world = World::whatsapp();
            attach(&world, named, body, mime_type);
            let sent = sent(&world);
            assert_eq!((&sent["type"], &sent[kind]), (&json!(kind), &expected), "{named}");
        }
    }
}

#[test]
fn twilio_and_telegram_get_a_link() {
    let world = World::sms();
    attach(&world, "image", Some("Look"), "image/png");
    world.deliver("e1").unwrap();
    let form = world.last_call().body().clone();
    let form = Query::parse(std::str::from_utf8(&form).unwrap()).unwrap();
    assert_eq!((form.get("MediaUrl"), form.get("Body")), (Some(LINK), Some("Look")));

    let world = World::new("telegram", "telegram", "chat-id", "99");
    attach(&world, "document", None, "application/pdf");
    assert_eq!(sent(&world)["document"], LINK);
}

#[test]
fn a_mail_brings_the_file_along() {
    let world = World::new("email", "shop@example.com", "email", "ann@example.com");
    attach(&world, "document", None, "application/pdf");
    let file = json!([{ "Name": "offer 1.pdf", "ContentType": "application/pdf", "Content": "dGhlIGJ5dGVz" }]);
    assert_eq!(sent(&world)["Attachments"], file);

    let world = World::new("email", "shop@example.com", "email", "ann@example.com");
    attach(&world, "document", None, "application/pdf");
    world.attachment.borrow_mut().as_mut().unwrap().size = 8 << 20;
    world.deliver("e1").unwrap();
    assert_eq!((code(&world.last_report().ended), world.sent()), ("media_too_large", 0));
}

#[test]
fn what_cannot_be_fetched_is_not_sent() {
    for (change, expected) in [
        (Some(("url", "/api/v1/media/1/content")), "no_public_url"),
        (Some(("state", "failed")), "no_media"),
        (None, "no_media"),
    ] {
        let world = World::whatsapp();
        attach(&world, "image", None, "image/png");
        match change {
            Some(("url", path)) => world.attachment.borrow_mut().as_mut().unwrap().url = path.to_owned(),
            Some(_) => world.attachment.borrow_mut().as_mut().unwrap().state = State::Failed,
            None => _ = world.attachment.take(),
        }
        world.deliver("e1").unwrap();
        assert_eq!((code(&world.last_report().ended), world.sent()), (expected, 0), "{change:?}");
    }
}

#[test]
fn one_that_is_on_its_way_is_waited_for() {
    let world = World::whatsapp();
    attach(&world, "image", None, "image/png");
    world.attachment.borrow_mut().as_mut().unwrap().state = State::Pending;
    assert!(world.deliver("e1").is_err());
    assert_eq!((world.reports.borrow().len(), world.sent()), (0, 0));
    world.attachment.borrow_mut().as_mut().unwrap().state = State::Ready;
    assert_eq!(sent(&world)["image"]["link"], LINK);
}

#[test]
fn what_the_metadata_name_comes_first() {
    let world = World::whatsapp();
    attach(&world, "image", None, "image/png");
    world.message.borrow_mut().as_mut().unwrap().metadata = json!({"media": {"id": "m1"}}).as_object().unwrap().clone();
    assert_eq!(sent(&world)["image"], json!({"id": "m1"}));
}
