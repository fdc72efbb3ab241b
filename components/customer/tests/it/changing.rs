//! Changes and deletion: only in the version that was seen, and nothing of a person stays behind.

use ::http::Method;
use sdk::{
    Response,
    testing::{json, request},
};
use serde_json::{Value, json};

use crate::{TestApp, contact, identity, phone};

fn make(app: &TestApp, body: &Value) -> (String, Value) {
    let made = json(&app.post(&body.to_string()));
    (format!("/customers/{}", made["id"].as_str().unwrap()), made)
}

fn if_match(app: &TestApp, method: Method, path: &str, tag: &str, body: &str) -> Response {
    let mut request = request(method, path, body);
    request.headers.insert("if-match", tag.parse().unwrap());
    app.handle(request)
}

#[test]
fn a_patch_merges_and_a_put_replaces() {
    let app = TestApp::start();
    let metadata = json!({ "tier": "gold", "address": { "city": "Ulm", "zip": "89073" } });
    let (path, _) =
        make(&app, &json!({ "external_id": "1", "external_type": "crm", "name": "Ada", "metadata": metadata }));
    let patch = json!({ "metadata": { "tier": null, "address": { "zip": "89075" }, "since": 2020 } });
    let patched = json(&app.send(Method::PATCH, &path, &patch.to_string()));
    assert_eq!(patched["metadata"], json!({ "address": { "city": "Ulm", "zip": "89075" }, "since": 2020 }));
    assert_eq!(patched["name"], "Ada", "what is absent stays");
    let put = json(&app.send(Method::PUT, &path, r#"{"metadata":{"a":1}}"#));
    assert_eq!((&put["metadata"], &put["name"]), (&json!({ "a": 1 }), &json!("Ada")));
    assert_eq!(json(&app.send(Method::PATCH, &path, r#"{"name":null}"#))["name"], Value::Null);
    assert_eq!(app.events("updated"), 3);
    for wrong in ["{}", r#"{"metadata":[]}"#, r#"{"name":7}"#, r#"{"id":"x"}"#, r#"{"metadata":null}"#] {
        assert_eq!(app.send(Method::PATCH, &path, wrong).status(), 422, "{wrong}");
    }
    assert_eq!(app.send(Method::PATCH, &format!("/customers/{}", sdk::ids::new()), r#"{"name":"x"}"#).status(), 404);
}

#[test]
fn what_changes_nothing_is_no_version_and_no_event() {
    let app = TestApp::start();
    let (path, _) = make(&app, &json!({ "external_id": "1", "external_type": "crm", "name": "Ada" }));
    let before = app.send(Method::GET, &path, "");
    let same = app.send(Method::PATCH, &path, r#"{"name":"Ada","metadata":{"b":null}}"#);
    assert_eq!((same.headers().get("etag"), app.events("updated")), (before.headers().get("etag"), 0));
}

#[test]
fn changes_only_the_version_that_was_seen() {
    let app = TestApp::start();
    let (path, _) = make(&app, &json!({ "external_id": "1", "external_type": "crm" }));
    let tag = |answer: &Response| answer.headers()["etag"].to_str().unwrap().to_owned();
    let first = tag(&app.send(Method::GET, &path, ""));
    let changed = if_match(&app, Method::PATCH, &path, &first, r#"{"name":"Ada"}"#);
    assert_eq!(changed.status(), 200);
    assert_ne!(tag(&changed), first, "also when the clock stands still");
    for (method, body) in [(Method::PATCH, r#"{"name":"x"}"#), (Method::PUT, r#"{"name":"x"}"#), (Method::DELETE, "")] {
        assert_eq!(if_match(&app, method.clone(), &path, &first, body).status(), 412, "{method}");
    }
    assert_eq!(json(&app.send(Method::GET, &path, ""))["name"], "Ada");
    assert_eq!(if_match(&app, Method::DELETE, &path, &tag(&changed), "").status(), 204);
}

#[test]
fn forgets_a_person_and_takes_it_for_a_new_one_when_it_writes_again() {
    let app = TestApp::start();
    let both = contact(&[identity("acc", "bsuid", "US.9"), identity("acc", "phone", "16505551234")]);
    let known = app.resolve_one(both.clone());
    let path = format!("/customers/{}", known.id);
    assert_eq!(app.send(Method::DELETE, &path, "").status(), 204);
    for (method, body) in [(Method::GET, ""), (Method::DELETE, ""), (Method::PATCH, r#"{"name":"x"}"#)] {
        assert_eq!(app.send(method, &path, body).status(), 404);
    }
    for table in ["customers", "identities", "customer_texts"] {
        assert_eq!(app.count(table), 0, "{table}");
    }
    assert_eq!(json(&app.send(Method::GET, "/customers?q=sheena", ""))["data"], json!([]));
    let deleted = "SELECT event FROM outbox WHERE type = 'com.kobliat.customer.deleted.v1'";
    let event: String = app.memory.sqlite().query_row(deleted, [], |row| row.get(0)).unwrap();
    assert!(event.contains(&known.id) && !event.contains("Sheena") && !event.contains("US.9"), "{event}");
    let again = app.resolve_one(phone("16505551234"));
    assert_ne!(again.id, known.id);
    assert_eq!(app.resolve_one(both).id, again.id);
}

#[test]
fn tells_nothing_of_a_forgotten_person_to_who_repeats_a_request() {
    let app = TestApp::start();
    let send = || {
        let mut post = request(Method::POST, "/customers", r#"{"external_id":"1","external_type":"crm","name":"Ada"}"#);
        post.headers.insert("idempotency-key", "k1".parse().unwrap());
        app.handle(post)
    };
    let made = json(&send());
    app.send(Method::DELETE, &format!("/customers/{}", made["id"].as_str().unwrap()), "");
    let again = send();
    assert_eq!((again.status().as_u16(), json(&again)), (201, json!({ "id": made["id"], "deleted": true })));
    assert_eq!(app.count("customers"), 0, "and it does not come back");
}

#[test]
fn nobody_changes_or_forgets_another_tenant_s() {
    let app = TestApp::start();
    let (path, made) = make(&app, &json!({ "external_id": "1", "external_type": "crm", "name": "Ada" }));
    for (method, body) in [(Method::PATCH, r#"{"name":"x"}"#), (Method::PUT, r#"{"name":"x"}"#), (Method::DELETE, "")] {
        let mut theirs = request(method, &path, body);
        theirs.headers.insert("kobliat-tenant", "other".parse().unwrap());
        assert_eq!(app.handle(theirs).status(), 404);
    }
    assert_eq!(json(&app.send(Method::GET, &path, "")), made);
}
