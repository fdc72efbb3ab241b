//! What else Twilio carries, and how it is answered.

use super::*;

#[test]
fn twilio_is_answered_with_twiml_that_asks_for_nothing() {
    let world = world();
    let signature = signed("https://kobliat.example/webhooks/sms", &INBOUND);
    for accept in ["", "*/*", "text/xml"] {
        let headers = [("x-twilio-signature", signature.as_str()), ("accept", accept)];
        let told = post(&world, "/webhooks/sms", &headers, form(&INBOUND).as_bytes());
        assert_eq!(told.status(), StatusCode::OK);
        assert_eq!(told.headers()["content-type"], "text/xml; charset=utf-8");
        assert_eq!(told.body(), b"<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response/>");
    }
    assert_eq!(world.messages.rows.borrow().len(), 1);
}

#[test]
fn an_id_of_another_service_is_nobody_s_telephone() {
    let world = world();
    let kinds = [
        ("+16505551234", ("phone", "16505551234")),
        ("whatsapp:+16505551235", ("phone", "16505551235")),
        ("rcs:+16505551236", ("phone", "16505551236")),
        ("messenger:16505551234", ("sender-id", "messenger:16505551234")),
        ("instagram:16505551234", ("sender-id", "instagram:16505551234")),
        ("client:+16505551234", ("sender-id", "client:+16505551234")),
        ("ALERTS", ("sender-id", "ALERTS")),
    ];
    for (number, (from, _)) in kinds.iter().enumerate() {
        let sid = format!("SM{number}");
        let fields = [("MessageSid", sid.as_str()), ("From", from), ("To", "+15550783881"), ("Body", "hi")];
        assert_eq!(answer(&call(&world, "/webhooks/sms", &fields))["accepted"], 1, "{from}");
    }
    let known: Vec<(String, String)> =
        world.customers.identities.borrow().keys().map(|key| (key.2.clone(), key.3.clone())).collect();
    for (from, (kind, value)) in kinds {
        assert!(known.contains(&(kind.to_owned(), value.to_owned())), "{from}: {known:?}");
    }
    assert_eq!(world.customers.names.borrow().len(), kinds.len(), "each is somebody else");
}

#[test]
fn what_was_filled_in_or_chosen_at_twilio_s_whatsapp_is_kept() {
    let world = world();
    let form = [
        ("MessageSid", "SM1"),
        ("From", "whatsapp:+16505551234"),
        ("To", "whatsapp:+15550783881"),
        ("MessageType", "interactive"),
        ("FlowData", "{\"rating\":\"5\"}"),
    ];
    assert_eq!(answer(&call(&world, "/webhooks/sms", &form))["accepted"], 1);
    let message = last_message(&world);
    assert_eq!((message.content_type.as_str(), message.body.as_deref()), ("interactive", None));
    assert_eq!(metadata(&message)["FlowData"], "{\"rating\":\"5\"}");
    let row = [
        ("MessageSid", "SM2"),
        ("From", "whatsapp:+16505551234"),
        ("To", "whatsapp:+15550783881"),
        ("ListId", "small"),
        ("ListTitle", "Small"),
    ];
    assert_eq!(answer(&call(&world, "/webhooks/sms", &row))["accepted"], 1);
    assert_eq!(last_message(&world).body.as_deref(), Some("Small"));
}
