//! An API key exchanged for a token, the token used, looked at and revoked.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{Method, Request};
use serde_json::{Value, json};

use crate::app::{Answer, TestApp};
use crate::world::NOW;

struct Client {
    id: String,
    secret: String,
}

fn app() -> TestApp {
    let app = TestApp::new();
    app.world.variables.borrow_mut().insert("token_secret", "a secret of enough bytes".into());
    app
}

fn client(app: &TestApp, scopes: &[&str]) -> Client {
    let made = app.post("/api/v1/api-keys", &json!({ "name": "client", "scopes": scopes })).json();
    let text = |name: &str| made[name].as_str().unwrap().to_owned();
    Client { id: text("id"), secret: text("key") }
}

fn post(app: &TestApp, path: &str, client: &Client, form: &str) -> Answer {
    let basic = STANDARD.encode(format!("{}:{}", client.id, client.secret));
    let request = Request::post(format!("/api/v1/oauth/{path}")).header("authorization", format!("Basic {basic}"));
    let request = request.header("content-type", "application/x-www-form-urlencoded");
    app.send(request.body(form.to_owned()).unwrap())
}

fn token(app: &TestApp, client: &Client) -> String {
    let answer = post(app, "token", client, "grant_type=client_credentials");
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()["access_token"].as_str().unwrap().to_owned()
}

fn ask(app: &TestApp, token: &str, path: &str) -> Answer {
    app.send(Request::get(path).header("authorization", format!("Bearer {token}")).body("").unwrap())
}

#[test]
fn a_token_is_the_key_for_an_hour() {
    let app = app();
    let client = client(&app, &["customers:read"]);
    let answer = post(&app, "token", &client, "grant_type=client_credentials");
    assert_eq!(answer.header("cache-control"), "no-store");
    let told = answer.json();
    assert_eq!(
        (&told["token_type"], &told["expires_in"], &told["scope"]),
        (&json!("Bearer"), &json!(3600), &json!("customers:read"))
    );
    let token = told["access_token"].as_str().unwrap();
    assert_eq!(ask(&app, token, "/api/v1/customers").status, 200);
    assert_eq!(app.world.forwarded.borrow()[0].headers()["kobliat-principal"], format!("key:{}", client.id));
    ask(&app, token, "/api/v1/users").problem(403);
    app.world.now.set(NOW + 3_661_000_000);
    ask(&app, token, "/api/v1/customers").problem(401);
}

#[test]
fn a_client_may_also_say_who_it_is_in_the_form_but_not_twice() {
    let app = app();
    let client = client(&app, &["customers:read"]);
    let form = format!("grant_type=client_credentials&client_id={}&client_secret={}", client.id, client.secret);
    let request = Request::post("/api/v1/oauth/token").header("content-type", "application/x-www-form-urlencoded");
    assert_eq!(app.send(request.body(form.clone()).unwrap()).status, 200);
    assert_eq!(post(&app, "token", &client, &form).json()["error"], "invalid_request");
}

#[test]
fn refusals_are_oauth_s() {
    let app = app();
    let good = client(&app, &["customers:read"]);
    let wrong = Client { id: good.id.clone(), secret: "kob_live_wrong".into() };
    let other = Client { id: client(&app, &["*"]).id, secret: good.secret.clone() };
    for (who, form, status, error) in [
        (&good, "", 400, "invalid_request"),
        (&good, "grant_type=password", 400, "unsupported_grant_type"),
        (&good, "grant_type=client_credentials&grant_type=client_credentials", 400, "invalid_request"),
        (&good, "grant_type=client_credentials&scope=customers:write", 400, "invalid_scope"),
        (&good, "grant_type=client_credentials&scope=*", 400, "invalid_scope"),
        (&wrong, "grant_type=client_credentials", 401, "invalid_client"),
        (&other, "grant_type=client_credentials", 401, "invalid_client"),
    ] {
        let answer = post(&app, "token", who, form);
        assert_eq!((answer.status.as_u16(), answer.json()["error"].as_str()), (status, Some(error)), "{form}");
    }
    let json = Request::post("/api/v1/oauth/token").header("content-type", "application/json");
    app.send(json.body("{}").unwrap()).problem(415);
}

#[test]
fn a_token_is_looked_at_by_its_own_tenant_only() {
    let app = app();
    let mine = client(&app, &["customers:read"]);
    let token = token(&app, &mine);
    let told = post(&app, "introspect", &mine, &format!("token={token}")).json();
    assert_eq!(
        (&told["active"], &told["client_id"], &told["tenant"]),
        (&json!(true), &json!(mine.id), &json!("default"))
    );
    app.post("/api/v1/tenants", &json!({ "id": "acme" }));
    let made = app.post("/api/v1/api-keys", &json!({ "name": "x", "tenant": "acme", "scopes": ["admin"] })).json();
    let text = |name: &str| made[name].as_str().unwrap().to_owned();
    let stranger = Client { id: text("id"), secret: text("key") };
    for (who, token) in [(&stranger, token.as_str()), (&mine, "made.up.token"), (&mine, "nothing")] {
        assert_eq!(post(&app, "introspect", who, &format!("token={token}")).json(), json!({ "active": false }));
    }
}

#[test]
fn a_revoked_token_is_worth_nothing_and_so_is_one_of_a_revoked_key() {
    let app = app();
    let mine = client(&app, &["customers:read"]);
    let (one, two) = (token(&app, &mine), token(&app, &mine));
    assert_eq!(post(&app, "revoke", &mine, &format!("token={one}")).status, 200);
    assert_eq!(post(&app, "revoke", &mine, "token=nothing").status, 200);
    ask(&app, &one, "/api/v1/customers").problem(401);
    assert_eq!(post(&app, "introspect", &mine, &format!("token={one}")).json()["active"], false);
    assert_eq!(ask(&app, &two, "/api/v1/customers").status, 200);
    app.delete(&format!("/api/v1/api-keys/{}", mine.id));
    app.world.now.set(NOW + 5_000_000);
    ask(&app, &two, "/api/v1/customers").problem(401);
}

#[test]
fn another_client_revokes_nothing() {
    let app = app();
    let (mine, other) = (client(&app, &["customers:read"]), client(&app, &["*"]));
    let token = token(&app, &mine);
    assert_eq!(post(&app, "revoke", &other, &format!("token={token}")).status, 200);
    assert_eq!(ask(&app, &token, "/api/v1/customers").status, 200);
}

#[test]
fn a_new_secret_lets_the_old_tokens_live_out_their_lives() {
    let app = app();
    let client = client(&app, &["customers:read"]);
    let old = token(&app, &client);
    let set = |name: &'static str, value: &str| _ = app.world.variables.borrow_mut().insert(name, value.into());
    let before = app.world.variables.borrow()["token_secret"].clone();
    set("token_secret", "another secret of enough bytes");
    set("token_secret_previous", &format!("short, {before}"));
    let keys = app.send(Request::get("/.well-known/jwks.json").body("").unwrap()).json()["keys"].clone();
    assert_eq!(keys.as_array().map(Vec::len), Some(2));
    let new = token(&app, &client);
    assert!(old != new && [&old, &new].iter().all(|token| ask(&app, token, "/api/v1/customers").status == 200));
    assert_eq!(post(&app, "introspect", &client, &format!("token={old}")).json()["active"], true);
    app.world.now.set(NOW + 3_661_000_000);
    ask(&app, &old, "/api/v1/customers").problem(401);
}

#[test]
fn the_public_key_is_published_and_changes_with_the_secret() {
    let app = app();
    let get =
        || app.send(Request::builder().method(Method::GET).uri("/.well-known/jwks.json").body("").unwrap()).json();
    let first = get();
    assert_eq!((&first["keys"][0]["alg"], &first["keys"][0]["kty"]), (&json!("EdDSA"), &json!("OKP")));
    let client = client(&app, &["customers:read"]);
    let token = token(&app, &client);
    app.world.variables.borrow_mut().insert("token_secret", "another secret of enough bytes".into());
    assert_ne!(first, get());
    ask(&app, &token, "/api/v1/customers").problem(401);
    app.world.variables.borrow_mut().remove("token_secret");
    assert_eq!(get()["keys"], Value::Array(vec![]));
    assert_eq!(post(&app, "token", &client, "grant_type=client_credentials").status, 503);
}
