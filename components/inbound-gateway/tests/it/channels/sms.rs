//! Twilio: forms, their signature over the public address, and the statuses of what was sent.

mod beyond;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, Mac};
use sdk::query::percent_encode;
use serde_json::json;
use sha1::Sha1;

use super::*;

/// Signs as Twilio does: the address, then the fields in order.
fn signed(url: &str, fields: &[(&str, &str)]) -> String {
    let mut fields = fields.to_vec();
    fields.sort_unstable();
    let mut mac = Hmac::<Sha1>::new_from_slice(b"12345").unwrap();
    mac.update(url.as_bytes());
    fields.iter().for_each(|(name, value)| mac.update(format!("{name}{value}").as_bytes()));
    BASE64_STANDARD.encode(mac.finalize().into_bytes())
}

fn form(fields: &[(&str, &str)]) -> String {
    let pair = |(name, value): &(&str, &str)| format!("{}={}", percent_encode(name), percent_encode(value));
    fields.iter().map(pair).collect::<Vec<_>>().join("&")
}

fn call(world: &World, path: &str, fields: &[(&str, &str)]) -> Response {
    let signature = signed(&format!("https://kobliat.example{path}"), fields);
    let headers = [("x-twilio-signature", signature.as_str()), ("accept", "application/json")];
    post(world, path, &headers, form(fields).as_bytes())
}

const INBOUND: [(&str, &str); 7] = [
    ("MessageSid", "SM1"),
    ("SmsStatus", "received"),
    ("AccountSid", "AC1"),
    ("From", "+16505551234"),
    ("To", "+15550783881"),
    ("Body", "Does it come in another color?"),
    ("NumMedia", "0"),
];

#[test]
fn a_text_becomes_a_message_once() {
    let world = world();
    assert_eq!(answer(&call(&world, "/webhooks/sms", &INBOUND))["accepted"], 1);
    assert_eq!(answer(&call(&world, "/api/webhooks/sms", &INBOUND))["duplicates"], 1);
    let message = last_message(&world);
    assert_eq!((message.channel, message.channel_account_id.as_str()), ("sms", "+15550783881"));
    assert_eq!((message.external_message_id.as_str(), message.content_type.as_str()), ("SM1", "text"));
    assert_eq!(message.body.as_deref(), Some("Does it come in another color?"));
    let known = world.customers.identities.borrow();
    let key = ("default".to_owned(), "+15550783881".to_owned(), "phone".to_owned(), "16505551234".to_owned());
    assert!(known.contains_key(&key), "digits, as WhatsApp writes them");
    assert_eq!(world.messages.insert_line.calls.borrow()[0].channel, "sms");
}

#[test]
fn the_signature_covers_the_public_address_and_every_field() {
    let world = world();
    let path = "/webhooks/sms";
    let body = form(&INBOUND);
    for url in [
        "https://elsewhere.example/webhooks/sms",
        "http://kobliat.example/webhooks/sms",
        "https://kobliat.example/webhooks/sms/",
    ] {
        let signature = signed(url, &INBOUND);
        let refused = post(&world, path, &[("x-twilio-signature", &signature)], body.as_bytes());
        assert_eq!(refused.status(), StatusCode::UNAUTHORIZED, "{url}");
    }
    let good = signed("https://kobliat.example/webhooks/sms", &INBOUND);
    let more = format!("{body}&Extra=1");
    for body in [more.as_bytes(), b"", b"%ff=%ff", b"{}"] {
        let refused = post(&world, path, &[("x-twilio-signature", &good)], body);
        assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);
    }
    let twice = post(&world, path, &[("x-twilio-signature", &good), ("x-twilio-signature", &good)], body.as_bytes());
    assert_eq!(twice.status(), StatusCode::UNAUTHORIZED);
    assert!(world.rows().is_empty());
}

#[test]
fn without_a_public_address_the_request_says_it() {
    let world = world();
    world.variables.borrow_mut().remove("public_base_url");
    for (number, url) in ["https://a.example/webhooks/sms", "http://a.example/webhooks/sms"].into_iter().enumerate() {
        let signature = signed(url, &INBOUND);
        let headers = [("host", "a.example"), ("x-twilio-signature", &signature), ("accept", "application/json")];
        let received = answer(&post(&world, "/webhooks/sms", &headers, form(&INBOUND).as_bytes()));
        assert_eq!(received["duplicates"], number, "{url}");
    }
    let headers = [("host", "b.example"), ("x-twilio-signature", &signed("https://a.example/webhooks/sms", &INBOUND))];
    assert_eq!(post(&world, "/webhooks/sms", &headers, form(&INBOUND).as_bytes()).status(), StatusCode::UNAUTHORIZED);
}

#[test]
fn an_mms_of_several_files_is_a_message_for_each() {
    let world = world();
    let fields = [
        ("MessageSid", "MM1"),
        ("From", "+16505551234"),
        ("To", "+15550783881"),
        ("Body", "look"),
        ("NumMedia", "3"),
        ("MediaUrl0", "https://api.twilio.com/1"),
        ("MediaContentType0", "image/jpeg"),
        ("MediaUrl1", "https://api.twilio.com/2"),
        ("MediaContentType1", "application/pdf"),
        ("MediaUrl2", "https://api.twilio.com/3"),
        ("MediaContentType2", "video/mp4"),
    ];
    assert_eq!(answer(&call(&world, "/webhooks/sms", &fields))["accepted"], 3);
    let rows = world.messages.rows.borrow().clone();
    let told: Vec<_> = rows
        .iter()
        .map(|(_, message)| {
            let metadata = metadata(message);
            assert_eq!(metadata["media"]["status"], "pending");
            let url = metadata["media"]["url"].as_str().unwrap().to_owned();
            (message.external_message_id.clone(), message.content_type.clone(), message.body.clone(), url)
        })
        .collect();
    let row = |id: &str, kind: &str, body: Option<&str>, url: &str| {
        (id.to_owned(), kind.to_owned(), body.map(str::to_owned), format!("https://api.twilio.com/{url}"))
    };
    assert_eq!(
        told,
        [
            row("MM1", "image", Some("look"), "1"),
            row("MM1:media:1", "document", None, "2"),
            row("MM1:media:2", "video", None, "3")
        ]
    );
    assert_eq!(metadata(&rows[2].1)["part_of"], "MM1");
    assert_eq!(world.memory.scalar("SELECT count(*) FROM attachments WHERE state = 'pending'"), 3);
    assert_eq!(answer(&call(&world, "/webhooks/sms", &fields))["duplicates"], 3, "again, and nothing is doubled");
    assert_eq!(world.memory.scalar("SELECT count(*) FROM attachments"), 3);
}

#[test]
fn pictures_places_buttons_and_replies_are_kept() {
    let world = world();
    let with = |more: &[(&'static str, &'static str)]| {
        let sid = format!("SM{}", world.messages.rows.borrow().len() + 10);
        let mut fields =
            vec![("MessageSid", sid.as_str()), ("From", "whatsapp:+16505551234"), ("To", "whatsapp:+15550783881")];
        fields.extend(more);
        assert_eq!(answer(&call(&world, "/webhooks/sms", &fields))["accepted"], 1);
        last_message(&world)
    };
    let pictures = with(&[
        ("NumMedia", "1"),
        ("MediaUrl0", "https://api.twilio.com/1"),
        ("MediaContentType0", "image/jpeg"),
        ("ProfileName", "Ann"),
    ]);
    assert_eq!((pictures.content_type.as_str(), pictures.body.as_deref()), ("image", None));
    let media = json!({"url": "https://api.twilio.com/1", "mime_type": "image/jpeg", "status": "pending"});
    assert_eq!(metadata(&pictures)["media"], media);
    assert_eq!(pictures.channel_account_id, "whatsapp:+15550783881");
    assert_eq!(world.customers.names.borrow()["customer-1"], "Ann");

    let place = with(&[("Latitude", "37.4"), ("Longitude", "-122.1"), ("Label", "HQ")]);
    assert_eq!(place.content_type, "location");
    assert_eq!(metadata(&place)["location"]["name"], "HQ");
    let button = with(&[("ButtonText", "Yes"), ("ButtonPayload", "yes-1"), ("OriginalRepliedMessageSid", "SM0")]);
    assert_eq!((button.content_type.as_str(), button.body.as_deref()), ("button", Some("Yes")));
    assert_eq!((&metadata(&button)["ButtonPayload"], &metadata(&button)["reply_to"]), (&json!("yes-1"), &json!("SM0")));
    assert_eq!(world.conversations.opened.borrow().len(), 1, "one person, one conversation");
}

#[test]
fn a_status_callback_is_a_receipt_that_names_our_message() {
    let world = world();
    let path = "/webhooks/sms?message_id=0197a6c0-0000-7000-8000-000000000001";
    let status = |word: &'static str| {
        [
            ("MessageSid", "SM9"),
            ("MessageStatus", word),
            ("From", "+15550783881"),
            ("To", "+16505551234"),
            ("ErrorCode", "30007"),
        ]
    };
    for (word, told) in [("sent", "sent"), ("delivered", "delivered"), ("undelivered", "failed"), ("queued", "queued")]
    {
        assert_eq!(answer(&call(&world, path, &status(word)))["accepted"], 1);
        let receipts = world.messages.receipts.borrow();
        let receipt = receipts.last().unwrap();
        assert_eq!((receipt.status.as_str(), receipt.external_message_id.as_str()), (told, "SM9"));
        assert_eq!(receipt.channel_account_id, "+15550783881", "our number");
        let details: Value = serde_json::from_str(&receipt.details).unwrap();
        assert_eq!(details["message_id"], "0197a6c0-0000-7000-8000-000000000001");
        assert_eq!(details["failure"]["code"].as_str(), (told == "failed").then_some("30007"), "{word}");
    }
    assert!(world.messages.rows.borrow().is_empty());
}

#[test]
fn what_a_status_says_of_our_message_is_known_to_the_tick_too() {
    let world = world();
    world.is_down(Mood::Down);
    let path = "/webhooks/sms?message_id=0197a6c0-0000-7000-8000-000000000001";
    let fields = [("MessageSid", "SM9"), ("MessageStatus", "sent"), ("From", "+15550783881")];
    assert_eq!(answer(&call(&world, path, &fields))["processed"], false);
    world.is_down(Mood::Well);
    assert_eq!(world.tick_after(std::time::Duration::from_secs(61)).finished, 1);
    assert!(world.messages.receipts.borrow()[0].details.contains("0197a6c0-0000-7000-8000-000000000001"));
}

#[test]
fn a_json_webhook_is_signed_by_its_hash() {
    let world = world();
    let body = json!({"MessageSid": "SM1", "From": "+16505551234", "To": "+15550783881", "Body": "hi"}).to_string();
    let hash = hex::encode(<sha2::Sha256 as sha2::Digest>::digest(&body));
    let path = format!("/webhooks/sms?bodySHA256={hash}");
    let signature = signed(&format!("https://kobliat.example{path}"), &[]);
    let headers = [("x-twilio-signature", signature.as_str()), ("accept", "text/html, application/json;q=0.9")];
    assert_eq!(answer(&post(&world, &path, &headers, body.as_bytes()))["accepted"], 1);
    let other = body.replace("hi", "ho");
    let refused = post(&world, &path, &[("x-twilio-signature", &signature)], other.as_bytes());
    assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);
}

#[test]
fn what_lacks_an_id_a_sender_or_an_account_is_rejected_by_name() {
    for (fields, reason) in [
        (&[("From", "+1"), ("To", "+2"), ("Body", "x")][..], "message_without_id"),
        (&[("MessageSid", "SM1"), ("To", "+2")], "message_without_from"),
        (&[("MessageSid", "SM1"), ("From", "+1")], "message_without_from"),
        (&[("MessageSid", "SM1"), ("MessageStatus", "sent")], "account_missing"),
        (&[("MessageStatus", "sent"), ("From", "+1")], "status_without_id"),
        (&[("MessageSid", "SM1"), ("From", "+1"), ("MessageStatus", "Très bien")], "status_malformed"),
    ] {
        let world = world();
        assert_eq!(answer(&call(&world, "/webhooks/sms", fields))["rejected"], 1, "{reason}");
        assert_eq!(items(&world.later.borrow()[0].outcome), [("rejected".to_owned(), reason.to_owned())]);
    }
}
