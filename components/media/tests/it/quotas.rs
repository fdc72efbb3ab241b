//! How much a tenant may keep, and what is gone when the tenant is.

use http::Method;
use serde_json::json;

use crate::{Form, TestApp, body, request};

crate::on_both! {
    a_full_quota_refuses_files_until_some_are_deleted,
}

fn tell(app: &TestApp, bytes: serde_json::Value) {
    let told = json!({ "bytes": bytes }).to_string();
    let request = request(Method::PUT, "/internal/tenants/default/quota");
    app.handle(request.body(body(told.as_bytes(), 100)).unwrap()).expect(200);
}

fn erase(app: &TestApp) -> bool {
    let request = request(Method::POST, "/internal/tenants/default/erase").body(body(b"", 1)).unwrap();
    app.handle(request).expect(200).json()["done"] == true
}

fn is_over_quota(app: &TestApp, file: &[u8]) -> bool {
    let answer = app.upload(&Form::file("a.txt", file));
    if answer.status == 201 {
        return false;
    }
    let problem = answer.expect(413).json();
    assert_eq!(problem["code"], "quota_exceeded");
    assert!(problem["detail"].as_str().unwrap().contains("quota of"), "{problem}");
    true
}

fn a_full_quota_refuses_files_until_some_are_deleted(app: &TestApp) {
    app.set("media_quota_bytes", "1000");
    assert!(!is_over_quota(app, &[b'a'; 600]));
    assert!(is_over_quota(app, &[b'b'; 401]), "it would be too much");
    let rows = app.rows();
    assert!(!is_over_quota(app, &[b'c'; 400]), "it is just enough");
    assert!(is_over_quota(app, b"d"));
    assert_eq!(rows[2] + 1, app.rows()[2], "what was refused left nothing behind");
    tell(app, json!(1001));
    assert!(!is_over_quota(app, b"e"), "its own quota counts before the deployment's");
    tell(app, json!(null));
    assert!(is_over_quota(app, b"f"));
    let media = app.memory.scalar("SELECT count(*) FROM media");
    assert_eq!(media, 3);
    assert!(!erase(app), "a hundred at a time");
    assert!(erase(app));
    assert_eq!(app.memory.scalar("SELECT count(*) FROM media"), 0);
    assert_eq!(app.memory.scalar("SELECT count(*) FROM usage"), 0);
    assert!(!is_over_quota(app, &[b'g'; 1000]));
}

#[test]
fn no_quota_is_a_quota_of_0() {
    let app = TestApp::start();
    app.set("media_quota_bytes", "0");
    assert!(!is_over_quota(&app, &[b'a'; 5000]));
}
