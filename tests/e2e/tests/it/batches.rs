//! Bodies with many entries, changes and items of every type.

use kobliat_e2e::whatsapp::{ACCOUNT, change, contact, delivery, message, one_text, status, text};
use kobliat_e2e::{TestApp, in_both_modes};
use serde_json::{Value, json};
use std::collections::BTreeMap;

const ANN: &str = "16505550001";
const BOB: &str = "16505550002";

/// One message of each type that Meta documents, and one of a type that nobody knows yet.
fn every_type() -> Vec<Value> {
    vec![
        text("t-text", ANN, "Hello"),
        message("t-image", ANN, "image", json!({"id": "media-1", "mime_type": "image/jpeg", "caption": "Look"})),
        message("t-audio", ANN, "audio", json!({"id": "media-2", "mime_type": "audio/ogg", "voice": true})),
        message("t-video", ANN, "video", json!({"id": "media-3", "mime_type": "video/mp4"})),
        message("t-document", ANN, "document", json!({"id": "media-4", "filename": "bill.pdf", "caption": "The bill"})),
        message("t-sticker", ANN, "sticker", json!({"id": "media-5", "mime_type": "image/webp"})),
        message("t-location", ANN, "location", json!({"latitude": 37.4, "longitude": -122.1, "name": "HQ"})),
        message("t-contacts", ANN, "contacts", json!([{"name": {"formatted_name": "Carol"}}])),
        message(
            "t-interactive",
            ANN,
            "interactive",
            json!({"type": "button_reply", "button_reply": {"id": "b", "title": "Yes"}}),
        ),
        message("t-button", ANN, "button", json!({"payload": "p", "text": "Stop"})),
        message("t-reaction", ANN, "reaction", json!({"message_id": "t-text", "emoji": "👍"})),
        message("t-hologram", ANN, "hologram", json!({"size": 3})),
    ]
}

fn by_external_id(messages: &[Value]) -> BTreeMap<String, Value> {
    messages.iter().map(|it| (it["external_message_id"].as_str().unwrap().to_owned(), it.clone())).collect()
}

in_both_modes! {
    async fn every_type_is_kept_with_what_belongs_to_it(mode: Mode) {
        let app = TestApp::start(mode).await;
        let items = every_type();

        let answer = app.webhook(&delivery(json!({"contacts": [contact(ANN, "Ann")], "messages": items}))).await.expect(200);
        assert_eq!(answer["accepted"], items.len());

        let conversations = app.conversations().await;
        assert_eq!(conversations.len(), 1);
        assert_eq!(conversations[0]["unread_count"], items.len());
        let messages = by_external_id(&app.messages_of(&conversations[0]).await);
        assert_eq!(messages.len(), items.len());
        for item in &items {
            let message = &messages[item["id"].as_str().unwrap()];
            assert_eq!(message["content_type"], item["type"]);
        }
        let body = |id: &str| messages[id]["body"].as_str();
        assert_eq!((body("t-text"), body("t-image"), body("t-document")), (Some("Hello"), Some("Look"), Some("The bill")));
        assert_eq!((body("t-audio"), body("t-location"), body("t-contacts")), (None, Some("HQ"), Some("Carol")));
        assert_eq!((body("t-interactive"), body("t-button"), body("t-reaction")), (Some("Yes"), Some("Stop"), Some("👍")));
        assert_eq!(messages["t-image"]["metadata"]["media"]["id"], "media-1");
        assert_eq!(messages["t-location"]["metadata"]["location"]["latitude"], 37.4);
        assert_eq!(messages["t-reaction"]["metadata"]["reaction"]["message_id"], "t-text");
        assert_eq!(messages["t-hologram"]["metadata"]["raw"]["hologram"]["size"], 3);
        app.stop().await;
    }

    /// Two entries, two business numbers, three people, statuses, errors, a field that concerns nobody, and two items that are broken.
    async fn one_body_may_hold_everything(mode: Mode) {
        let app = TestApp::start(mode).await;
        let mixed = change(ACCOUNT, json!({
            "contacts": [contact(ANN, "Ann"), contact(BOB, "Bob")],
            "messages": [text("m1", ANN, "one"), text("m2", BOB, "two"), {"id": "no-sender", "type": "text"}, 7],
            "statuses": [status("unknown-yet", "sent")],
        }));
        let other_number = change("200", json!({"contacts": [contact(ANN, "Ann")], "messages": [text("m3", ANN, "three")]}));
        let errors = change(ACCOUNT, json!({"errors": [{"code": 130429, "title": "Rate limit hit"}]}));
        let unrelated = json!({"field": "account_update", "value": {"event": "VERIFIED_ACCOUNT"}});
        let body = json!({"object": "whatsapp_business_account", "entry": [
            {"id": "1", "changes": [mixed, errors]},
            {"id": "2", "changes": [unrelated, other_number]},
        ]});

        let answer = app.webhook(&body).await.expect(200);

        assert_eq!(answer["processed"], true);
        assert_eq!((&answer["accepted"], &answer["duplicates"]), (&json!(4), &json!(0)), "three messages, one receipt: {answer}");
        assert_eq!((&answer["ignored"], &answer["rejected"]), (&json!(2), &json!(2)), "{answer}");
        assert_eq!(app.conversations().await.len(), 3, "a conversation per person and business number");
        assert_eq!(by_external_id(&app.messages().await).into_keys().collect::<Vec<_>>(), ["m1", "m2", "m3"]);
        app.stop().await;
    }

    async fn a_reply_names_what_it_answers(mode: Mode) {
        let app = TestApp::start(mode).await;
        let mut reply = text("answer", ANN, "Yes, please");
        reply["context"] = json!({"from": "15550783881", "id": "question"});
        app.webhook(&delivery(json!({"messages": [reply]}))).await.expect(200);
        let messages = app.messages().await;
        assert_eq!(messages[0]["metadata"]["reply_to"], "question");
        app.stop().await;
    }

    /// With the identity alone, then with both: it stays one person, one conversation.
    async fn a_person_without_a_phone_number_is_one_person(mode: Mode) {
        let app = TestApp::start(mode).await;
        let user = "US.13491208655302741918";
        let bare = json!({
            "contacts": [{"profile": {"name": "Ann"}, "user_id": user}],
            "messages": [{"from_user_id": user, "id": "b1", "timestamp": "1749416383", "type": "text", "text": {"body": "hi"}}],
        });
        let with_phone = json!({
            "contacts": [{"profile": {"name": "Ann"}, "wa_id": ANN, "user_id": user}],
            "messages": [{"from": ANN, "from_user_id": user, "id": "b2", "timestamp": "1749416384", "type": "text", "text": {"body": "me again"}}],
        });
        assert_eq!(app.webhook(&delivery(bare)).await.expect(200)["accepted"], 1);
        assert_eq!(app.webhook(&delivery(with_phone)).await.expect(200)["accepted"], 1);

        let conversations = app.conversations().await;
        assert_eq!(conversations.len(), 1);
        assert_eq!(conversations[0]["participants"][0]["name"], "Ann");
        assert_eq!(conversations[0]["last_message_preview"], "me again");
        app.stop().await;
    }

    async fn a_hundred_people_at_once_lose_nothing(mode: Mode) {
        let app = TestApp::start(mode).await;
        let bodies: Vec<Value> = (0..100).map(|n| one_text(&format!("m{n}"), &format!("1650{n:07}"), "hello")).collect();
        let answers = bodies.into_iter().map(|body| {
            let outside = app.outside();
            tokio::spawn(async move { outside.webhook(&body).await })
        });
        for answer in answers.collect::<Vec<_>>() {
            assert_eq!(answer.await.unwrap().expect(200)["status"], "received");
        }
        kobliat_e2e::eventually("all hundred are there", async || (app.conversations().await.len() == 100).then_some(())).await;
        assert_eq!(by_external_id(&app.messages().await).len(), 100);
        app.stop().await;
    }
}
