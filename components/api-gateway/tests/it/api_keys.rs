//! API keys from their making to their end, and the rights that they carry.

use http::Method;
use serde_json::json;

use crate::app::{Answer, TestApp, request_as};
use crate::world::NOW;

const KEYS: &str = "/api/v1/api-keys";

fn ask(app: &TestApp, key: &str, method: Method, path: &str, body: &serde_json::Value) -> Answer {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    app.send(request_as(key, method, path, body))
}

#[test]
fn a_key_is_shown_once_and_works_at_once() {
    let app = TestApp::new();
    let made = app
        .post(KEYS, &json!({ "name": " shop ", "scopes": ["customers:read"], "expires_at": "2027-01-01T00:00:00Z" }));
    assert_eq!(made.status, 201, "{made:?}");
    let (shown, id) = (made.json(), made.json()["id"].as_str().unwrap().to_owned());
    let secret = shown["key"].as_str().unwrap();
    assert!(secret.starts_with("kob_live_") && secret.len() == 52, "{secret}");
    assert_eq!(made.header("location"), format!("{KEYS}/{id}"));
    assert_eq!((&shown["name"], &shown["prefix"]), (&json!("shop"), &json!(secret[..13])));

    for path in [KEYS.to_owned(), format!("{KEYS}/{id}")] {
        let listed = app.get(&path);
        assert_eq!(listed.status, 200);
        assert!(!String::from_utf8_lossy(&listed.body).contains(&secret[13..]), "the secret is shown again");
    }
    assert_eq!(ask(&app, secret, Method::GET, "/api/v1/customers", &json!(null)).status, 200);
    ask(&app, secret, Method::POST, "/api/v1/customers", &json!({})).problem(403);
    ask(&app, secret, Method::GET, KEYS, &json!(null)).problem(403);
    assert!(app.get(&format!("{KEYS}/{id}")).json()["last_used_at"].is_string());
}

#[test]
fn wrong_input_makes_no_key() {
    let app = TestApp::new();
    for (input, pointers) in [
        (json!({}), vec!["/scopes", "/name"]),
        (json!({ "name": "a", "scopes": [] }), vec!["/scopes"]),
        (json!({ "name": "a", "scopes": ["customers:own"] }), vec!["/scopes"]),
        (json!({ "name": "a", "scopes": ["*"], "expires_at": "2020-01-01T00:00:00Z" }), vec!["/expires_at"]),
        (json!({ "name": "a", "scopes": ["*"], "expires": "2027-01-01T00:00:00Z" }), vec!["/expires"]),
        (json!({ "name": "a", "scopes": ["*"], "tenant": "nobody" }), vec!["/tenant"]),
    ] {
        assert_eq!(app.post(KEYS, &input).pointers(), pointers, "{input}");
    }
    assert_eq!(app.get(KEYS).json()["data"], json!([]));
}

#[test]
fn a_repeated_creation_makes_no_second_key_and_keeps_its_secret() {
    let app = TestApp::new();
    let input = json!({ "name": "shop", "scopes": ["*"] });
    let (first, again) = (app.post_with_key(KEYS, "k", &input), app.post_with_key(KEYS, "k", &input));
    assert!(first.json()["key"].is_string() && again.json()["key"].is_null());
    assert_eq!(first.json()["id"], again.json()["id"]);
    assert_eq!(again.header("idempotency-replayed"), "true");
    app.post_with_key(KEYS, "k", &json!({ "name": "other", "scopes": ["*"] })).problem(422);
    // What failed is not kept.
    let wrong = json!({ "name": "a", "scopes": ["*"], "tenant": "later" });
    assert_eq!(app.post_with_key(KEYS, "l", &wrong).status, 422);
    app.post("/api/v1/tenants", &json!({ "id": "later" }));
    assert_eq!(app.post_with_key(KEYS, "l", &wrong).status, 201);
}

#[test]
fn a_repetition_that_comes_too_late_for_its_key_to_be_made_is_still_a_repetition() {
    let app = TestApp::new();
    let input = json!({ "name": "shop", "scopes": ["*"], "expires_at": "2026-01-01T00:01:00Z" });
    let first = app.post_with_key(KEYS, "k", &input);
    app.world.now.set(app.world.now.get() + 61_000_000);
    let again = app.post_with_key(KEYS, "k", &input);
    assert_eq!((first.status.as_u16(), again.status.as_u16()), (201, 201));
    assert_eq!((&first.json()["id"], again.header("idempotency-replayed")), (&again.json()["id"], "true"));
    assert_eq!(app.post_with_key(KEYS, "l", &input).pointers(), ["/expires_at"]);
}

#[test]
fn a_revoked_key_is_refused_and_stays_in_the_list() {
    let app = TestApp::new();
    let made = app.post(KEYS, &json!({ "name": "shop", "scopes": ["customers:read"] })).json();
    let path = format!("{KEYS}/{}", made["id"].as_str().unwrap());
    assert_eq!(app.delete(&path).status, 204);
    assert_eq!(app.delete(&path).status, 204, "again");
    ask(&app, made["key"].as_str().unwrap(), Method::GET, "/api/v1/customers", &json!(null)).problem(401);
    assert!(app.get(&path).json()["revoked_at"].is_string());
}

#[test]
fn nobody_hands_out_or_takes_away_more_than_they_have() {
    let app = TestApp::new();
    let admin = app.key_of("acme", &["admin"]);
    for scopes in [["*"], ["operator"]] {
        ask(&app, &admin, Method::POST, KEYS, &json!({ "name": "a", "scopes": scopes })).problem(403);
    }
    let made = ask(&app, &admin, Method::POST, KEYS, &json!({ "name": "a", "scopes": ["admin", "messages:write"] }));
    assert_eq!((made.status.as_u16(), &made.json()["tenant"]), (201, &json!("acme")));
    app.key_of("acme", &["*"]);
    let all = ask(&app, &admin, Method::GET, KEYS, &json!(null)).json();
    let strong = all["data"].as_array().unwrap().iter().find(|key| key["scopes"] == json!(["*"])).unwrap();
    let path = format!("{KEYS}/{}", strong["id"].as_str().unwrap());
    ask(&app, &admin, Method::DELETE, &path, &json!(null)).problem(403);
}

#[test]
fn another_tenant_s_keys_are_not_there() {
    let app = TestApp::new();
    let (acme, umbrella) = (app.key_of("acme", &["admin"]), app.key_of("umbrella", &["admin"]));
    let mine = ask(&app, &acme, Method::GET, KEYS, &json!(null)).json();
    assert_eq!(mine["data"].as_array().unwrap().len(), 1);
    let path = format!("{KEYS}/{}", mine["data"][0]["id"].as_str().unwrap());
    for method in [Method::GET, Method::DELETE] {
        ask(&app, &umbrella, method, &path, &json!(null)).problem(404);
    }
    ask(&app, &umbrella, Method::GET, &format!("{KEYS}?tenant=acme"), &json!(null)).problem(422);
    let foreign = json!({ "name": "a", "scopes": ["messages:read"], "tenant": "acme" });
    ask(&app, &umbrella, Method::POST, KEYS, &foreign).problem(422);
    let seen = app.get(&format!("{KEYS}?tenant=acme")).json();
    assert_eq!(seen["data"][0]["id"], mine["data"][0]["id"], "an operator sees them");
}

#[test]
fn who_operates_gives_every_right_within_a_tenant_but_reads_no_data() {
    let app = TestApp::new();
    let operator = app.key_of("default", &["operator"]);
    ask(&app, &operator, Method::GET, "/api/v1/customers", &json!(null)).problem(403);
    ask(&app, &operator, Method::POST, "/api/v1/tenants", &json!({ "id": "new" })).json();
    let first = json!({ "name": "first", "tenant": "new", "scopes": ["admin"] });
    assert_eq!(ask(&app, &operator, Method::POST, KEYS, &first).status, 201);
    ask(&app, &operator, Method::POST, KEYS, &json!({ "name": "a", "scopes": ["*"] })).problem(403);
}

#[test]
fn pages_go_on_where_the_last_one_ended() {
    let app = TestApp::new();
    for at in 0..5 {
        app.world.now.set(NOW + at);
        app.post(KEYS, &json!({ "name": format!("key {at}"), "scopes": ["*"] }));
    }
    let (mut names, mut path) = (Vec::new(), format!("{KEYS}?limit=2"));
    loop {
        let page = app.get(&path).json();
        names.extend(page["data"].as_array().unwrap().iter().map(|key| key["name"].as_str().unwrap().to_owned()));
        let Some(cursor) = page["meta"]["next_cursor"].as_str() else { break };
        path = format!("{KEYS}?limit=2&cursor={cursor}");
    }
    assert_eq!(names, ["key 4", "key 3", "key 2", "key 1", "key 0"]);
    assert_eq!(app.get(&format!("{KEYS}?cursor=made-up")).pointers(), ["?cursor"]);
}
