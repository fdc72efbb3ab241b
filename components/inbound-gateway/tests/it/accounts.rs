//! Channel accounts: what the API takes and shows of them, and what they decide for webhooks.

mod claims;
mod lending;
mod stopped;
pub mod webhooks;

use http::{Method, StatusCode};
use inbound_gateway::http::router;
use sdk::http::Response;
use sdk::testing::{json, request};
use serde_json::{Value, json};

use crate::support::*;

pub const KEY: &str = "a key for credentials of some length";

/// With a key, and the deployment's own secrets.
pub fn world() -> World {
    let world = World::new();
    for (name, value) in [
        ("channel_credentials_key", KEY),
        ("whatsapp_app_secret", "the deployment's"),
        ("telegram_secret_token", "the deployment's"),
        ("twilio_auth_token", "the deployment's"),
        ("public_base_url", "https://kobliat.example"),
    ] {
        world.variables.borrow_mut().insert(name.to_owned(), value.to_owned());
    }
    world
}

/// As the gateway forwards it for an administrator of the tenant.
pub fn ask(world: &World, tenant: &str, method: Method, path: &str, body: &Value) -> Response {
    ask_as(world, tenant, "admin", method, path, body)
}

pub fn ask_as(world: &World, tenant: &str, scopes: &str, method: Method, path: &str, body: &Value) -> Response {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let mut request = request(method, path, body);
    request.headers.insert("kobliat-tenant", tenant.parse().unwrap());
    request.headers.insert("kobliat-scopes", scopes.parse().unwrap());
    block_on(router().handle(world, request))
}

pub fn made(world: &World, tenant: &str, account: &Value) -> Value {
    let answer = ask(world, tenant, Method::POST, "/channels", account);
    assert_eq!(answer.status(), StatusCode::CREATED, "{}", String::from_utf8_lossy(answer.body()));
    json(&answer)
}

pub fn path(account: &Value) -> String {
    format!("/channels/{}", account["id"].as_str().unwrap())
}

pub fn whatsapp(provider_id: &str) -> Value {
    json!({ "kind": "whatsapp", "provider_id": provider_id, "name": "Shop",
            "credentials": { "access_token": "EAAG-secret-token", "app_secret": "acme's own secret" } })
}

#[test]
fn credentials_go_in_and_never_come_out() {
    let world = world();
    let account = made(&world, "acme", &whatsapp("106"));
    assert_eq!(account["credentials_set"], json!(["access_token", "app_secret"]));
    assert_eq!(account["webhook_path"], "/webhooks/whatsapp/106");
    assert_eq!((account["status"].as_str(), account["tenant"].as_str()), (Some("pending"), Some("acme")));
    for path in ["/channels".to_owned(), path(&account)] {
        let answer = ask(&world, "acme", Method::GET, &path, &Value::Null);
        let shown = String::from_utf8_lossy(answer.body()).into_owned();
        assert_eq!(answer.status(), StatusCode::OK);
        assert!(shown.contains("access_token") && !shown.contains("EAAG") && !shown.contains("own secret"), "{shown}");
    }
    let kept: String =
        world.memory.sqlite().query_row("SELECT credentials FROM channel_accounts", [], |row| row.get(0)).unwrap();
    assert!(!kept.contains("EAAG"), "not in the database either");
}

#[test]
fn another_tenants_account_does_not_exist() {
    let world = world();
    let account = made(&world, "acme", &whatsapp("106"));
    for (method, body) in
        [(Method::GET, Value::Null), (Method::PATCH, json!({ "name": "mine" })), (Method::DELETE, Value::Null)]
    {
        let answer = ask(&world, "other", method.clone(), &path(&account), &body);
        assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{method}");
    }
    assert_eq!(json(&ask(&world, "other", Method::GET, "/channels", &Value::Null))["data"], json!([]));
    let named = ask(&world, "other", Method::GET, "/channels?tenant=acme", &Value::Null);
    assert_eq!(named.status(), StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(ask(&world, "acme", Method::GET, &path(&account), &Value::Null).status(), StatusCode::OK);
}

#[test]
fn only_an_administrator_is_let_in_and_nobody_without_the_gateway() {
    let world = world();
    for path in ["/channels", "/channels/0197a6c0-0000-7000-8000-000000000001"] {
        let answer = ask_as(&world, "acme", "messages:write customers:read", Method::GET, path, &Value::Null);
        assert_eq!(answer.status(), StatusCode::FORBIDDEN);
        let mut bare = request(Method::GET, path, "");
        bare.headers.clear();
        assert_eq!(block_on(router().handle(&world, bare)).status(), StatusCode::UNAUTHORIZED);
    }
}

#[test]
fn everything_wrong_is_told_at_once() {
    let world = world();
    let answer = ask(
        &world,
        "acme",
        Method::POST,
        "/channels",
        &json!({ "kind": "whatsapp", "provider_id": "1 6", "colour": 1, "credentials": { "bot_token": "x", "app_secret": "" } }),
    );
    assert_eq!(answer.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let problem = json(&answer);
    let pointers: Vec<&str> =
        problem["errors"].as_array().unwrap().iter().map(|e| e["pointer"].as_str().unwrap()).collect();
    for expected in ["/provider_id", "/credentials/bot_token", "/credentials/app_secret", "/colour"] {
        assert!(pointers.contains(&expected), "{pointers:?}");
    }
    assert!(!String::from_utf8_lossy(answer.body()).contains("\"x\""), "no value is repeated");
    for body in [json!({}), json!({ "kind": "pigeon", "provider_id": "1" }), json!({ "kind": "sms" })] {
        assert_eq!(ask(&world, "acme", Method::POST, "/channels", &body).status(), StatusCode::UNPROCESSABLE_ENTITY);
    }
    let header = json!({ "kind": "telegram", "provider_id": "1", "credentials": { "secret_token": "a\r\nb" } });
    assert_eq!(ask(&world, "acme", Method::POST, "/channels", &header).status(), StatusCode::UNPROCESSABLE_ENTITY);
}

#[test]
fn a_tenant_proves_an_account_by_the_secret_that_signs_its_webhooks() {
    let world = world();
    let bare = json!({ "kind": "whatsapp", "provider_id": "106", "credentials": { "access_token": "EAAG" } });
    assert_eq!(ask(&world, "acme", Method::POST, "/channels", &bare).status(), StatusCode::UNPROCESSABLE_ENTITY);
    let unnamed = json!({ "kind": "telegram", "provider_id": "telegram", "credentials": { "secret_token": "x" } });
    assert_eq!(ask(&world, "acme", Method::POST, "/channels", &unnamed).status(), StatusCode::UNPROCESSABLE_ENTITY);
    let account = made(&world, "acme", &whatsapp("106"));
    let without = json!({ "credentials": { "app_secret": null } });
    assert_eq!(
        ask(&world, "acme", Method::PATCH, &path(&account), &without).status(),
        StatusCode::UNPROCESSABLE_ENTITY
    );
    // The deployment's own tenant, and who operates the platform, may vouch for it.
    made(&world, "default", &json!({ "kind": "whatsapp", "provider_id": "107" }));
    let operators =
        ask_as(&world, "acme", "operator", Method::POST, "/channels", &json!({ "kind": "sms", "provider_id": "+1" }));
    assert_eq!(operators.status(), StatusCode::CREATED);
}

#[test]
fn credentials_rotate_one_by_one() {
    let world = world();
    let account = made(&world, "acme", &whatsapp("106"));
    let changes = json!({ "name": "Renamed", "status": "disabled", "credentials": { "access_token": null, "verify_token": "v", "app_secret": "new" } });
    let answer = ask(&world, "acme", Method::PATCH, &path(&account), &changes);
    assert_eq!(answer.status(), StatusCode::OK, "{}", String::from_utf8_lossy(answer.body()));
    let changed = json(&answer);
    assert_eq!(changed["credentials_set"], json!(["app_secret", "verify_token"]));
    assert_eq!((changed["name"].as_str(), changed["status"].as_str()), (Some("Renamed"), Some("disabled")));
    assert_ne!(changed["updated_at"], account["updated_at"].as_str().unwrap().to_owned() + "x");
    let nothing = ask(&world, "acme", Method::PATCH, &path(&account), &json!({}));
    assert_eq!(nothing.status(), StatusCode::UNPROCESSABLE_ENTITY);
}

#[test]
fn a_change_is_of_the_version_that_was_seen() {
    let world = world();
    let account = made(&world, "acme", &whatsapp("106"));
    let first = ask(&world, "acme", Method::GET, &path(&account), &Value::Null);
    let tag = first.headers()["etag"].clone();
    let change = |tag: &http::HeaderValue, method: Method| {
        let mut change = request(method, &path(&account), json!({ "name": "New" }).to_string());
        change.headers.insert("kobliat-tenant", "acme".parse().unwrap());
        change.headers.insert("if-match", tag.clone());
        block_on(router().handle(&world, change))
    };
    let changed = change(&tag, Method::PATCH);
    assert_eq!(changed.status(), StatusCode::OK);
    assert_ne!(changed.headers()["etag"], tag, "also within one microsecond");
    assert_eq!(change(&tag, Method::PATCH).status(), StatusCode::PRECONDITION_FAILED);
    assert_eq!(change(&tag, Method::DELETE).status(), StatusCode::PRECONDITION_FAILED);
    assert_eq!(change(&changed.headers()["etag"], Method::DELETE).status(), StatusCode::NO_CONTENT);
    assert_eq!(ask(&world, "acme", Method::GET, &path(&account), &Value::Null).status(), StatusCode::NOT_FOUND);
    made(&world, "other", &whatsapp("106"));
}

#[test]
fn a_repeated_creation_makes_one_account_and_stores_no_secret() {
    let world = world();
    let create = || {
        let mut create = request(Method::POST, "/channels", whatsapp("106").to_string());
        create.headers.insert("idempotency-key", "\"k1\"".parse().unwrap());
        block_on(router().handle(&world, create))
    };
    let (first, second) = (create(), create());
    assert_eq!((first.status(), second.status()), (StatusCode::CREATED, StatusCode::CREATED));
    assert_eq!(second.headers()["idempotency-replayed"], "true");
    assert_eq!(json(&first)["id"], json(&second)["id"]);
    let kept: String =
        world.memory.sqlite().query_row("SELECT body FROM idempotency_keys", [], |row| row.get(0)).unwrap();
    assert!(!kept.contains("EAAG"));
}

#[test]
fn lists_page_by_kind_oldest_first() {
    let world = world();
    for n in 0..5 {
        world.pass(std::time::Duration::from_micros(1));
        made(&world, "acme", &whatsapp(&format!("10{n}")));
    }
    made(&world, "acme", &json!({ "kind": "web", "provider_id": "shop", "credentials": { "webhook_secret": "s" } }));
    let (mut seen, mut path) = (Vec::new(), "/channels?kind=whatsapp&limit=2".to_owned());
    loop {
        let page = json(&ask(&world, "acme", Method::GET, &path, &Value::Null));
        seen.extend(page["data"].as_array().unwrap().iter().map(|one| one["provider_id"].as_str().unwrap().to_owned()));
        let Some(cursor) = page["meta"]["next_cursor"].as_str() else { break };
        path = format!("/channels?kind=whatsapp&limit=2&cursor={cursor}");
    }
    assert_eq!(seen, ["100", "101", "102", "103", "104"]);
    let wrong = ask(&world, "other", Method::GET, &path, &Value::Null);
    assert_eq!(wrong.status(), StatusCode::UNPROCESSABLE_ENTITY, "a cursor is its tenant's");
    assert_eq!(
        ask(&world, "acme", Method::GET, "/channels?kind=fax", &Value::Null).status(),
        StatusCode::UNPROCESSABLE_ENTITY
    );
}

/// The private routes believe the gateway's headers, so no public route may lead to them.
#[test]
fn the_manifest_gives_the_public_nothing_but_webhooks() {
    let manifest = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../spin.toml")).unwrap();
    let triggers: Vec<&str> = manifest.split("[[trigger.http]]").skip(1).collect();
    let ours = triggers.iter().filter(|trigger| trigger.contains("component = \"inbound-gateway\""));
    let routes: Vec<&str> = ours.filter_map(|trigger| trigger.split("route = ").nth(1)?.lines().next()).collect();
    assert_eq!(routes, ["\"/webhooks/...\"", "\"/api/webhooks/...\""]);
}
