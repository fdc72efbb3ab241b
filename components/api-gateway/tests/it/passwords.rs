//! Users who sign in by name and password.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{Method, Request};
use serde_json::json;

use crate::app::{Answer, TestApp, request_as};
use crate::world::NOW;

const USERS: &str = "/api/v1/users";
const PASSWORD: &str = "correct horse battery";

fn ask(app: &TestApp, login: &str, password: &str, path: &str) -> Answer {
    let credential = STANDARD.encode(format!("{login}:{password}"));
    let request = Request::get(path).header("authorization", format!("Basic {credential}"));
    app.send(request.body("").unwrap())
}

fn make(app: &TestApp, username: &str, scopes: &[&str]) -> String {
    let made = app.post(USERS, &json!({ "username": username, "password": PASSWORD, "scopes": scopes }));
    assert_eq!(made.status, 201, "{made:?}");
    assert!(!String::from_utf8_lossy(&made.body).contains("argon2"));
    format!("{USERS}/{}", made.json()["id"].as_str().unwrap())
}

#[test]
fn a_user_signs_in_by_name_and_password() {
    let app = TestApp::new();
    let path = make(&app, "Ada", &["customers:read"]);
    assert_eq!(ask(&app, "ada", PASSWORD, "/api/v1/customers").status, 200);
    assert_eq!(ask(&app, "default/ADA", PASSWORD, "/api/v1/customers").status, 200);
    ask(&app, "ada", PASSWORD, USERS).problem(403);
    for (login, password) in
        [("ada", "correct horse"), ("acme/ada", PASSWORD), ("bob", PASSWORD), ("ada", ""), ("", "")]
    {
        ask(&app, login, password, "/api/v1/customers").problem(401);
    }
    assert_eq!(app.delete(&path).status, 204);
    app.world.now.set(NOW + 10_000_000);
    ask(&app, "ada", PASSWORD, "/api/v1/customers").problem(401);
}

#[test]
fn what_is_kept_is_argon2id() {
    let app = TestApp::new();
    make(&app, "ada", &["admin"]);
    let sqlite = app.world.database.sqlite();
    let hash: String = sqlite.query_row("SELECT password_hash FROM users", (), |row| row.get(0)).unwrap();
    assert!(hash.starts_with("$argon2id$v=19$m=7168,t=5,p=1$"), "{hash}");
}

#[test]
fn a_new_password_replaces_the_old_one_within_the_cache_time() {
    let app = TestApp::new();
    let path = make(&app, "ada", &["customers:read"]);
    assert_eq!(ask(&app, "ada", PASSWORD, "/api/v1/customers").status, 200);
    assert_eq!(app.patch(&path, &json!({ "password": "another long one" })).status, 200);
    app.world.now.set(NOW + 5_000_000);
    ask(&app, "ada", PASSWORD, "/api/v1/customers").problem(401);
    assert_eq!(ask(&app, "ada", "another long one", "/api/v1/customers").status, 200);
    app.patch(&path, &json!({ "status": "disabled" }));
    app.world.now.set(NOW + 10_000_000);
    ask(&app, "ada", "another long one", "/api/v1/customers").problem(401);
}

#[test]
fn guessing_is_slowed_for_the_source_and_harms_no_neighbour() {
    let app = TestApp::new();
    make(&app, "ada", &["customers:read"]);
    let key = app.key_of("default", &["customers:read"]);
    for _ in 0..10 {
        ask(&app, "nobody", "wrong password", "/api/v1/customers").problem(401);
    }
    let refused = ask(&app, "ada", PASSWORD, "/api/v1/customers");
    refused.problem(429);
    assert_eq!(refused.header("retry-after"), "6");
    assert_eq!(app.send(request_as(&key, Method::GET, "/api/v1/customers", "")).status, 200, "keys cannot be guessed");
    // A short bootstrap key can be guessed, a long one cannot.
    let bootstrap = |key: &str| app.send(request_as(key, Method::GET, "/api/v1/customers", "")).status.as_u16();
    assert_eq!(bootstrap("bootstrap-secret"), 429);
    let long = "a bootstrap key of thirty-two bytes and more".replace(' ', "-");
    app.world.variables.borrow_mut().insert("bootstrap_api_key", long.clone());
    assert_eq!(bootstrap(&long), 200);
    app.world.now.set(NOW + 12_000_000);
    assert_eq!(ask(&app, "ada", PASSWORD, "/api/v1/customers").status, 200);
}

#[test]
fn guessing_at_one_name_is_slowed_from_everywhere() {
    let app = TestApp::new();
    make(&app, "ada", &["customers:read"]);
    let from = |address: String, password: &str| {
        let credential = STANDARD.encode(format!("ada:{password}"));
        let request = Request::get("/api/v1/customers").header("authorization", format!("Basic {credential}"));
        app.send(request.header("spin-client-addr", address).body("").unwrap()).status.as_u16()
    };
    for at in 0..10 {
        assert_eq!(from(format!("10.0.0.{at}:4000"), "wrong password"), 401);
    }
    assert_eq!(from("10.0.1.1:4000".into(), PASSWORD), 401, "not even compared");
}

#[test]
fn guessing_is_slowed_over_all_instances_together() {
    let app = TestApp::new();
    make(&app, "ada", &["customers:read"]);
    let from = |address: String, password: &str| {
        let credential = STANDARD.encode(format!("ada:{password}"));
        let request = Request::get("/api/v1/customers").header("authorization", format!("Basic {credential}"));
        let request = request.header("spin-client-addr", address).body("").unwrap();
        app.on_another_instance().send(request).status.as_u16()
    };
    for at in 0..5 {
        assert_eq!(from("10.0.0.1:4000".into(), "wrong password"), 401);
        assert_eq!(from(format!("10.0.1.{at}:4000"), PASSWORD), 200, "who knows it pays nothing");
    }
    for _ in 0..5 {
        assert_eq!(from("10.0.0.1:4000".into(), "wrong password"), 401);
    }
    assert_eq!(from("10.0.0.1:4000".into(), "wrong password"), 429);
    assert_eq!(from("10.0.2.1:4000".into(), PASSWORD), 401, "nor from elsewhere: it is not even compared");
    app.world.now.set(NOW + 6_000_000);
    assert_eq!(from("10.0.2.1:4000".into(), PASSWORD), 200);
}

#[test]
fn names_are_unique_and_passwords_long() {
    let app = TestApp::new();
    make(&app, "ada", &["admin"]);
    let again = json!({ "username": "ADA", "password": PASSWORD, "scopes": ["admin"] });
    app.post(USERS, &again).problem(409);
    let short = json!({ "username": "a/b", "password": "short", "scopes": ["admin"] });
    assert_eq!(app.post(USERS, &short).pointers(), ["/username", "/password"]);
}

#[test]
fn a_header_given_twice_is_refused() {
    let app = TestApp::new();
    for name in ["x-api-key", "authorization"] {
        let request = Request::get("/api/v1/customers").header(name, "bootstrap-secret").header(name, "other");
        app.send(request.body("").unwrap()).problem(400);
    }
}
