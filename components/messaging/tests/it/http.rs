//! The REST rows, as api.md has them.

use ::http::Method;
use sdk::{
    ids,
    testing::{block_on, json, request},
};
use serde_json::{Value, json};

use crate::{CONVERSATION, TestApp, carried, inbound};

fn post(app: &TestApp, body: &Value) -> (u16, Value) {
    let response = app.send(Method::POST, "/messages", &body.to_string());
    (response.status().as_u16(), json(&response))
}

#[test]
fn stores_what_is_posted_and_shows_it() {
    let app = TestApp::start();
    let body = json!({
        "conversation_id": CONVERSATION, "direction": "outbound", "body": " hello ", "channel": "whatsapp",
        "metadata": { "a": 1 }, "client_ref": "r1", "sent_at": "2025-06-08T22:59:43+02:00",
    });
    let (status, stored) = post(&app, &body);
    assert_eq!((status, &stored["body"], &stored["status"]), (201, &"hello".into(), &"queued".into()));
    assert_eq!((&stored["seq"], &stored["sent_at"]), (&1.into(), &"2025-06-08T20:59:43.000Z".into()));
    assert_eq!(post(&app, &body), (200, stored.clone()));
    let path = format!("/messages/{}", stored["id"].as_str().unwrap());
    assert_eq!(json(&app.send(Method::GET, &path, "")), stored);
}

#[test]
fn what_says_it_otherwise_needs_no_words() {
    let app = TestApp::start();
    let sent = |kind: Value, metadata: Value| {
        let body = json!({ "conversation_id": CONVERSATION, "direction": "outbound", "content_type": kind, "metadata": metadata });
        post(&app, &body)
    };
    for (kind, metadata) in [
        ("template", json!({ "template": { "name": "hello", "language": "en" } })),
        ("template", json!({ "content_sid": "HX1" })),
        ("location", json!({ "location": { "latitude": 1, "longitude": 2 } })),
        ("contacts", json!({ "contacts": [{}] })),
        ("image", json!({ "media": { "url": "https://x.example/a.png" } })),
    ] {
        let (status, stored) = sent(kind.into(), metadata);
        assert_eq!((status, &stored["body"], &stored["content_type"]), (201, &Value::Null, &kind.into()));
    }
    for (kind, metadata) in [
        ("template".into(), json!({})),
        ("template".into(), json!({ "template": {} })),
        ("template".into(), json!({ "location": { "latitude": 1 } })),
        ("text".into(), json!({ "text": { "body": "x" } })),
        (Value::Null, json!({ "template": { "name": "hello" } })),
        ("location".into(), json!({ "location": 7 })),
    ] {
        let (status, refused) = sent(kind.clone(), metadata);
        assert_eq!((status, &refused["errors"][0]["pointer"]), (422, &"/body".into()), "{kind}: {refused}");
    }
}

#[test]
fn an_attachment_is_what_the_gateway_found_unless_its_sender_says_otherwise() {
    let app = TestApp::start();
    let sent = |attached: Option<&str>, said: Value| {
        let body = json!({ "conversation_id": CONVERSATION, "direction": "outbound", "media_id": ids::new(), "content_type": said });
        let mut request = request(Method::POST, "/messages", body.to_string());
        if let Some(kind) = attached {
            request.headers.insert("kobliat-attached", kind.parse().unwrap());
        }
        json(&app.handle(request))["content_type"].clone()
    };
    for unsaid in [Value::Null, "".into(), " ".into()] {
        assert_eq!(sent(Some("image"), unsaid), "image");
    }
    assert_eq!(sent(Some("image"), "sticker".into()), "sticker");
    assert_eq!(sent(None, Value::Null), "document", "nobody knows yet");
}

#[test]
fn a_media_type_is_taken_for_the_kind_of_its_file_and_refused_without_one() {
    let app = TestApp::start();
    let sent = |attached: Option<&str>, said: &str, more: Value| {
        let mut body = json!({ "conversation_id": CONVERSATION, "direction": "outbound", "content_type": said });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let mut request = request(Method::POST, "/messages", body.to_string());
        if let Some(kind) = attached {
            request.headers.insert("kobliat-attached", kind.parse().unwrap());
        }
        let answer = app.handle(request);
        (answer.status().as_u16(), json(&answer))
    };
    let attachment = || json!({ "media_id": ids::new() });
    let office = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";
    for (attached, said, kind) in [
        (Some("image"), "image/png", "image"),
        (Some("document"), "image/png", "document"),
        (None, "image/png", "image"),
        (None, "Audio/OGG; codecs=opus", "audio"),
        (None, "video/mp4", "video"),
        (None, office, "document"),
        (None, "text/plain", "document"),
    ] {
        let (status, message) = sent(attached, said, attachment());
        assert_eq!((status, &message["content_type"]), (201, &kind.into()), "{said}");
    }
    let link = json!({ "body": "look", "metadata": { "media": { "url": "https://shop.example/a.png" } } });
    assert_eq!(sent(None, "image/png", link).1["content_type"], "image");
    assert_eq!(sent(None, "text/plain", json!({ "body": "hi" })).1["content_type"], "text");
    for refused in ["image/png", "application/json", "text/html", "model/gltf", "/", "image/", "a/b"] {
        let (status, problem) = sent(None, refused, json!({ "body": "hi" }));
        assert_eq!((status, &problem["errors"][0]["pointer"]), (422, &"/content_type".into()), "{refused}: {problem}");
    }
    let (status, _) = sent(None, &"x".repeat(65), json!({ "body": "hi" }));
    assert_eq!(status, 422);
}

/// Meanwhile the attachment has arrived, and is known to be a picture.
#[test]
fn a_repetition_is_one_whatever_is_known_of_the_attachment_by_then() {
    let app = TestApp::start();
    let body = json!({ "conversation_id": CONVERSATION, "direction": "outbound", "media_id": ids::new() }).to_string();
    let send = |attached: Option<&str>| {
        let mut request = request(Method::POST, "/messages", body.clone());
        request.headers.insert("idempotency-key", "k".parse().unwrap());
        if let Some(kind) = attached {
            request.headers.insert("kobliat-attached", kind.parse().unwrap());
        }
        app.handle(request)
    };
    let (first, again) = (send(None), send(Some("image")));
    assert_eq!((again.status().as_u16(), json(&again)), (201, json(&first)));
    assert!(again.headers().contains_key("idempotency-replayed"));
}

#[test]
fn refuses_what_is_no_message() {
    let app = TestApp::start();
    let wrong = [
        json!({}),
        json!({ "conversation_id": CONVERSATION, "direction": "outbound" }),
        json!({ "conversation_id": CONVERSATION, "direction": "sideways", "body": "x" }),
        json!({ "conversation_id": "1", "direction": "inbound", "body": "x" }),
        json!({ "conversation_id": CONVERSATION, "direction": "inbound", "body": 7 }),
        json!({ "conversation_id": CONVERSATION, "direction": "inbound", "body": "x", "sent_at": "yesterday" }),
        json!({ "conversation_id": CONVERSATION, "direction": "inbound", "body": "x", "bdoy": "x" }),
        json!({ "conversation_id": CONVERSATION, "direction": "inbound", "media_id": "x" }),
        json!({ "conversation_id": CONVERSATION, "direction": "inbound", "body": "x", "status": "read" }),
    ];
    for body in wrong {
        assert_eq!(post(&app, &body).0, 422, "{body}");
    }
    assert_eq!(app.send(Method::POST, "/messages", "{").status(), 400);
    assert_eq!(app.memory.scalar("SELECT count(*) FROM messages"), 0);
}

#[test]
fn stores_once_for_an_idempotency_key() {
    let app = TestApp::start();
    let body = json!({ "conversation_id": CONVERSATION, "direction": "system", "body": "x" }).to_string();
    let send = || {
        let mut post = request(Method::POST, "/messages", body.clone());
        post.headers.insert("idempotency-key", "k1".parse().unwrap());
        app.handle(post)
    };
    let (first, again) = (send(), send());
    assert_eq!((first.status().as_u16(), first.body()), (201, again.body()));
    assert_eq!(again.headers()["idempotency-replayed"], "true");
    assert_eq!((app.memory.scalar("SELECT count(*) FROM messages"), app.events("noted")), (1, 1));
}

#[test]
fn edits_with_history_and_moves_the_status_forward_only() {
    let app = TestApp::start();
    let message = app.insert_one(carried("wamid.out")).message;
    let path = format!("/messages/{}", message.id);
    let put = |body: Value| {
        let response = app.send(Method::PUT, &path, &body.to_string());
        (response.status().as_u16(), json(&response))
    };
    assert_eq!(put(json!({ "body": "better" })).1["body"], "better");
    assert_eq!(put(json!({ "status": "delivered" })).1["status"], "delivered");
    assert_eq!(put(json!({ "status": "delivered" })).0, 200);
    assert_eq!(put(json!({ "status": "sent", "body": "never" })).0, 409);
    for wrong in [json!({}), json!({ "body": "" }), json!({ "status": "lost" }), json!({ "seq": 1 })] {
        assert_eq!(put(wrong.clone()).0, 422, "{wrong}");
    }
    assert_eq!(app.get(&message.id).body.as_deref(), Some("better"));
    assert_eq!(app.memory.scalar("SELECT count(*) FROM message_history"), 2);
    let first = "SELECT count(*) FROM message_history WHERE version = 1 AND body = 'text of wamid.out'";
    assert_eq!((app.memory.scalar(first), app.events("edited"), app.events("delivered")), (1, 1, 1));
}

#[test]
fn a_patch_is_the_same_and_both_keep_to_the_version_that_was_seen() {
    let app = TestApp::start();
    let message = app.insert_one(carried("wamid.out")).message;
    let path = format!("/messages/{}", message.id);
    let first = app.send(Method::GET, &path, "").headers()["etag"].clone();
    let change = |method: Method, tag: &str, body: &str| {
        let mut change = request(method, &path, body);
        change.headers.insert("if-match", tag.parse().unwrap());
        app.handle(change)
    };
    let patched = change(Method::PATCH, first.to_str().unwrap(), r#"{"body":"better"}"#);
    assert_eq!((patched.status().as_u16(), &json(&patched)["body"]), (200, &"better".into()));
    assert_ne!(patched.headers()["etag"], first, "also when the clock stands still");
    for method in [Method::PATCH, Method::PUT] {
        assert_eq!(change(method, first.to_str().unwrap(), r#"{"body":"worse"}"#).status(), 412);
    }
    assert_eq!(app.memory.scalar("SELECT count(*) FROM message_history"), 1, "and nothing was written");
    let mut theirs = request(Method::PATCH, &path, r#"{"body":"x"}"#);
    theirs.headers.insert("kobliat-tenant", "other".parse().unwrap());
    assert_eq!(app.handle(theirs).status(), 404);
}

#[test]
fn a_client_says_what_it_can_know() {
    let app = TestApp::start();
    let message = app.insert_one(crate::outbound()).message;
    let put = |status: &str| {
        let body = json!({ "status": status }).to_string();
        app.send(Method::PUT, &format!("/messages/{}", message.id), &body).status().as_u16()
    };
    assert_eq!((put("queued"), put("unknown")), (422, 422));
    assert_eq!((put("sent"), put("delivered"), put("failed"), put("read"), put("sent")), (200, 200, 409, 200, 409));
}

#[test]
fn lets_what_came_in_only_be_read() {
    let app = TestApp::start();
    let path = format!("/messages/{}", app.insert_one(inbound("1")).message.id);
    assert_eq!(app.send(Method::PUT, &path, r#"{"status":"queued"}"#).status(), 422);
    assert_eq!(app.send(Method::PUT, &path, r#"{"status":"read"}"#).status(), 200);
}

#[test]
fn pages_a_conversation_newest_first_and_catches_up_in_order() {
    let app = TestApp::start();
    block_on(app.insert((1..=7).map(|n| inbound(&n.to_string())).collect()));
    let list = format!("/conversations/{CONVERSATION}/messages");
    assert_eq!(walk(&app, &format!("{list}?limit=3")), [7, 6, 5, 4, 3, 2, 1]);
    assert_eq!(walk(&app, &format!("{list}?limit=2&after=3")), [4, 5, 6, 7]);
    assert_eq!(json(&app.send(Method::GET, &list, ""))["meta"]["total"], 7);
    let empty = json(&app.send(Method::GET, &format!("{list}?after=99"), ""));
    assert_eq!((&empty["data"], &empty["meta"]["total"]), (&json!([]), &7.into()));
    for bad in ["limit=0", "after=-1", "after=x", "cursor=AAAA", "offset=3", "q=text&after=3"] {
        assert_eq!(app.send(Method::GET, &format!("{list}?{bad}"), "").status(), 422, "{bad}");
    }
}

/// The sequence numbers of all pages.
fn walk(app: &TestApp, path: &str) -> Vec<u64> {
    let (mut seen, mut next) = (Vec::new(), path.to_owned());
    loop {
        let page = json(&app.send(Method::GET, &next, ""));
        seen.extend(page["data"].as_array().unwrap().iter().map(|m| m["seq"].as_u64().unwrap()));
        let Some(cursor) = page["meta"]["next_cursor"].as_str() else { return seen };
        next = format!("{path}&cursor={cursor}");
    }
}

#[test]
fn tells_unknown_ids_alike() {
    let app = TestApp::start();
    for path in ["/messages/x", "/messages/018f0000-0000-7000-8000-000000000000", "/conversations/x/messages"] {
        assert_eq!(app.send(Method::GET, path, "").status(), 404, "{path}");
    }
    let unknown = "/messages/018f0000-0000-7000-8000-000000000000";
    assert_eq!(app.send(Method::PUT, unknown, r#"{"body":"x"}"#).status(), 404);
}
