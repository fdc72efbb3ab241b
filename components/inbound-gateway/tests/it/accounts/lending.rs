//! What the component that sends is told.

use http::{Method, StatusCode};
use inbound_gateway::http::router;
use sdk::testing::{json, request};
use serde_json::{Value, json};

use super::{ask, ask_as, made, path, world};
use crate::support::*;

fn lent(world: &World, tenant: &str, path: &str) -> (u16, Value) {
    let answer = ask_as(world, tenant, "*", Method::GET, &format!("/internal/accounts/{path}"), &Value::Null);
    (answer.status().as_u16(), json(&answer))
}

#[test]
fn a_tenant_is_lent_its_own_account_alone() {
    let world = world();
    let credentials = json!({ "access_token": "EAAG", "app_secret": "own" });
    made(&world, "acme", &json!({ "kind": "whatsapp", "provider_id": "106", "credentials": credentials }));
    let (status, account) = lent(&world, "acme", "whatsapp/106");
    assert_eq!(
        (status, &account["credentials"], &account["status"]),
        (200, &json!({ "access_token": "EAAG" }), &json!("pending"))
    );
    assert_eq!(lent(&world, "acme", "whatsapp").1["provider_id"], "106");
    assert_eq!(lent(&world, "other", "whatsapp/106").0, 404);
    assert_eq!(lent(&world, "acme", "whatsapp/107").0, 404);
    assert_eq!(lent(&world, "acme", "telegram").0, 404);
    let admins = ask(&world, "acme", Method::GET, "/internal/accounts/whatsapp/107", &Value::Null);
    assert_eq!(admins.status(), StatusCode::NOT_FOUND);
}

#[test]
fn what_signs_webhooks_is_lent_to_nobody_and_the_rest_to_the_sender_alone() {
    let world = world();
    for (kind, credentials, needed) in [
        (
            "whatsapp",
            json!({ "access_token": "a", "app_secret": "s", "verify_token": "v" }),
            json!({ "access_token": "a" }),
        ),
        ("sms", json!({ "account_sid": "AC1", "auth_token": "t" }), json!({ "account_sid": "AC1", "auth_token": "t" })),
        ("telegram", json!({ "bot_token": "b", "secret_token": "s" }), json!({ "bot_token": "b" })),
        ("email", json!({ "api_token": "a", "webhook_secret": "s" }), json!({ "api_token": "a" })),
        ("web", json!({ "webhook_secret": "s" }), json!({})),
    ] {
        made(&world, "acme", &json!({ "kind": kind, "provider_id": "1", "credentials": credentials }));
        assert_eq!(lent(&world, "acme", &format!("{kind}/1")).1["credentials"], needed, "{kind}");
    }
    let asks = |caller: &str, path: &str| {
        let mut asks = request(Method::GET, path, "");
        asks.headers.insert("kobliat-tenant", "acme".parse().unwrap());
        asks.headers.insert("kobliat-caller", caller.parse().unwrap());
        block_on(router().handle(&world, asks)).status()
    };
    for path in ["/internal/accounts/whatsapp/1", "/internal/accounts/whatsapp"] {
        assert_eq!(asks("outbound-gateway", path), StatusCode::OK);
        for other in ["api-gateway", "chat-simulator", "inbound-gateway", ""] {
            assert_eq!(asks(other, path), StatusCode::FORBIDDEN, "{other}");
        }
    }
}

#[test]
fn a_disabled_account_says_so() {
    let world = world();
    let account = made(&world, "default", &json!({ "kind": "telegram", "provider_id": "bot" }));
    ask(&world, "default", Method::PATCH, &path(&account), &json!({ "status": "disabled" }));
    let (status, lent_one) = lent(&world, "default", "telegram/bot");
    assert_eq!((status, &lent_one["status"], &lent_one["credentials"]), (200, &json!("disabled"), &json!({})));
    assert_eq!(lent(&world, "default", "telegram").0, 404, "for who names none, an active one is meant");
}

#[test]
fn twilios_own_account_stands_in_for_its_numbers() {
    let world = world();
    let credentials = json!({ "account_sid": "AC1", "auth_token": "own" });
    made(&world, "acme", &json!({ "kind": "sms", "provider_id": "AC1", "credentials": credentials }));
    assert_eq!(lent(&world, "acme", "sms/%2B15005550006").1["credentials"], credentials);
    assert_eq!(lent(&world, "other", "sms/%2B15005550006").0, 404);
    let own = json!({ "account_sid": "AC2", "auth_token": "other" });
    made(&world, "acme", &json!({ "kind": "sms", "provider_id": "+15005550006", "credentials": own }));
    assert_eq!(lent(&world, "acme", "sms/%2B15005550006").1["credentials"], own);
}

#[test]
fn a_new_key_takes_over_by_and_by() {
    let world = world();
    let credentials = json!({ "access_token": "EAAG", "app_secret": "own" });
    made(&world, "acme", &json!({ "kind": "whatsapp", "provider_id": "106", "credentials": credentials }));
    let lent_ones = json!({ "access_token": "EAAG" });
    let key_id = || -> String {
        world.memory.sqlite().query_row("SELECT key_id FROM channel_accounts", [], |row| row.get(0)).unwrap()
    };
    let before = key_id();
    let set = |name: &str, value: &str| _ = world.variables.borrow_mut().insert(name.to_owned(), value.to_owned());
    set("channel_credentials_key", "another key, as long as the first");
    assert_eq!(lent(&world, "acme", "whatsapp/106").0, 500, "without the earlier key nothing opens");
    set("channel_credentials_key_previous", super::KEY);
    assert_eq!(lent(&world, "acme", "whatsapp/106").1["credentials"], lent_ones);
    assert_eq!(ask(&world, "", Method::POST, "/internal/tick", &Value::Null).status(), StatusCode::OK);
    assert_ne!(key_id(), before);
    set("channel_credentials_key_previous", "");
    assert_eq!(lent(&world, "acme", "whatsapp/106").1["credentials"], lent_ones);
}
