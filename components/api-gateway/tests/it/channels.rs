//! `/channels`: the gateway says whose accounts are meant, and keeps no credential.

use http::Method;
use serde_json::json;

use crate::app::{TestApp, request, request_as};

fn new_channel() -> serde_json::Value {
    json!({ "kind": "telegram", "provider_id": "bot", "credentials": { "bot_token": "123:very-secret" } })
}

#[test]
fn an_administrator_asks_for_the_own_tenant_and_nobody_else_s() {
    let app = TestApp::new();
    let admin = app.key_of("acme", &["admin"]);
    app.key_of("umbrella", &["admin"]);
    app.send(request_as(&admin, Method::GET, "/api/v1/channels?kind=sms&limit=5", ""));
    let seen = app.world.forwarded.borrow().last().unwrap().uri().to_string();
    assert_eq!(seen, "http://inbound-gateway.spin.internal/channels?kind=sms&limit=5");
    assert_eq!(app.world.forwarded.borrow().last().unwrap().headers()["kobliat-tenant"], "acme");
    let before = app.world.forwarded.borrow().len();
    let others = app.send(request_as(&admin, Method::GET, "/api/v1/channels?tenant=umbrella", ""));
    assert_eq!(others.pointers(), ["?tenant"]);
    let body = json!({ "kind": "telegram", "provider_id": "bot", "tenant": "umbrella" }).to_string();
    assert_eq!(app.send(request_as(&admin, Method::POST, "/api/v1/channels", body)).pointers(), ["/tenant"]);
    assert_eq!(app.world.forwarded.borrow().len(), before, "nothing reached the service");
}

#[test]
fn an_operator_names_the_tenant_which_must_exist() {
    let app = TestApp::new();
    let operator = app.key_of("default", &["operator"]);
    app.key_of("acme", &["admin"]);
    let id = app.world.next_id();
    app.send(request_as(&operator, Method::DELETE, &format!("/api/v1/channels/{id}?tenant=acme"), ""));
    assert_eq!(app.world.forwarded.borrow().last().unwrap().headers()["kobliat-tenant"], "acme");
    let mut body = new_channel();
    body["tenant"] = "acme".into();
    app.send(request_as(&operator, Method::POST, "/api/v1/channels", body.to_string()));
    assert_eq!(app.world.forwarded.borrow().last().unwrap().headers()["kobliat-tenant"], "acme");
    let unknown = app.send(request_as(&operator, Method::GET, "/api/v1/channels?tenant=nobody", ""));
    assert_eq!(unknown.pointers(), ["?tenant"]);
}

#[test]
fn an_operator_starts_channels_and_reads_and_redrives_deliveries_of_any_tenant() {
    let app = TestApp::new();
    let operator = app.key_of("default", &["operator"]);
    let admin = app.key_of("acme", &["admin"]);
    let id = app.world.next_id();
    for (method, path) in [
        (Method::POST, format!("/channels/{id}/start")),
        (Method::GET, "/inbound-deliveries".to_owned()),
        (Method::GET, format!("/inbound-deliveries/{id}")),
        (Method::POST, format!("/inbound-deliveries/{id}/redrive")),
    ] {
        app.send(request_as(&operator, method.clone(), &format!("/api/v1{path}?tenant=acme"), ""));
        let forwarded = app.world.forwarded.borrow().last().unwrap().uri().to_string();
        assert_eq!(forwarded, format!("http://inbound-gateway.spin.internal{path}?tenant=acme"));
        assert_eq!(app.world.forwarded.borrow().last().unwrap().headers()["kobliat-tenant"], "acme", "{path}");
        let others = app.send(request_as(&admin, method.clone(), &format!("/api/v1{path}?tenant=default"), ""));
        assert_eq!(others.pointers(), ["?tenant"], "{path}");
        let writer = app.key_of("acme", &["messages:write"]);
        app.send(request_as(&writer, method, &format!("/api/v1{path}"), "")).problem(403);
    }
}

#[test]
fn who_only_reads_and_writes_messages_is_refused() {
    let app = TestApp::new();
    let key = app.key_of("acme", &["messages:write", "conversations:read"]);
    app.send(request_as(&key, Method::GET, "/api/v1/channels", "")).problem(403);
}

#[test]
fn no_credential_is_in_the_request_log() {
    let app = TestApp::new();
    app.post("/api/v1/channels", &new_channel());
    app.send(request(Method::POST, "/api/v1/channels", json!({ "bot_token": "123:very-secret" }).to_string()));
    let logged = app.get("/api/v1/logs");
    let text = String::from_utf8_lossy(&logged.body);
    assert!(text.contains("/api/v1/channels") && !text.contains("very-secret"), "{text}");
}
