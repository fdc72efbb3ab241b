//! Our own JSON: signed with a time, and good for five minutes.

use hmac::{Hmac, Mac};
use serde_json::json;
use sha2::Sha256;

use super::*;

fn sign(secret: &str, timestamp: &str, body: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(format!("{timestamp}.{body}").as_bytes());
    format!("v1={}", hex::encode(mac.finalize().into_bytes()))
}

fn send_at(world: &World, seconds: i64, body: &str) -> Response {
    let timestamp = seconds.to_string();
    let signature = sign("web-secret", &timestamp, body);
    let headers = [("x-kobliat-timestamp", timestamp.as_str()), ("x-kobliat-signature", &signature)];
    post(world, "/webhooks/web", &headers, body.as_bytes())
}

fn send(world: &World, body: &Value) -> Value {
    answer(&send_at(world, START / 1_000_000, &body.to_string()))
}

#[test]
fn a_message_of_the_site_becomes_a_message_once() {
    let world = world();
    let body = json!({"account": "shop", "messages": [{
        "id": "w-1", "from": {"id": "visitor-42", "name": "Ann"}, "text": "Hello", "sent_at": "2025-06-08T20:59:43Z",
        "reply_to": "w-0", "metadata": {"page": "/cart"}, "unheard_of": 1,
    }]});
    assert_eq!(send(&world, &body)["accepted"], 1);
    assert_eq!(send(&world, &body)["duplicates"], 1);
    let message = last_message(&world);
    assert_eq!((message.channel, message.channel_account_id.as_str()), ("web", "shop"));
    assert_eq!((message.body.as_deref(), message.sent_at), (Some("Hello"), 1_749_416_383_000_000));
    assert_eq!(metadata(&message), json!({"page": "/cart", "reply_to": "w-0"}));
    assert!(
        world
            .customers
            .identities
            .borrow()
            .keys()
            .any(|key| (key.2.as_str(), key.3.as_str()) == ("visitor-id", "visitor-42"))
    );
}

#[test]
fn a_signature_is_good_for_five_minutes_either_way() {
    let now = START / 1_000_000;
    let body = json!({"messages": []}).to_string();
    for (seconds, status) in [(now - 300, 200), (now + 300, 200), (now - 301, 401), (now + 301, 401), (0, 401)] {
        assert_eq!(send_at(&world(), seconds, &body).status().as_u16(), status, "{}", seconds - now);
    }
}

#[test]
fn the_time_and_the_body_are_signed_together() {
    let world = world();
    let now = (START / 1_000_000).to_string();
    let (body, good) = ("{}", sign("web-secret", &now, "{}"));
    let later = (START / 1_000_000 + 1).to_string();
    for headers in [
        &[("x-kobliat-signature", good.as_str())][..],
        &[("x-kobliat-timestamp", now.as_str())],
        &[("x-kobliat-timestamp", later.as_str()), ("x-kobliat-signature", good.as_str())],
        &[("x-kobliat-timestamp", now.as_str()), ("x-kobliat-signature", &sign("other", &now, body))],
        &[("x-kobliat-timestamp", now.as_str()), ("x-kobliat-timestamp", &now), ("x-kobliat-signature", &good)],
    ] {
        assert_eq!(post(&world, "/webhooks/web", headers, body.as_bytes()).status(), StatusCode::UNAUTHORIZED);
    }
    let headers = [("x-kobliat-timestamp", now.as_str()), ("x-kobliat-signature", good.as_str())];
    assert_eq!(post(&world, "/webhooks/web", &headers, b"{ }").status(), StatusCode::UNAUTHORIZED);
    assert_eq!(post(&world, "/webhooks/web", &headers, body.as_bytes()).status(), StatusCode::OK);
}

#[test]
fn the_site_reports_what_became_of_our_messages() {
    let world = world();
    let body = json!({"receipts": [
        {"message_id": "0197a6c0-0000-7000-8000-000000000001", "status": "read", "at": "2025-06-08T20:59:43Z"},
        {"message_id": "0197a6c0-0000-7000-8000-000000000002", "status": "failed", "code": 7, "reason": "tab closed"},
    ]});
    assert_eq!(send(&world, &body)["accepted"], 2);
    let receipts = world.messages.receipts.borrow();
    assert_eq!((receipts[0].status.as_str(), receipts[0].channel_account_id.as_str()), ("read", "web"));
    assert_eq!(receipts[0].at, 1_749_416_383_000_000);
    let details: Value = serde_json::from_str(&receipts[1].details).unwrap();
    assert_eq!(details["failure"], json!({"code": "7", "reason": "tab closed"}));
}

#[test]
fn one_bad_item_rejects_no_sibling() {
    let world = world();
    let received = send(
        &world,
        &json!({
            "messages": [
                7, {"from": {"id": "v"}, "text": "no id"}, {"id": "1", "text": "nobody"}, {"id": "2", "from": {"id": "v"}},
                {"id": 3, "from": {"id": 4}, "text": "numbers are names too"},
                {"id": "4", "from": {"id": "v"}, "media": {"url": "https://shop.example/a.png"}},
            ],
            "receipts": [{"status": "read"}, {"message_id": "x", "status": "Very Read"}],
        }),
    );
    assert_eq!((&received["accepted"], &received["rejected"]), (&json!(2), &json!(6)));
    assert_eq!(send(&world, &json!({"messages": {}, "receipts": "x"}))["rejected"], 2);
    assert_eq!(send(&world, &json!({"account": "", "messages": []}))["rejected"], 1);
    let now = START / 1_000_000;
    for unreadable in ["", "[]", "null", "{\"account\":7}", "{"] {
        assert_eq!(send_at(&world, now, unreadable).status(), StatusCode::BAD_REQUEST, "{unreadable}");
    }
    let many = json!({"messages": vec![0; 10_001]}).to_string();
    assert_eq!(send_at(&world, now, &many).status(), StatusCode::PAYLOAD_TOO_LARGE);
}

#[test]
fn an_id_is_its_visitor_s() {
    let world = world();
    let message = |visitor: &str| json!({"id": "m-1", "from": {"id": visitor}, "text": "hi"});
    let both = json!({"messages": [message("v-1"), message("v-2"), message("v-1")]});
    let received = send(&world, &both);
    assert_eq!((&received["accepted"], &received["duplicates"]), (&json!(2), &json!(1)));
    assert_eq!(send(&world, &both)["duplicates"], 3, "and again all are known");
    let ids: Vec<String> =
        world.messages.rows.borrow().iter().map(|(_, row)| row.external_message_id.clone()).collect();
    assert_eq!(ids, ["m-1", "m-1 v-2"]);
}

#[test]
fn a_time_may_be_a_number() {
    for at in [json!("2025-06-08T20:59:43Z"), json!(1_749_416_383), json!(1_749_416_383_000_i64), json!("1749416383")] {
        let world = world();
        send(&world, &json!({"messages": [{"id": "m", "from": {"id": "v"}, "text": "hi", "sent_at": at}]}));
        assert_eq!(last_message(&world).sent_at, 1_749_416_383_000_000, "{at}");
    }
}

#[test]
fn a_file_that_comes_along_is_kept_and_a_reference_stays_one() {
    let world = world();
    let file = json!({"content": "aGVsbG8=", "filename": "hello.png", "mime_type": "image/png", "file": 7});
    let link = json!({"url": "https://shop.example/a.png", "file": 0});
    let body = json!({"messages": [{"id": "1", "from": {"id": "v"}, "media": file}, {"id": "2", "from": {"id": "v"}, "media": link, "text": "see"}]});
    assert_eq!(send(&world, &body)["accepted"], 2);
    let rows = world.messages.rows.borrow().clone();
    let kept = json!({"filename": "hello.png", "mime_type": "image/png", "size": 5, "file": 0, "status": "pending"});
    assert_eq!((rows[0].1.content_type.as_str(), &metadata(&rows[0].1)["media"]), ("image", &kept));
    assert_eq!(metadata(&rows[1].1)["media"], json!({"url": "https://shop.example/a.png"}));
    assert_eq!(world.memory.scalar("SELECT count(*) FROM attachments"), 1);
}

#[test]
fn a_message_of_any_type_says_it_under_the_type_s_name() {
    let world = world();
    let place = json!({"latitude": 1.5, "longitude": 2.5});
    let message = |kind: &str, part: Value| json!({"id": kind, "from": {"id": "v"}, "type": kind, kind: part});
    let body = json!({"messages": [message("location", place.clone()), message("hologram", json!({"size": 3})), message("empty", json!(7)),
        json!({"id": "9", "from": {"id": "v"}, "type": "from"})]});
    let received = send(&world, &body);
    assert_eq!((&received["accepted"], &received["rejected"]), (&json!(2), &json!(2)));
    let rows = world.messages.rows.borrow();
    assert_eq!((rows[0].1.content_type.as_str(), metadata(&rows[0].1)), ("location", json!({"location": place})));
    assert_eq!((rows[1].1.content_type.as_str(), metadata(&rows[1].1)), ("hologram", json!({"hologram": {"size": 3}})));
}
