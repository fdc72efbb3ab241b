//! The REST rows, as api.md has them.

use ::http::Method;
use sdk::testing::{json, request};
use serde_json::Value;

use crate::TestApp;

#[test]
fn creates_once_and_then_updates_by_external_id() {
    let app = TestApp::start();
    let created = app.post(r#"{"external_id":" 1 ","external_type":"sms","name":"Ada","metadata":{"vip":true}}"#);
    let (first, status) = (json(&created), created.status().as_u16());
    assert_eq!((status, &first["external_id"], &first["metadata"]["vip"]), (201, &"1".into(), &true.into()));
    assert_eq!(first["created_at"], "2025-06-08T20:59:43.000Z");
    let again = app.post(r#"{"external_id":"1","external_type":"sms","name":"Grace"}"#);
    let second = json(&again);
    assert_eq!((again.status().as_u16(), &second["id"], &second["name"]), (200, &first["id"], &"Grace".into()));
    assert_eq!(second["metadata"], first["metadata"]);
}

#[test]
fn repeats_the_first_answer_for_an_idempotency_key() {
    let app = TestApp::start();
    let send = |body: &str| {
        let mut post = request(Method::POST, "/customers", body);
        post.headers.insert("idempotency-key", "\"k1\"".parse().unwrap());
        app.handle(post)
    };
    let body = r#"{"external_id":"1","external_type":"sms"}"#;
    let (first, again) = (send(body), send(body));
    assert_eq!((first.status(), first.body()), (again.status(), again.body()));
    assert_eq!(again.headers()["idempotency-replayed"], "true");
    assert_eq!(send(r#"{"external_id":"2","external_type":"sms"}"#).status(), 422);
    assert_eq!(app.count("customers"), 1);
}

#[test]
fn finds_and_changes_a_customer() {
    let app = TestApp::start();
    let made = json(&app.post(r#"{"external_id":"a/b","external_type":"web"}"#));
    let path = format!("/customers/{}", made["id"].as_str().unwrap());
    assert_eq!(json(&app.send(Method::GET, &path, "")), made);
    assert_eq!(json(&app.send(Method::GET, "/customers/external/web/a%2Fb", "")), made);
    let changed = app.send(Method::PUT, &path, r#"{"name":"Ada"}"#);
    assert_eq!((changed.status().as_u16(), &json(&changed)["name"]), (200, &"Ada".into()));
    assert_eq!(app.send(Method::PUT, &path, "{}").status(), 422);
    assert_eq!(app.send(Method::PUT, &path, r#"{"external_id":"x"}"#).status(), 422);
}

#[test]
fn tells_unknown_and_foreign_ids_alike() {
    let app = TestApp::start();
    let mut theirs = request(Method::POST, "/customers", r#"{"external_id":"1","external_type":"sms"}"#);
    theirs.headers.insert("kobliat-tenant", "other".parse().unwrap());
    let theirs = json(&app.handle(theirs));
    let path = format!("/customers/{}", theirs["id"].as_str().unwrap());
    for path in [&path, "/customers/not-a-uuid", "/customers/018f0000-0000-7000-8000-000000000000"] {
        assert_eq!(app.send(Method::GET, path, "").status(), 404, "{path}");
    }
    assert_eq!(app.send(Method::GET, "/customers/external/sms/1", "").status(), 404);
}

#[test]
fn pages_newest_first_without_repeating_or_skipping() {
    let app = TestApp::start();
    for n in 0..7 {
        let kind = if n % 2 == 0 { "sms" } else { "web" };
        app.post(&format!(r#"{{"external_id":"{n}","external_type":"{kind}"}}"#));
    }
    assert_eq!(walk(&app, "/customers?limit=3"), ["6", "5", "4", "3", "2", "1", "0"]);
    assert_eq!(walk(&app, "/customers?limit=2&external_type=sms"), ["6", "4", "2", "0"]);
    for bad in ["limit=0", "cursor=nonsense", "page=2"] {
        assert_eq!(app.send(Method::GET, &format!("/customers?{bad}"), "").status(), 422, "{bad}");
    }
}

/// The external ids of all pages.
fn walk(app: &TestApp, path: &str) -> Vec<String> {
    let (mut seen, mut next) = (Vec::new(), path.to_owned());
    loop {
        let page = json(&app.send(Method::GET, &next, ""));
        let ids = page["data"].as_array().unwrap().iter().map(|c| c["external_id"].as_str().unwrap().to_owned());
        seen.extend(ids);
        let Value::String(cursor) = &page["meta"]["next_cursor"] else { return seen };
        next = format!("{path}&cursor={cursor}");
    }
}

#[test]
fn counts_customers_per_channel() {
    let app = TestApp::start();
    app.post(r#"{"external_id":"1","external_type":"whatsapp"}"#);
    app.post(r#"{"external_id":"2","external_type":"whatsapp"}"#);
    let stats = json(&app.send(Method::GET, "/stats/channels", ""));
    assert_eq!(stats, serde_json::json!([{ "name": "Whatsapp", "value": 2 }]));
}

#[test]
fn refuses_who_lacks_the_scope() {
    let app = TestApp::start();
    let mut read_only = request(Method::POST, "/customers", r#"{"external_id":"1","external_type":"sms"}"#);
    read_only.headers.insert("kobliat-scopes", "customers:read messages:write".parse().unwrap());
    assert_eq!(app.handle(read_only).status(), 403);
    assert_eq!(app.count("customers"), 0);
}
