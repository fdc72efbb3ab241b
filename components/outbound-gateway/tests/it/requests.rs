//! What each provider is sent: the request as the provider documents it.

use outbound_gateway::domain::services::{Ended, Identity};
use sdk::query::Query;
use serde_json::{Value, json};

use crate::support::*;

fn body_of(world: &World) -> Value {
    world.deliver("e1").unwrap();
    assert!(matches!(world.last_report().ended, Ended::Sent(_)), "{:?}", world.last_report());
    world.last_json()
}

#[test]
fn whatsapp_text_with_its_reply_and_our_id() {
    let world = World::whatsapp();
    world.writes("text", Some("Yes, it does!"), json!({"reply_to": "wamid.0"}));
    let body = body_of(&world);
    assert_eq!(
        body,
        json!({
            "messaging_product": "whatsapp", "recipient_type": "individual", "to": "16505551234", "type": "text",
            "text": {"body": "Yes, it does!"}, "context": {"message_id": "wamid.0"}, "biz_opaque_callback_data": MESSAGE,
        })
    );
    let call = world.last_call();
    assert_eq!(call.uri(), "https://graph.facebook.com/v23.0/106540352242922/messages");
    assert_eq!(
        (call.method().as_str(), &call.headers()["authorization"]),
        ("POST", &"Bearer wa-token".parse().unwrap())
    );
    assert_eq!(call.headers()["content-type"], "application/json");
}

#[test]
fn a_bsuid_is_never_in_to() {
    let world = World::new("whatsapp", "106540352242922", "bsuid", "US.13491208655302741918");
    let body = body_of(&world);
    assert_eq!((&body["recipient"], body.get("to")), (&json!("US.13491208655302741918"), None));
    let both = World::new("whatsapp", "106540352242922", "bsuid", "US.134");
    let phone = Identity { channel_account_id: "106540352242922".into(), kind: "phone".into(), value: "+1650".into() };
    both.person.borrow_mut().identities.push(phone);
    let body = body_of(&both);
    assert_eq!((&body["to"], body.get("recipient")), (&json!("1650"), None));
    let by_api = World::new("whatsapp", "106540352242922", "x", "x");
    by_api.person.borrow_mut().external_type = "whatsapp".to_owned();
    by_api.person.borrow_mut().external_id = "US.134".to_owned();
    assert_eq!(body_of(&by_api)["recipient"], "US.134");
}

#[test]
fn a_bsuid_of_another_account_is_nobody_here() {
    let world = World::new("whatsapp", "106540352242922", "bsuid", "US.134");
    world.conversation.borrow_mut().channel_account_id = Some("222".to_owned());
    world.deliver("e1").unwrap();
    assert_eq!((code(&world.last_report().ended), world.sent()), ("no_recipient", 0));
}

#[test]
fn whatsapp_media_templates_and_the_rest() {
    for (kind, body, metadata, expected) in [
        (
            "image",
            Some("Look"),
            json!({"media": {"url": "https://x.example/a.png"}}),
            json!({"link": "https://x.example/a.png", "caption": "Look"}),
        ),
        ("audio", Some("no caption"), json!({"media": {"id": "m1"}}), json!({"id": "m1"})),
        (
            "document",
            None,
            json!({"media": {"id": "m1", "filename": "a.pdf"}}),
            json!({"id": "m1", "filename": "a.pdf"}),
        ),
        (
            "template",
            None,
            json!({"template": {"name": "hello_world", "language": "en_US"}}),
            json!({"name": "hello_world", "language": {"code": "en_US"}}),
        ),
        (
            "location",
            None,
            json!({"location": {"latitude": 1.0, "longitude": 2.0}}),
            json!({"latitude": 1.0, "longitude": 2.0}),
        ),
        ("interactive", None, json!({"interactive": {"type": "button"}}), json!({"type": "button"})),
        (
            "reaction",
            None,
            json!({"reaction": {"message_id": "wamid.0", "emoji": "👍"}}),
            json!({"message_id": "wamid.0", "emoji": "👍"}),
        ),
    ] {
        let world = World::whatsapp();
        world.writes(kind, body, metadata);
        let sent = body_of(&world);
        assert_eq!((&sent["type"], &sent[kind]), (&json!(kind), &expected));
    }
    for (kind, metadata, expected) in [
        ("image", json!({}), "no_media"),
        ("image", json!({"media": {"url": "file:///etc/passwd"}}), "no_media"),
        ("template", json!({"template": {"name": "x"}}), "no_template"),
        ("location", json!({"location": "here"}), "no_content"),
    ] {
        let world = World::whatsapp();
        world.writes(kind, None, metadata);
        world.deliver("e1").unwrap();
        assert_eq!((code(&world.last_report().ended), world.sent()), (expected, 0));
    }
}

#[test]
fn twilio_gets_a_form_and_tells_us_of_its_statuses() {
    let world = World::sms();
    world.writes("image", Some("Look & see"), json!({"media": {"url": "https://x.example/a.png"}}));
    world.deliver("e1").unwrap();
    assert_eq!(world.last_report().ended, Ended::Sent("SM1".to_owned()));
    let call = world.last_call();
    assert_eq!(call.uri(), "https://api.twilio.com/2010-04-01/Accounts/AC1/Messages.json");
    assert_eq!(call.headers()["authorization"], "Basic QUMxOnR3LXRva2Vu");
    let form = Query::parse(std::str::from_utf8(call.body()).unwrap()).unwrap();
    let fields: Vec<_> = form.iter().collect();
    let callback = format!("https://kobliat.example/webhooks/sms?message_id={MESSAGE}");
    assert_eq!(
        fields,
        [
            ("To", "+16505551234"),
            ("From", "+15550783881"),
            ("Body", "Look & see"),
            ("MediaUrl", "https://x.example/a.png"),
            ("StatusCallback", &callback),
        ]
    );
}

#[test]
fn twilio_carries_whatsapp_with_its_window_and_its_templates() {
    let world = World::new("sms", "whatsapp:+15550783881", "phone", "16505551234");
    world.deliver("e1").unwrap();
    assert!(String::from_utf8_lossy(world.last_call().body()).starts_with("To=whatsapp%3A%2B16505551234&"));
    world.last_inbound_at.set(None);
    world.asks_again();
    world.deliver("e2").unwrap();
    assert_eq!(code(&world.last_report().ended), "window_closed");
    world.writes("template", None, json!({"content_sid": "HX1", "content_variables": {"1": "Ann"}}));
    world.deliver("e3").unwrap();
    assert!(
        String::from_utf8_lossy(world.last_call().body())
            .contains("ContentSid=HX1&ContentVariables=%7B%221%22%3A%22Ann%22%7D")
    );
}

#[test]
fn telegram_has_a_method_for_each_kind() {
    for (kind, body, metadata, method, expected) in [
        (
            "text",
            Some("Hi"),
            json!({"reply_to": "4242:5"}),
            "sendMessage",
            json!({"text": "Hi", "chat_id": "4242", "reply_parameters": {"message_id": 5, "allow_sending_without_reply": true}}),
        ),
        (
            "image",
            Some("Look"),
            json!({"media": {"url": "https://x.example/a.png"}}),
            "sendPhoto",
            json!({"photo": "https://x.example/a.png", "caption": "Look", "chat_id": "4242"}),
        ),
        (
            "document",
            None,
            json!({"media": {"file_id": "f1"}}),
            "sendDocument",
            json!({"document": "f1", "chat_id": "4242"}),
        ),
        (
            "location",
            None,
            json!({"location": {"latitude": 1.0, "longitude": 2.0}}),
            "sendLocation",
            json!({"latitude": 1.0, "longitude": 2.0, "chat_id": "4242"}),
        ),
    ] {
        let world = World::telegram();
        world.writes(kind, body, metadata);
        assert_eq!(body_of(&world), expected);
        assert_eq!(world.last_call().uri().to_string(), format!("https://api.telegram.org/bot1:tg-token/{method}"));
        assert_eq!(world.last_report().ended, Ended::Sent("4242:7".to_owned()));
    }
}

#[test]
fn mail_is_a_thread_and_carries_our_id() {
    let world = World::email();
    world.writes(
        "text",
        Some("Yes!"),
        json!({"subject": "Re: Colors\r\nBcc: x", "reply_to": "abc@mail.example", "references": ["zero@x"]}),
    );
    let body = body_of(&world);
    assert_eq!(
        (&body["From"], &body["To"], &body["TextBody"]),
        (&json!("shop@kobliat.example"), &json!("ann@example.com"), &json!("Yes!"))
    );
    assert_eq!(body["Subject"], "Re: Colors  Bcc: x", "a subject is one line");
    assert_eq!(body["Headers"][0], json!({"Name": "In-Reply-To", "Value": "<abc@mail.example>"}));
    assert_eq!(body["Headers"][1]["Value"], "<zero@x> <abc@mail.example>");
    assert_eq!(body["Metadata"], json!({"message_id": MESSAGE, "account": "shop@kobliat.example"}));
    assert_eq!(world.last_call().headers()["x-postmark-server-token"], "pm-token");
    assert_eq!(world.last_call().uri(), "https://api.postmarkapp.com/email");
}

#[test]
fn every_other_channel_is_a_signed_webhook() {
    let world = World::webhook();
    world.person.borrow_mut().identities[0].kind = "ring".to_owned();
    let body = body_of(&world);
    let call = world.last_call();
    assert_eq!(
        (call.uri().to_string().as_str(), &body["type"]),
        ("https://bridge.example/kobliat", &json!("message.send"))
    );
    assert_eq!(body["data"]["to"], json!({"kind": "ring", "value": "DV-0815", "name": "Ann"}));
    assert_eq!((&body["data"]["channel"], &body["data"]["body"]), (&json!("pigeon"), &json!("Yes, it does!")));
    assert_eq!(
        (&call.headers()["webhook-id"], &call.headers()["webhook-timestamp"]),
        (&MESSAGE.parse().unwrap(), &"1749420000".parse().unwrap())
    );
    assert!(call.headers()["webhook-signature"].to_str().unwrap().starts_with("v1,"));
}

#[test]
fn a_message_that_names_no_account_goes_by_the_deployments() {
    let world = World::whatsapp();
    world.conversation.borrow_mut().channel_account_id = None;
    world.set("whatsapp_phone_number_id", "777");
    body_of(&world);
    assert_eq!(world.last_call().uri(), "https://graph.facebook.com/v23.0/777/messages");
    assert_eq!(world.last_report().channel_account_id, "777");
}
