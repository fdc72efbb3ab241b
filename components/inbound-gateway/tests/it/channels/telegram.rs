//! Telegram: the secret token, every kind of content, and updates that are no message.

mod chats;

use serde_json::json;

use super::*;

const TOKEN: &str = "x-telegram-bot-api-secret-token";

fn update(world: &World, update: &Value) -> Value {
    answer(&post(world, "/webhooks/telegram", &[(TOKEN, "telegram-secret")], update.to_string().as_bytes()))
}

/// A message with this content, as Telegram wraps it.
fn message(number: i64, content: Value) -> Value {
    let mut message = json!({
        "message_id": number, "date": 1_749_416_383,
        "from": {"id": 4242, "is_bot": false, "first_name": "Sheena", "last_name": "Nelson", "username": "sheena"},
        "chat": {"id": 4242, "type": "private", "first_name": "Sheena"},
    });
    message.as_object_mut().unwrap().extend(content.as_object().unwrap().clone());
    json!({"update_id": 1000 + number, "message": message})
}

#[test]
fn the_secret_token_lets_in_and_nothing_else_does() {
    let world = world();
    let body = message(1, json!({"text": "hi"})).to_string();
    for headers in [
        &[][..],
        &[(TOKEN, "")],
        &[(TOKEN, "telegram-secre")],
        &[(TOKEN, "telegram-secret2")],
        &[(TOKEN, "telegram-secret"), (TOKEN, "telegram-secret")],
    ] {
        assert_eq!(post(&world, "/webhooks/telegram", headers, body.as_bytes()).status(), StatusCode::UNAUTHORIZED);
    }
    assert!(world.rows().is_empty());
    assert_eq!(
        answer(&post(&world, "/webhooks/telegram", &[(TOKEN, "telegram-secret")], body.as_bytes()))["accepted"],
        1
    );
    assert!(!world.only_row().headers.contains("telegram-secret"), "the token is a secret: it is not kept");
}

#[test]
fn a_text_becomes_a_message_once() {
    let world = world();
    let text = message(
        7,
        json!({"text": "Does it come in another color?", "reply_to_message": {"message_id": 5, "chat": {"id": 4242}}}),
    );
    assert_eq!(update(&world, &text)["accepted"], 1);
    assert_eq!(update(&world, &text)["duplicates"], 1);
    let message = last_message(&world);
    assert_eq!((message.external_message_id.as_str(), message.sent_at), ("4242:7", 1_749_416_383_000_000));
    assert_eq!((message.channel, message.channel_account_id.as_str()), ("telegram", "telegram"));
    assert_eq!(metadata(&message)["reply_to"], "4242:5");
    assert_eq!(world.customers.names.borrow()["customer-1"], "Sheena Nelson");
    assert!(
        world.customers.identities.borrow().keys().any(|key| (key.2.as_str(), key.3.as_str()) == ("chat-id", "4242"))
    );
}

#[test]
fn every_kind_of_content_keeps_its_words_and_its_media() {
    let file = |id: &str| json!({"file_id": id, "file_unique_id": "u", "file_size": 10});
    for (content, kind, words, details) in [
        (
            json!({"photo": [file("small"), file("large")], "caption": "Look"}),
            "image",
            Some("Look"),
            ("/media/file_id", json!("large")),
        ),
        (
            json!({"document": {"file_id": "d", "file_name": "a.pdf", "mime_type": "application/pdf"}}),
            "document",
            None,
            ("/media/file_name", json!("a.pdf")),
        ),
        (json!({"voice": {"file_id": "v", "duration": 3}}), "audio", None, ("/media/voice", json!(true))),
        (json!({"audio": file("a")}), "audio", None, ("/media/file_id", json!("a"))),
        (json!({"video": file("m")}), "video", None, ("/media/file_id", json!("m"))),
        (json!({"video_note": file("n")}), "video", None, ("/media/file_id", json!("n"))),
        (json!({"animation": file("g"), "document": file("g")}), "video", None, ("/media/animated", json!(true))),
        (json!({"sticker": {"file_id": "s", "emoji": "👍"}}), "sticker", Some("👍"), ("/media/file_id", json!("s"))),
        (
            json!({"location": {"latitude": 1.5, "longitude": 2.5}}),
            "location",
            None,
            ("/location/latitude", json!(1.5)),
        ),
        (
            json!({"venue": {"title": "HQ", "address": "1 Way", "location": {}}}),
            "location",
            Some("HQ, 1 Way"),
            ("/location/title", json!("HQ")),
        ),
        (
            json!({"contact": {"phone_number": "1", "first_name": "Bob", "last_name": "C"}}),
            "contacts",
            Some("Bob C"),
            ("/contacts/0/phone_number", json!("1")),
        ),
        (json!({"poll": {"id": "p", "question": "When?"}}), "poll", Some("When?"), ("/poll/id", json!("p"))),
        (json!({"dice": {"emoji": "🎲", "value": 3}}), "dice", Some("🎲"), ("/dice/value", json!(3))),
        (
            json!({"checklist": {"title": "To do", "tasks": []}}),
            "checklist",
            Some("To do"),
            ("/checklist/title", json!("To do")),
        ),
        (
            json!({"web_app_data": {"data": "{}", "button_text": "Order"}}),
            "button",
            Some("Order"),
            ("/button/data", json!("{}")),
        ),
        (
            json!({"hologram": {"size": 3}, "caption": "Look"}),
            "unknown",
            Some("Look"),
            ("/raw/hologram/size", json!(3)),
        ),
        (json!({"hologram": {"size": 3}}), "unknown", None, ("/understood", json!(false))),
    ] {
        let world = world();
        assert_eq!(update(&world, &message(1, content.clone()))["accepted"], 1, "{content}");
        let message = last_message(&world);
        assert_eq!((message.content_type.as_str(), message.body.as_deref()), (kind, words), "{content}");
        assert_eq!(metadata(&message).pointer(details.0), Some(&details.1), "{content}");
        assert_eq!(message.direction, Direction::Inbound);
    }
}

#[test]
fn a_changed_message_is_a_message_of_its_own() {
    let world = world();
    update(&world, &message(7, json!({"text": "first"})));
    let edited = changed(message(7, json!({"text": "second", "edit_date": 1_749_416_390})), 2000);
    assert_eq!(update(&world, &edited)["accepted"], 1);
    assert_eq!(update(&world, &edited)["duplicates"], 1);
    let message = last_message(&world);
    assert_eq!((message.content_type.as_str(), message.body.as_deref()), ("edit", Some("second")));
    assert_eq!((&metadata(&message)["edits"], message.sent_at), (&json!("4242:7"), 1_749_416_390_000_000));
}

#[test]
fn taps_and_reactions_name_their_message() {
    let world = world();
    let from = json!({"id": 4242, "first_name": "Ann"});
    let tapped = json!({"update_id": 1, "callback_query": {"id": "q1", "from": from, "data": "yes", "message": {"message_id": 5, "chat": {"id": 4242}}}});
    assert_eq!(update(&world, &tapped)["accepted"], 1);
    let button = last_message(&world);
    assert_eq!((button.content_type.as_str(), button.body.as_deref()), ("button", Some("yes")));
    assert_eq!(
        (&metadata(&button)["button"]["payload"], &metadata(&button)["reply_to"]),
        (&json!("yes"), &json!("4242:5"))
    );
    let reaction = json!({"update_id": 2, "message_reaction": {
        "chat": {"id": 4242}, "message_id": 5, "user": from, "date": 1_749_416_383,
        "old_reaction": [], "new_reaction": [{"type": "emoji", "emoji": "👍"}],
    }});
    assert_eq!(update(&world, &reaction)["accepted"], 1);
    let reaction = last_message(&world);
    assert_eq!((reaction.content_type.as_str(), reaction.body.as_deref()), ("reaction", Some("👍")));
    assert_eq!(metadata(&reaction)["reply_to"], "4242:5");
    assert_eq!(world.conversations.opened.borrow().len(), 1);
}

#[test]
fn other_updates_are_notices_or_ignored_by_name() {
    let world = world();
    let blocked = json!({"update_id": 1, "my_chat_member": {"chat": {"id": 4242}, "from": {"id": 4242, "first_name": "Ann"}, "date": 1_749_416_383}});
    assert_eq!(update(&world, &blocked)["accepted"], 1);
    let notice = last_message(&world);
    assert_eq!((notice.direction, notice.content_type.as_str()), (Direction::System, "my_chat_member"));
    assert_eq!(metadata(&notice)["raw"]["from"]["first_name"], "Ann");
    for (body, counted) in [
        (json!({"update_id": 2, "poll": {"id": "p"}}), "ignored"),
        (json!({"update_id": 3}), "ignored"),
        (json!({}), "rejected"),
        (json!({"message": {"text": "no number"}}), "rejected"),
        (json!({"update_id": 4, "message": {"text": "no id", "from": {"id": 1}}}), "rejected"),
        (json!({"update_id": 5, "message": {"text": "nobody", "message_id": 1, "chat": {"id": 1}}}), "rejected"),
    ] {
        assert_eq!(update(&world, &body)[counted], 1, "{body}");
    }
    assert_eq!(
        post(&world, "/webhooks/telegram", &[(TOKEN, "telegram-secret")], b"[]").status(),
        StatusCode::BAD_REQUEST
    );
}

#[test]
fn several_bots_are_told_apart_by_their_address_also_by_the_tick() {
    let world = world();
    world.messages.insert_line.is(Mood::Down);
    let body = message(1, json!({"text": "hi"})).to_string();
    post(&world, "/webhooks/telegram?account=sales-bot", &[(TOKEN, "telegram-secret")], body.as_bytes());
    world.messages.insert_line.is(Mood::Well);
    assert_eq!(world.tick_after(std::time::Duration::from_secs(61)).finished, 1);
    assert_eq!(last_message(&world).channel_account_id, "sales-bot");
}

#[test]
fn a_group_is_kept_and_its_people_are_themselves() {
    let world = world();
    let mut written = message(3, json!({"text": "hello all"}));
    written["message"]["chat"] = json!({"id": -100_123, "type": "supergroup", "title": "Team"});
    assert_eq!(update(&world, &written)["accepted"], 1);
    let message = last_message(&world);
    assert_eq!(
        (message.external_message_id.as_str(), &metadata(&message)["group_id"]),
        ("-100123:3", &json!("-100123"))
    );
    assert!(world.customers.identities.borrow().keys().any(|key| key.3 == "4242"));
}

/// The same as an edit, by the update with this number.
fn changed(mut update: Value, number: i64) -> Value {
    let message = update["message"].take();
    let name =
        if message.get("business_connection_id").is_some() { "edited_business_message" } else { "edited_message" };
    json!({"update_id": number, name: message})
}
