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

/// One that asks from this address, on an instance that remembers nothing.
fn from(app: &TestApp, address: &str, login: &str, password: &str) -> u16 {
    let credential = STANDARD.encode(format!("{login}:{password}"));
    let request = Request::get("/api/v1/customers").header("authorization", format!("Basic {credential}"));
    let request = request.header("spin-client-addr", format!("{address}:4000")).body("").unwrap();
    app.on_another_instance().send(request).status.as_u16()
}

fn as_the_bootstrap_key(app: &TestApp, key: &str) -> u16 {
    app.send(request_as(key, Method::GET, "/api/v1/customers", "")).status.as_u16()
}

#[test]
fn a_right_password_is_let_in_beside_a_neighbour_who_guesses() {
    let app = TestApp::new();
    make(&app, "ada", &["customers:read"]);
    let key = app.key_of("default", &["customers:read"]);
    for n in 0..25 {
        let guessed = from(&app, "10.0.0.1", &format!("guess{n}"), "wrong password");
        assert_eq!(guessed, if n < 10 { 401 } else { 429 }, "guess {n}");
    }
    assert_eq!(from(&app, "10.0.0.1", "ada", PASSWORD), 200);
    assert_eq!(as_the_bootstrap_key(&app, &key), 200);
    assert_eq!(as_the_bootstrap_key(&app, "bootstrap-secret"), 200, "nobody has guessed at it");
}

#[test]
fn guessing_at_a_user_is_slowed_from_where_it_is_done_and_nowhere_else() {
    let app = TestApp::new();
    make(&app, "ada", &["customers:read"]);
    make(&app, "bob", &["customers:read"]);
    for _ in 0..10 {
        assert_eq!(from(&app, "10.0.0.1", "ada", "wrong password"), 401);
    }
    assert_eq!(from(&app, "10.0.0.1", "ada", PASSWORD), 429, "not even compared");
    assert_eq!(from(&app, "10.0.0.1", "bob", PASSWORD), 200);
    assert_eq!(from(&app, "10.0.0.2", "ada", PASSWORD), 200);
    app.world.now.set(NOW + 6_000_000);
    assert_eq!(from(&app, "10.0.0.1", "ada", PASSWORD), 200);
}

#[test]
fn a_refusal_says_when_to_come_back() {
    let app = TestApp::new();
    for _ in 0..10 {
        ask(&app, "nobody", "wrong password", "/api/v1/customers").problem(401);
    }
    let refused = ask(&app, "nobody", "wrong password", "/api/v1/customers");
    refused.problem(429);
    assert_eq!(refused.header("retry-after"), "6");
}

#[test]
fn guessing_from_many_places_does_not_lock_a_user_out_where_it_has_signed_in() {
    let app = TestApp::new();
    make(&app, "ada", &["customers:read"]);
    assert_eq!(from(&app, "10.9.9.9", "ada", PASSWORD), 200);
    for n in 0..100 {
        assert_eq!(from(&app, &format!("10.0.{}.1", n / 10), "ada", "wrong password"), 401, "guess {n}");
    }
    assert_eq!(from(&app, "10.1.0.1", "ada", PASSWORD), 429, "too many guesses: not even compared");
    assert_eq!(from(&app, "10.9.9.9", "ada", PASSWORD), 200);
    app.world.now.set(NOW + 6_000_000);
    assert_eq!(from(&app, "10.1.0.1", "ada", PASSWORD), 200, "and not for long");
}

#[test]
fn a_right_password_pays_nothing() {
    let app = TestApp::new();
    make(&app, "ada", &["customers:read"]);
    for n in 0..30 {
        assert_eq!(from(&app, "10.0.0.1", "ada", PASSWORD), 200, "the {n}th");
    }
    let at_once = app.world.database.scalar(&format!("SELECT count(*) FROM attempts WHERE forgiven_at > {NOW}"));
    assert_eq!(at_once, 0);
}

/// A name that there is and one that there is not get the same answers, guess by guess.
#[test]
fn guessing_does_not_tell_which_names_there_are() {
    let app = TestApp::new();
    make(&app, "ada", &["customers:read"]);
    let guesses = |address: &str, name: &str| -> Vec<u16> {
        (0..12).map(|_| from(&app, address, name, "wrong password")).collect()
    };
    assert_eq!(guesses("10.0.0.1", "ada"), guesses("10.0.0.2", "nobody"));
    assert_eq!(
        guesses("10.0.0.1", "ada"),
        guesses("10.0.0.2", "nobody"),
        "also when the source has used its guesses up"
    );
    assert_eq!(from(&app, "10.0.0.1", "bob", "wrong password"), from(&app, "10.0.0.1", "ada", "wrong password"));
}

#[test]
fn strangers_do_not_fill_the_table_of_attempts() {
    let app = TestApp::new();
    for n in 0..200 {
        from(&app, "10.0.0.1", &format!("guess{n}"), "wrong password");
    }
    let rows = app.world.database.scalar("SELECT count(*) FROM attempts");
    assert!(rows <= 21, "{rows} rows after 200 guesses from one address");
}

#[test]
fn guessing_at_a_short_bootstrap_key_is_slowed_and_a_long_one_cannot_be_guessed() {
    let app = TestApp::new();
    for _ in 0..10 {
        assert_eq!(as_the_bootstrap_key(&app, "wrong"), 401);
    }
    assert_eq!(as_the_bootstrap_key(&app, "bootstrap-secret"), 429);
    let long = "a bootstrap key of thirty-two bytes and more".replace(' ', "-");
    app.world.variables.borrow_mut().insert("bootstrap_api_key", long.clone());
    assert_eq!(as_the_bootstrap_key(&app, &long), 200);
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
