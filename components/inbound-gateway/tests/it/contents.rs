//! Every type of message that Meta documents, and what is kept of it.

use inbound_gateway::channel::whatsapp::Envelope;
use inbound_gateway::domain::{Content, Direction, Identity, Message, Update};
use serde_json::{Value, json};

use crate::support::*;

fn updates(body: &Value) -> Vec<Update> {
    Envelope::read(body.to_string().as_bytes()).unwrap().updates(START)
}

/// The message that this value's only item becomes.
fn message_in(value: Value) -> Message {
    match updates(&delivery(value)).remove(0).content {
        Content::Message(message) => *message,
        other => panic!("no message: {other:?}"),
    }
}

/// The message of this type with this content.
fn of_type(kind: &str, part: Value) -> Message {
    message_in(json!({"messages": [{"from": "1650", "id": "m", "timestamp": "1749416383", "type": kind, kind: part}]}))
}

#[test]
fn each_type_has_its_words_and_its_details() {
    let image = json!({"id": "media-1", "mime_type": "image/jpeg", "sha256": "abc", "caption": "Look"});
    let voice = json!({"id": "media-2", "mime_type": "audio/ogg; codecs=opus", "sha256": "abc", "voice": true});
    let document =
        json!({"id": "media-3", "mime_type": "application/pdf", "filename": "invoice.pdf", "caption": "Here"});
    let sticker = json!({"id": "media-4", "mime_type": "image/webp", "animated": false});
    let place = json!({"latitude": 37.4, "longitude": -122.1, "name": "HQ", "address": "1 Hacker Way"});
    let cards = json!([{"name": {"formatted_name": "Ann"}}, {"name": {"formatted_name": "Bob"}}, 3]);
    let button = json!({"type": "button_reply", "button_reply": {"id": "b1", "title": "Yes"}});
    let row = json!({"type": "list_reply", "list_reply": {"id": "r1", "title": "Small", "description": "S"}});
    let form = json!({"type": "nfm_reply", "nfm_reply": {"name": "flow", "body": "Sent", "response_json": "{}"}});
    let order = json!({"catalog_id": "c", "text": "Please", "product_items": []});
    let moved = json!({"body": "User A changed from 1 to 2", "wa_id": "2", "type": "user_changed_number"});
    for (kind, part, words, details) in [
        ("image", image, Some("Look"), "media"),
        ("audio", voice, None, "media"),
        ("video", json!({"id": "media-5", "mime_type": "video/mp4"}), None, "media"),
        ("document", document, Some("Here"), "media"),
        ("sticker", sticker, None, "media"),
        ("location", place, Some("HQ, 1 Hacker Way"), "location"),
        ("location", json!({"latitude": 1.0, "longitude": 2.0}), None, "location"),
        ("contacts", cards, Some("Ann, Bob"), "contacts"),
        ("interactive", button, Some("Yes"), "interactive"),
        ("interactive", row, Some("Small"), "interactive"),
        ("interactive", form, Some("Sent"), "interactive"),
        ("button", json!({"payload": "p", "text": "Stop"}), Some("Stop"), "button"),
        ("reaction", json!({"message_id": "wamid.x", "emoji": "👍"}), Some("👍"), "reaction"),
        ("reaction", json!({"message_id": "wamid.x"}), None, "reaction"),
        ("order", order, Some("Please"), "order"),
        ("system", moved, Some("User A changed from 1 to 2"), "system"),
    ] {
        let message = of_type(kind, part.clone());
        assert_eq!(message.content_type, kind);
        assert_eq!(message.body.as_deref(), words, "{kind}");
        assert_eq!(message.metadata.get(details), Some(&part), "{kind}: nothing of it is lost");
        assert!(!message.metadata.contains_key("raw"), "{kind}: and nothing is kept twice");
        let is_notice = kind == "system" || (kind == "reaction" && words.is_none());
        let expected = if is_notice { Direction::System } else { Direction::Inbound };
        assert_eq!(message.direction, expected);
    }
}

#[test]
fn what_is_not_understood_is_kept_as_it_came() {
    for item in [
        json!({"from": "1", "id": "m", "type": "hologram", "hologram": {"size": 3}}),
        json!({"from": "1", "id": "m", "type": "unsupported", "errors": [{"code": 131051, "title": "Message type unknown"}]}),
        json!({"from": "1", "id": "m", "type": "edit", "edit": {"original_message_id": "wamid.x"}}),
        json!({"from": "1", "id": "m", "type": "revoke", "revoke": {}}),
        json!({"from": "1", "id": "m", "type": "text"}),
        json!({"from": "1", "id": "m", "type": "text", "text": {"body": 7}}),
        json!({"from": "1", "id": "m", "type": "image", "image": "not an object"}),
    ] {
        let message = message_in(json!({"messages": [item]}));
        assert_eq!((&message.metadata["raw"], &message.metadata["understood"]), (&item, &json!(false)));
        assert_eq!(Some(message.content_type.as_str()), item["type"].as_str());
        assert_eq!(message.body, None);
        assert_eq!(message.preview(), format!("[{}]", message.content_type));
    }
}

#[test]
fn an_edit_says_what_the_message_says_from_now_on() {
    let edit = |message: Value| of_type("edit", json!({"original_message_id": "wamid.x", "message": message}));
    let words = edit(json!({"context": {"id": "M0"}, "type": "text", "text": {"body": "three boxes"}}));
    assert_eq!((words.content_type.as_str(), words.body.as_deref()), ("edit", Some("three boxes")));
    assert_eq!((&words.metadata["edits"], words.direction), (&json!("wamid.x"), Direction::Inbound));
    assert!(!words.metadata.contains_key("raw"));
    let caption = edit(json!({"type": "image", "image": {"id": "media-1", "caption": "Look again"}}));
    assert_eq!((caption.body.as_deref(), &caption.metadata["media"]["id"]), (Some("Look again"), &json!("media-1")));
    let within = edit(json!({"type": "edit", "edit": {"original_message_id": "wamid.y", "message": {}}}));
    assert_eq!((within.body.as_deref(), &within.metadata["understood"]), (None, &json!(false)));
}

#[test]
fn what_is_taken_back_is_a_notice() {
    let revoked = of_type("revoke", json!({"original_message_id": "wamid.x"}));
    assert_eq!((&revoked.metadata["revokes"], revoked.direction), (&json!("wamid.x"), Direction::System));
    assert_eq!(of_type("reaction", json!({"message_id": "wamid.x"})).direction, Direction::System);
    assert_eq!(of_type("reaction", json!({"message_id": "wamid.x", "emoji": ""})).direction, Direction::System);
}

#[test]
fn a_form_says_what_was_filled_in() {
    let answers =
        json!({"flow_token": "t", "rating": 5, "words": "grüße 👍", "agreed": true, "empty": "", "list": [1]})
            .to_string();
    let part = json!({"type": "nfm_reply", "nfm_reply": {"name": "flow", "body": "Sent", "response_json": answers}});
    let message = of_type("interactive", part.clone());
    assert_eq!(message.body.as_deref(), Some("Sent\nagreed: true\nrating: 5\nwords: grüße 👍"));
    assert_eq!(message.metadata["interactive"], part);
    let odd = json!({"type": "nfm_reply", "nfm_reply": {"response_json": "[not an object]"}});
    assert_eq!(of_type("interactive", odd).body, None);
}

#[test]
fn a_type_of_tomorrow_shows_its_words() {
    for part in [json!({"body": "new words"}), json!({"text": {"body": "new words"}}), json!({"caption": "new words"})]
    {
        let message = of_type("hologram", part.clone());
        assert_eq!((message.content_type.as_str(), message.body.as_deref()), ("hologram", Some("new words")));
        assert_eq!(message.metadata["raw"]["hologram"], part);
    }
}

#[test]
fn a_first_message_that_cannot_be_shown_opens_its_conversation_with_the_reason() {
    let world = World::new();
    let errors = json!([{"code": 131060, "title": "This message is unavailable", "error_data": {"details": "Open WhatsApp on your phone"}}]);
    let item = json!({"from": "16505551234", "id": "wamid.1", "timestamp": "1749416383", "type": "unsupported", "errors": errors});
    assert_eq!(world.receive(&delivery(json!({"messages": [item]}))).answer.accepted, 1);
    let (_, message) = world.messages.rows.borrow()[0].clone();
    let metadata: Value = serde_json::from_str(&message.metadata).unwrap();
    assert_eq!((message.direction, &metadata["errors"]), (Direction::Inbound, &errors));
    assert_eq!(world.conversations.state.borrow()["conversation-1"], (1, "[unsupported]".to_owned(), 1));
}

#[test]
fn a_changed_number_is_a_notice_that_keeps_both_numbers() {
    let system = json!({"body": "A changed from 1 to 2", "wa_id": "2", "type": "user_changed_number"});
    let message = of_type("system", system.clone());
    assert_eq!((message.direction, &message.metadata["system"]), (Direction::System, &system));
    assert_eq!(message.contact.identities, [identity("phone", "1650")], "whose conversation it is in");
}

#[test]
fn words_and_details_that_are_too_long_are_cut_and_never_lost() {
    let world = World::new();
    let long = "ü".repeat(600_000);
    let item = json!({"from": "1", "id": "m", "timestamp": "1749416383", "type": "text", "text": {"body": long},
        "referral": {"body": "x".repeat(300_000)}, "context": {"id": "wamid.0"}});
    assert_eq!(world.receive(&delivery(json!({"messages": [item]}))).answer.accepted, 1);
    let (_, message) = world.messages.rows.borrow()[0].clone();
    assert_eq!(message.body.map(|body| body.len()), Some(1 << 20));
    let metadata: Value = serde_json::from_str(&message.metadata).unwrap();
    assert_eq!((&metadata["omitted"], &metadata["reply_to"]), (&json!("larger than 256 KiB"), &json!("wamid.0")));
    assert_eq!(metadata.get("referral"), None);
}

#[test]
fn a_type_that_is_no_word_is_unknown() {
    for kind in [json!("Has Spaces"), json!(""), json!("x".repeat(65)), json!(7), Value::Null] {
        let message = message_in(json!({"messages": [{"from": "1", "id": "m", "type": kind}]}));
        assert_eq!(message.content_type, "unknown");
        assert_eq!(message.metadata["raw"]["type"], kind);
    }
}

#[test]
fn replies_forwards_referrals_and_groups_are_kept() {
    let message = message_in(json!({"messages": [{
        "from": "1", "id": "m", "type": "text", "text": {"body": "yes"}, "group_id": "group-1",
        "context": {"from": "1555", "id": "wamid.original", "forwarded": true},
        "referral": {"source_url": "https://fb.me/x", "headline": "Sale"}, "unheard_of": {"deep": [1]},
    }]}));
    assert_eq!(message.metadata["reply_to"], "wamid.original");
    assert_eq!(message.metadata["context"]["forwarded"], true);
    assert_eq!(message.metadata["group_id"], "group-1");
    assert_eq!(message.metadata["referral"]["headline"], "Sale");
}

#[test]
fn the_senders_name_is_found_by_its_id() {
    let message = message_in(json!({
        "contacts": [{"wa_id": "2", "profile": {"name": "Other"}}, {"wa_id": "1", "profile": {"name": " Ann\u{0} B "}}],
        "messages": [text("m", "+1", "1749416383", "hi")],
    }));
    assert_eq!(message.contact.name.as_deref(), Some("Ann  B"));
    assert_eq!(message.contact.identities, [identity("phone", "1")]);
}

#[test]
fn nobodys_name_is_given_to_another() {
    let message = message_in(json!({
        "contacts": [{"wa_id": "2", "profile": {"name": "Other"}}],
        "messages": [text("m", "1", "1749416383", "hi")],
    }));
    assert_eq!(message.contact.name, None);
}

#[test]
fn a_user_without_a_phone_number_is_known_by_its_bsuid() {
    let message = message_in(json!({
        "contacts": [{"user_id": "US.134", "parent_user_id": "US.ENT.9", "profile": {"name": "Ann"}}],
        "messages": [{"from_user_id": "US.134", "id": "m", "type": "text", "text": {"body": "hi"}}],
    }));
    assert_eq!(message.contact.identities, [identity("bsuid", "US.134"), identity("parent-bsuid", "US.ENT.9")]);
    assert_eq!(message.contact.name.as_deref(), Some("Ann"));
}

#[test]
fn phone_and_bsuid_together_are_one_person_the_phone_first() {
    let message = message_in(json!({
        "contacts": [{"wa_id": "1", "user_id": "US.134", "profile": {"name": "Ann"}}],
        "messages": [{"from": "1", "from_user_id": "US.134", "id": "m", "type": "text", "text": {"body": "hi"}}],
    }));
    assert_eq!(message.contact.identities, [identity("phone", "1"), identity("bsuid", "US.134")]);
}

#[test]
fn a_message_that_names_nobody_is_from_the_only_contact() {
    let anonymous = json!({"id": "m", "type": "text", "text": {"body": "hi"}});
    let one = message_in(json!({"contacts": [{"wa_id": "1"}], "messages": [anonymous]}));
    assert_eq!(one.contact.identities, [identity("phone", "1")]);
    let two = updates(&delivery(json!({"contacts": [{"wa_id": "1"}, {"wa_id": "2"}], "messages": [anonymous]})));
    assert_eq!(two[0].content, Content::rejected("message_without_from"));
}

#[test]
fn times_are_the_providers_or_else_ours() {
    for (timestamp, expected) in [
        (json!("1749416383"), 1_749_416_383_000_000),
        (json!(1_749_416_383), 1_749_416_383_000_000),
        (json!("soon"), START),
        (json!("-5"), START),
        (json!("0"), START),
        (json!("9223372036854775807"), START),
        (json!("1849416383"), START),
        (Value::Null, START),
    ] {
        let item = json!({"from": "1", "id": "m", "type": "text", "text": {"body": "x"}, "timestamp": timestamp});
        assert_eq!(message_in(json!({"messages": [item]})).sent_at, expected, "{timestamp}");
    }
}

#[test]
fn a_preview_is_one_short_line() {
    let message = of_type("text", json!({"body": format!("  two\n words  {}", "ü".repeat(500))}));
    assert!(message.preview().starts_with("two words ü"));
    assert_eq!(message.preview().chars().count(), 120);
}

#[test]
fn ids_are_bounded() {
    for id in [json!("x".repeat(513)), json!("a\u{0}b"), json!("  "), json!(7), json!({})] {
        let found = updates(&delivery(json!({"messages": [{"from": "1", "id": id, "type": "text"}]})));
        assert_eq!(found[0].content, Content::rejected("message_without_id"));
    }
}

fn identity(kind: &'static str, value: &str) -> Identity {
    Identity { channel_account_id: ACCOUNT.to_owned(), kind, value: value.to_owned() }
}
