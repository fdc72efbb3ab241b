//! Participants join, leave and come back; a direct conversation stays between its two.

use ::http::Method;
use sdk::{
    ids,
    testing::{json, request},
};
use serde_json::{Value, json};

use crate::TestApp;

fn group(app: &TestApp) -> String {
    let body = json!({ "type": "group", "participants": [ids::new(), ids::new()] });
    let opened = json(&app.send(Method::POST, "/conversations", &body.to_string()));
    format!("/conversations/{}", opened["id"].as_str().unwrap())
}

fn join(app: &TestApp, path: &str, body: &Value) -> (u16, Value) {
    let answer = app.send(Method::POST, &format!("{path}/participants"), &body.to_string());
    (answer.status().as_u16(), json(&answer))
}

#[test]
fn somebody_joins_leaves_and_comes_back() {
    let app = TestApp::start();
    let (path, customer) = (group(&app), ids::new());
    let (status, joined) = join(&app, &path, &json!({ "customer_id": customer, "role": "admin" }));
    assert_eq!((status, &joined["role"], &joined["left_at"]), (201, &json!("admin"), &Value::Null));
    assert_eq!(join(&app, &path, &json!({ "customer_id": customer })), (200, joined.clone()), "is there already");
    assert_eq!(join(&app, &path, &json!({ "customer_id": customer, "role": "member" })).1["role"], "member");
    let place = format!("{path}/participants/{}", joined["id"].as_str().unwrap());
    for _ in 0..2 {
        assert_eq!(app.send(Method::DELETE, &place, "").status(), 204);
    }
    let told = json(&app.send(Method::GET, &path, ""));
    let participants = told["participants"].as_array().unwrap();
    assert_eq!((participants.len(), participants[2]["left_at"].is_string()), (3, true), "and is not forgotten");
    let (status, back) = join(&app, &path, &json!({ "customer_id": customer }));
    assert_eq!((status, &back["id"], &back["left_at"]), (201, &joined["id"], &Value::Null));
    assert_eq!(app.events("updated"), 4);
}

#[test]
fn a_direct_conversation_stays_between_its_two() {
    let app = TestApp::start();
    let opened = app.open();
    let path = format!("/conversations/{}", opened.id);
    assert_eq!(join(&app, &path, &json!({ "customer_id": ids::new() })).0, 409);
    let place = format!("{path}/participants/{}", opened.participants[0].id);
    assert_eq!(app.send(Method::DELETE, &place, "").status(), 409);
}

#[test]
fn refuses_who_cannot_join_and_knows_nobody_else_s() {
    let app = TestApp::start();
    let path = group(&app);
    for wrong in [json!({}), json!({ "customer_id": "x" }), json!({ "customer_id": ids::new(), "role": "king" })] {
        assert_eq!(join(&app, &path, &wrong).0, 422, "{wrong}");
    }
    let nowhere = format!("/conversations/{}", ids::new());
    assert_eq!(join(&app, &nowhere, &json!({ "customer_id": ids::new() })).0, 404);
    assert_eq!(app.send(Method::DELETE, &format!("{path}/participants/{}", ids::new()), "").status(), 404);
    let mut theirs =
        request(Method::POST, &format!("{path}/participants"), format!(r#"{{"customer_id":"{}"}}"#, ids::new()));
    theirs.headers.insert("kobliat-tenant", "other".parse().unwrap());
    assert_eq!(app.handle(theirs).status(), 404);
}

#[test]
fn has_at_most_a_thousand() {
    let app = TestApp::start();
    let people: Vec<String> = (0..1000).map(|_| ids::new()).collect();
    let opened =
        app.send(Method::POST, "/conversations", &json!({ "type": "group", "participants": people }).to_string());
    let path = format!("/conversations/{}", json(&opened)["id"].as_str().unwrap());
    assert_eq!(join(&app, &path, &json!({ "customer_id": ids::new() })).0, 409);
    assert_eq!(join(&app, &path, &json!({ "customer_id": people[7] })).0, 200);
}

#[test]
fn joins_once_for_an_idempotency_key() {
    let app = TestApp::start();
    let path = format!("{}/participants", group(&app));
    let body = json!({ "customer_id": ids::new() }).to_string();
    let send = || {
        let mut post = request(Method::POST, &path, body.clone());
        post.headers.insert("idempotency-key", "k1".parse().unwrap());
        app.handle(post)
    };
    let (first, again) = (send(), send());
    assert_eq!((first.status().as_u16(), first.body(), again.status().as_u16()), (201, again.body(), 201));
}
