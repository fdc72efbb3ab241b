//! Mail: the neutral form and Postmark's, and reports of mail that we sent.

mod awkward;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::json;

use super::*;

fn basic(credentials: &str) -> String {
    format!("Basic {}", BASE64_STANDARD.encode(credentials))
}

fn send(world: &World, mail: &Value) -> Value {
    answer(&post(
        world,
        "/webhooks/email",
        &[("authorization", &basic("mail:email-secret"))],
        mail.to_string().as_bytes(),
    ))
}

fn neutral() -> Value {
    json!({
        "message_id": "<abc@mail.example>", "from": {"email": "Ann@Example.com", "name": "Ann B"},
        "to": [{"email": "shop@kobliat.example"}, {"email": "other@kobliat.example"}], "cc": ["boss@example.com"],
        "subject": "Colors", "text": "Does it come in another color?", "html": "<p>Does it…</p>",
        "in_reply_to": "<first@kobliat.example>", "references": ["<zero@x>", "<first@kobliat.example>"],
        "date": "2025-06-08T20:59:43Z",
        "attachments": [{"filename": "a.pdf", "mime_type": "application/pdf", "size": 10, "content": "AAAA"}],
    })
}

#[test]
fn a_mail_becomes_a_message_once() {
    let world = world();
    assert_eq!(send(&world, &neutral())["accepted"], 1);
    assert_eq!(send(&world, &neutral())["duplicates"], 1);
    let message = last_message(&world);
    assert_eq!((message.channel, message.channel_account_id.as_str()), ("email", "shop@kobliat.example"));
    assert_eq!((message.external_message_id.as_str(), message.sent_at), ("abc@mail.example", 1_749_416_383_000_000));
    assert_eq!(message.body.as_deref(), Some("Does it come in another color?"));
    let kept = metadata(&message);
    assert_eq!((&kept["subject"], &kept["reply_to"]), (&json!("Colors"), &json!("first@kobliat.example")));
    assert_eq!((&kept["references"][1], &kept["cc"][0]), (&json!("first@kobliat.example"), &json!("boss@example.com")));
    assert_eq!(kept["attachments"][0]["filename"], "a.pdf");
    assert!(!message.metadata.contains("AAAA"), "the bytes are no metadata");
    assert!(!String::from_utf8_lossy(&world.rows()[0].body).contains("AAAA"), "nor part of the delivery's words");
    let known = world.customers.identities.borrow();
    assert!(known.keys().any(|key| (key.2.as_str(), key.3.as_str()) == ("email", "ann@example.com")));
}

#[test]
fn postmarks_form_says_the_same() {
    let world = world();
    let mail = json!({
        "MessageID": "postmark-1", "FromFull": {"Email": "ann@example.com", "Name": "Ann B"},
        "ToFull": [{"Email": "shop@kobliat.example"}], "OriginalRecipient": "shop+7@kobliat.example",
        "Subject": "Colors", "TextBody": "new\n> old", "StrippedTextReply": "new", "Date": "Sun, 8 Jun 2025 20:59:43 +0000",
        "Headers": [{"Name": "Message-ID", "Value": "<abc@mail.example>"}, {"Name": "In-Reply-To", "Value": "<first@kobliat.example>"}],
        "Attachments": [{"Name": "a.png", "ContentType": "image/png", "ContentLength": 4, "Content": "AAAA"}],
    });
    assert_eq!(send(&world, &mail)["accepted"], 1);
    let message = last_message(&world);
    assert_eq!((message.external_message_id.as_str(), message.body.as_deref()), ("abc@mail.example", Some("new")));
    assert_eq!(message.channel_account_id, "shop+7@kobliat.example", "the envelope's address");
    assert_eq!(message.sent_at, 1_749_416_383_000_000, "RFC 5322, as mail has it");
    assert_eq!(metadata(&message)["reply_to"], "first@kobliat.example");
    assert_eq!(metadata(&message)["attachments"][0]["mime_type"], "image/png");
}

#[test]
fn a_mail_without_text_is_told_by_its_subject() {
    let world = world();
    let mut mail = neutral();
    mail["text"] = Value::Null;
    send(&world, &mail);
    assert_eq!(last_message(&world).body.as_deref(), Some("Colors\n\nDoes it…"));
    assert_eq!(metadata(&last_message(&world))["html"], "<p>Does it…</p>");
}

#[test]
fn the_secret_is_a_password_or_signs() {
    let world = world();
    let body = neutral().to_string();
    for credentials in ["", ":", "email-secret", "mail:email-secre", "mail:email-secret2", "email-secret:"] {
        let refused = post(&world, "/webhooks/email", &[("authorization", &basic(credentials))], body.as_bytes());
        assert_eq!(refused.status(), StatusCode::UNAUTHORIZED, "{credentials}");
    }
    for header in ["Bearer email-secret", "Basic", "Basic !!!", "email-secret"] {
        let refused = post(&world, "/webhooks/email", &[("authorization", header)], body.as_bytes());
        assert_eq!(refused.status(), StatusCode::UNAUTHORIZED, "{header}");
    }
    assert!(world.rows().is_empty());
    send(&world, &neutral());
    assert!(!world.only_row().headers.contains("Basic"), "a password is not kept");
}

#[test]
fn reports_are_receipts_that_name_our_message() {
    let world = world();
    let ours = "0197a6c0-0000-7000-8000-000000000001";
    for (report, status, account) in [
        (
            json!({"message_id": "m1", "from": "shop@kobliat.example", "status": "delivered", "client_ref": ours}),
            "delivered",
            "shop@kobliat.example",
        ),
        (
            json!({"RecordType": "Delivery", "MessageID": "m2", "Metadata": {"message_id": ours, "account": "shop@kobliat.example"}}),
            "delivered",
            "shop@kobliat.example",
        ),
        (
            json!({"RecordType": "Open", "MessageID": "m2", "From": "shop@kobliat.example", "Metadata": {"message_id": ours}}),
            "read",
            "shop@kobliat.example",
        ),
        (
            json!({"RecordType": "Bounce", "MessageID": "m2", "From": "Shop <shop@kobliat.example>", "Type": "HardBounce", "Description": "No such user", "Metadata": {"message_id": ours}}),
            "failed",
            "shop@kobliat.example",
        ),
    ] {
        assert_eq!(send(&world, &report)["accepted"], 1, "{report}");
        let receipts = world.messages.receipts.borrow();
        let receipt = receipts.last().unwrap();
        assert_eq!((receipt.status.as_str(), receipt.channel_account_id.as_str()), (status, account));
        let details: Value = serde_json::from_str(&receipt.details).unwrap();
        assert_eq!(details["message_id"], ours, "{report}");
        if status == "failed" {
            assert_eq!(details["failure"], json!({"code": "HardBounce", "reason": "No such user"}));
        }
    }
}

#[test]
fn what_lacks_an_id_a_sender_or_an_account_is_rejected_by_name() {
    for (field, reason) in
        [("message_id", "message_without_id"), ("from", "message_without_from"), ("to", "account_missing")]
    {
        let world = world();
        let mut mail = neutral();
        mail.as_object_mut().unwrap().remove(field);
        assert_eq!(send(&world, &mail)["rejected"], 1, "{field}");
        assert_eq!(items(&world.later.borrow()[0].outcome), [("rejected".to_owned(), reason.to_owned())]);
    }
    let world = world();
    let mut mail = neutral();
    mail.as_object_mut().unwrap().remove("to");
    let path = "/webhooks/email?account=Shop@kobliat.example";
    let received = post(&world, path, &[("authorization", &basic("mail:email-secret"))], mail.to_string().as_bytes());
    assert_eq!(answer(&received)["accepted"], 1);
    assert_eq!(last_message(&world).channel_account_id, "shop@kobliat.example");
}
