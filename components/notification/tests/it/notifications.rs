//! Notifications: one for each event that an operator should see, whatever the platform repeats.

use ::http::Method;
use sdk::testing::{block_on, json, request};

use crate::{RECEIVED, TestApp};

const CREATED: &str = "com.kobliat.conversation.created.v1";
const FAILED: &str = "com.kobliat.message.failed.v1";

#[test]
fn shows_what_an_operator_should_see_and_nothing_of_what_people_wrote() {
    let app = TestApp::start();
    app.event("1", CREATED, r#"{"id":"c","channel":"whatsapp","last_message_preview":"a secret"}"#);
    app.event("2", FAILED, r#"{"id":"m","conversation_id":"c","channel":"whatsapp","body":"a secret"}"#);
    app.event("3", "com.kobliat.platform.event.dead-lettered.v1", r#"{"subscription":"notification","reason":"500"}"#);
    app.event("4", "com.kobliat.channel.stopped.v1", r#"{"channel":"whatsapp","reason":"token expired"}"#);
    app.event("5", RECEIVED, r#"{"id":"m"}"#);
    app.event("6", "com.kobliat.platform.component.rolled-back.v1", r#"{"component":"customer","reason":"3 died"}"#);
    app.event("7", "com.kobliat.message.unknown.v1", r#"{"id":"m","failure":{"reason":"the connection broke off"}}"#);
    let list = app.get("/notifications");
    assert_eq!(list["data"][0]["details"]["failure"]["reason"], "the connection broke off");
    let kinds: Vec<_> = list["data"].as_array().unwrap().iter().map(|n| n["kind"].as_str().unwrap()).collect();
    assert_eq!(
        kinds,
        [
            "message.unknown",
            "component.rolled_back",
            "channel.stopped",
            "event.dead_lettered",
            "message.failed",
            "conversation.new"
        ]
    );
    assert_eq!(list["data"][2]["details"]["reason"], "token expired");
    assert_eq!((&list["data"][4]["subject"], &list["data"][4]["read"]), (&"subject-1".into(), &false.into()));
    assert!(!list.to_string().contains("a secret"));
}

#[test]
fn an_event_that_comes_again_is_one_notification() {
    let app = TestApp::start();
    for _ in 0..3 {
        assert_eq!(app.event("1", CREATED, "{}").status(), 204);
    }
    assert_eq!(app.get("/notifications")["data"].as_array().unwrap().len(), 1);
}

#[test]
fn an_ordinary_event_that_nobody_wants_costs_no_write() {
    let app = TestApp::start();
    app.memory.statements();
    assert_eq!(app.event("1", RECEIVED, "{}").status(), 204);
    let statements = app.memory.statements();
    assert!(statements.iter().all(|sql| sql.starts_with("SELECT")), "{statements:?}");
}

#[test]
fn is_read_once_and_listed_by_it_in_pages() {
    let app = TestApp::start();
    (0..5).for_each(|n| drop(app.event(&format!("e{n}"), CREATED, "{}")));
    let first = app.get("/notifications?limit=2");
    let id = first["data"][0]["id"].as_str().unwrap();
    let read = app.post(&format!("/notifications/{id}/read"), "");
    app.advance(1_000_000);
    assert_eq!(app.post(&format!("/notifications/{id}/read"), "")["read_at"], read["read_at"]);
    let (mut seen, mut next) = (Vec::new(), "/notifications?unread=true&limit=2".to_owned());
    loop {
        let page = app.get(&next);
        seen.extend(page["data"].as_array().unwrap().iter().map(|n| n["id"].as_str().unwrap().to_owned()));
        let Some(cursor) = page["meta"]["next_cursor"].as_str() else { break };
        next = format!("/notifications?unread=true&limit=2&cursor={cursor}");
    }
    assert_eq!(seen.len(), 4);
    assert!(!seen.contains(&id.to_owned()) && seen.is_sorted_by(|a, b| a > b));
    assert_eq!(app.get("/notifications?unread=false")["data"][0]["id"], id);
}

#[test]
fn a_key_that_read_one_reads_no_other() {
    let app = TestApp::start();
    (0..2).for_each(|n| drop(app.event(&format!("e{n}"), CREATED, "{}")));
    let list = app.get("/notifications");
    let read = |at: usize, key: &str| {
        let path = format!("/notifications/{}/read", list["data"][at]["id"].as_str().unwrap());
        let mut request = request(Method::POST, &path, "");
        request.headers.insert("idempotency-key", key.parse().unwrap());
        block_on(app.router.handle(&app.service, request))
    };
    assert_eq!(read(0, &"k".repeat(256)).status(), 422);
    let (first, again) = (read(0, "k"), read(0, "k"));
    assert_eq!((json(&first), again.headers()["idempotency-replayed"].as_bytes()), (json(&again), &b"true"[..]));
    assert_eq!(read(1, "k").status(), 422);
    assert_eq!(app.get("/notifications?unread=true")["data"].as_array().unwrap().len(), 1);
}

#[test]
fn is_its_tenants_alone() {
    let app = TestApp::start();
    app.event_of("other", "1", CREATED, "{}");
    assert!(app.get("/notifications")["data"].as_array().unwrap().is_empty());
    app.event("2", CREATED, "{}");
    let id = app.get("/notifications")["data"][0]["id"].as_str().unwrap().to_owned();
    let mut theirs = request(Method::POST, &format!("/notifications/{id}/read"), "");
    theirs.headers.insert("kobliat-tenant", "other".parse().unwrap());
    assert_eq!(block_on(app.router.handle(&app.service, theirs)).status(), 404);
}

#[test]
fn refuses_what_is_no_event_for_good_and_what_comes_without_a_tenant() {
    let app = TestApp::start();
    assert_eq!(app.event("", CREATED, "{}").status(), 400);
    assert_eq!(app.event("1", CREATED, "{").status(), 400);
    let mut anonymous = request(Method::GET, "/notifications", "");
    anonymous.headers.clear();
    let refused = block_on(app.router.handle(&app.service, anonymous));
    assert_eq!((refused.status().as_u16(), &json(&refused)["code"]), (401, &"unauthenticated".into()));
    assert_eq!(app.send(Method::GET, "/notifications?unread=maybe", "").status(), 422);
}

#[test]
fn its_health_tells_a_variable_that_makes_no_sense() {
    let app = TestApp::start();
    assert_eq!(app.send(Method::GET, "/health", "").status(), 200);
    for (name, value) in [("webhook_allow_private", "yes"), ("webhook_first_retry_ms", "5 s")] {
        app.world.0.settings.borrow_mut().insert(name.to_owned(), value.to_owned());
        let health = app.send(Method::GET, "/health", "");
        assert!(health.status() == 503 && json(&health)["detail"].as_str().unwrap().contains(name));
    }
}
