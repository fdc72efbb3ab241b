//! Whose secret signs a webhook, and for which accounts it then speaks.

use hmac::{Hmac, Mac};
use http::{Method, StatusCode};
use inbound_gateway::http::router;
use sdk::http::Response;
use sdk::testing::{json, request};
use serde_json::{Value, json};
use sha2::Sha256;

use super::{ask, made, path, world};
use crate::support::*;

pub const OWN: &str = "acme's own secret";
pub const DEPLOYMENTS: &str = "the deployment's";

pub fn register(world: &World, tenant: &str, provider_id: &str, secret: &str) -> Value {
    let credentials = json!({ "app_secret": secret, "verify_token": "acme verifies" });
    made(world, tenant, &json!({ "kind": "whatsapp", "provider_id": provider_id, "credentials": credentials }))
}

pub fn send(world: &World, path: &str, body: &Value, secret: &str) -> Response {
    let body = body.to_string();
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(body.as_bytes());
    let mut webhook = request(Method::POST, path, body);
    let signature = format!("sha256={}", hex::encode(mac.finalize().into_bytes()));
    webhook.headers.insert("x-hub-signature-256", signature.parse().unwrap());
    block_on(router().handle(world, webhook))
}

/// A text to each of these accounts.
pub fn to(accounts: &[&str]) -> Value {
    let change = |account: &&str| {
        json!({ "field": "messages", "value": { "metadata": { "phone_number_id": account },
            "messages": [{ "from": "16505551234", "id": format!("wamid.{account}"), "timestamp": "1749416383", "type": "text", "text": { "body": "Hi" } }] } })
    };
    json!({ "entry": [{ "changes": accounts.iter().map(change).collect::<Vec<_>>() }] })
}

pub fn tenants(world: &World) -> Vec<String> {
    world.messages.rows.borrow().iter().map(|(tenant, _)| tenant.clone()).collect()
}

#[test]
fn an_account_with_a_secret_of_its_own_is_spoken_for_by_that() {
    let world = world();
    register(&world, "acme", "106", OWN);
    assert_eq!(send(&world, "/webhooks/whatsapp", &to(&["106"]), "a guess").status(), StatusCode::UNAUTHORIZED);
    assert!(world.rows().is_empty());
    assert_eq!(send(&world, "/webhooks/whatsapp", &to(&["106"]), OWN).status(), StatusCode::OK);
    assert_eq!(tenants(&world), ["acme"]);
    assert_eq!(world.only_row().tenant, "acme");
}

#[test]
fn a_tenants_secret_speaks_for_no_account_of_another() {
    let world = world();
    register(&world, "acme", "106", OWN);
    register(&world, "other", "107", "other's own secret");
    let answer = send(&world, "/webhooks/whatsapp", &to(&["107", "106", "nobody's"]), OWN);
    assert_eq!((answer.status(), &json(&answer)["code"]), (StatusCode::FORBIDDEN, &json!("account_not_signed")));
    assert_eq!(tenants(&world), ["acme"], "its own is accepted all the same");
    let row = world.only_row();
    assert_eq!(row.tenant, "acme", "the first account that it speaks for");
}

#[test]
fn what_was_decided_at_the_signature_holds_for_every_later_attempt() {
    let world = world();
    let account = register(&world, "acme", "106", OWN);
    world.is_down(Mood::Down);
    assert_eq!(send(&world, "/webhooks/whatsapp", &to(&["106", "107"]), OWN).status(), StatusCode::FORBIDDEN);
    // A crash before anything was written down; the account is the other tenant's by the time of the next attempt.
    ask(&world, "acme", Method::DELETE, &path(&account), &Value::Null);
    register(&world, "other", "106", OWN);
    register(&world, "other", "107", OWN);
    world.is_down(Mood::Well);
    world.tick_after(std::time::Duration::from_secs(120));
    assert_eq!(tenants(&world), ["acme"], "and what was not signed for stays refused");
}

#[test]
fn a_change_takes_effect_with_the_next_webhook_on_every_instance() {
    let world = world();
    // This instance remembers that the account is nobody's.
    assert_eq!(send(&world, "/webhooks/whatsapp", &to(&["106"]), DEPLOYMENTS).status(), StatusCode::OK);
    // Another instance writes.
    let account = register(&world, "acme", "106", OWN);
    assert_eq!(send(&world, "/webhooks/whatsapp", &to(&["106"]), OWN).status(), StatusCode::OK);
    ask(&world, "acme", Method::PATCH, &path(&account), &json!({ "credentials": { "app_secret": "rotated" } }));
    assert_eq!(send(&world, "/webhooks/whatsapp", &to(&["106"]), OWN).status(), StatusCode::UNAUTHORIZED);
    assert_eq!(send(&world, "/webhooks/whatsapp", &to(&["106"]), "rotated").status(), StatusCode::OK);
    ask(&world, "acme", Method::DELETE, &path(&account), &Value::Null);
    assert_eq!(send(&world, "/webhooks/whatsapp", &to(&["106"]), "rotated").status(), StatusCode::UNAUTHORIZED);
    assert_eq!(send(&world, "/webhooks/whatsapp", &to(&["106"]), DEPLOYMENTS).status(), StatusCode::OK);
}

#[test]
fn what_comes_for_a_disabled_account_is_kept_answered_and_goes_nowhere() {
    let world = world();
    let account = register(&world, "acme", "106", OWN);
    ask(&world, "acme", Method::PATCH, &path(&account), &json!({ "status": "disabled" }));
    let answer = send(&world, "/webhooks/whatsapp", &to(&["106"]), OWN);
    let counts = json(&answer);
    assert_eq!((answer.status(), &counts["ignored"], &counts["processed"]), (StatusCode::OK, &json!(1), &json!(true)));
    assert_eq!((world.calls(), world.only_row().tenant.as_str()), (0, "acme"));
    ask(&world, "acme", Method::PATCH, &path(&account), &json!({ "status": "active" }));
    assert_eq!(json(&send(&world, "/webhooks/whatsapp", &to(&["106"]), OWN))["accepted"], 1);
}

#[test]
fn an_account_without_a_secret_is_signed_for_by_the_deployment() {
    let world = world();
    world.give_account("106", "acme");
    assert_eq!(send(&world, "/webhooks/whatsapp", &to(&["106"]), DEPLOYMENTS).status(), StatusCode::OK);
    assert_eq!(tenants(&world), ["acme"]);
}

#[test]
fn credentials_that_do_not_open_let_nobody_in() {
    let world = world();
    register(&world, "acme", "106", OWN);
    world
        .variables
        .borrow_mut()
        .insert("channel_credentials_key".to_owned(), "some other key of some length".to_owned());
    for secret in [OWN, ""] {
        assert_eq!(send(&world, "/webhooks/whatsapp", &to(&["106"]), secret).status(), StatusCode::UNAUTHORIZED);
    }
}

#[test]
fn the_address_may_name_the_account() {
    let world = world();
    register(&world, "acme", "106", OWN);
    // Of a number that is not registered, but of the same app.
    let answer = send(&world, "/webhooks/whatsapp/106", &to(&["another number"]), OWN);
    assert_eq!((answer.status(), tenants(&world)), (StatusCode::OK, vec!["acme".to_owned()]));
    // Signed, and of no account at all.
    let empty = json!({ "entry": [] });
    assert_eq!(send(&world, "/webhooks/whatsapp/106", &empty, OWN).status(), StatusCode::OK);
    assert_eq!(send(&world, "/webhooks/whatsapp", &empty, OWN).status(), StatusCode::UNAUTHORIZED);

    let query = "hub.mode=subscribe&hub.challenge=42&hub.verify_token=acme%20verifies";
    let verify = |path: &str| block_on(router().handle(&world, request(Method::GET, &format!("{path}?{query}"), "")));
    assert_eq!(verify("/webhooks/whatsapp/106").status(), StatusCode::OK);
    world.variables.borrow_mut().insert("whatsapp_verify_token".to_owned(), "meatyhamhock".to_owned());
    assert_eq!(verify("/webhooks/whatsapp").status(), StatusCode::FORBIDDEN, "elsewhere the deployment's");
}

#[test]
fn several_telegram_bots_have_a_token_each() {
    let world = world();
    for (tenant, bot) in [("acme", "acme_bot"), ("other", "other_bot")] {
        let credentials = json!({ "secret_token": format!("token-of-{bot}") });
        made(&world, tenant, &json!({ "kind": "telegram", "provider_id": bot, "credentials": credentials }));
    }
    let update = json!({ "update_id": 1, "message": { "message_id": 7, "date": 1_749_416_383, "chat": { "id": 5, "type": "private" },
        "from": { "id": 5, "first_name": "Ann" }, "text": "Hi" } });
    let send = |path: &str, token: &str| {
        let mut webhook = request(Method::POST, path, update.to_string());
        webhook.headers.insert("x-telegram-bot-api-secret-token", token.parse().unwrap());
        block_on(router().handle(&world, webhook)).status()
    };
    assert_eq!(send("/webhooks/telegram/acme_bot", "token-of-other_bot"), StatusCode::UNAUTHORIZED);
    assert_eq!(send("/webhooks/telegram/acme_bot", "token-of-acme_bot"), StatusCode::OK);
    assert_eq!(send("/webhooks/telegram?account=other_bot", "token-of-other_bot"), StatusCode::OK);
    assert_eq!(send("/webhooks/telegram", DEPLOYMENTS), StatusCode::OK);
    assert_eq!(tenants(&world), ["acme", "other", "default"]);
}

#[test]
fn many_secrets_or_accounts_are_not_tried_at_a_strangers_wish() {
    let world = world();
    let accounts: Vec<String> = (0..100).map(|n| format!("1{n:02}")).collect();
    for account in &accounts {
        world.pass(std::time::Duration::from_micros(1));
        register(&world, "acme", account, &format!("secret of {account}"));
    }
    let names: Vec<&str> = accounts.iter().map(String::as_str).collect();
    let answer = send(&world, "/webhooks/whatsapp", &to(&names), "secret of 199");
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED, "the hundredth is not tried any more");
    let crowd: Vec<String> = (0..600).map(|n| format!("n{n}")).collect();
    let crowd: Vec<&str> = crowd.iter().map(String::as_str).collect();
    assert_eq!(send(&world, "/webhooks/whatsapp", &to(&crowd), "a guess").status(), StatusCode::UNAUTHORIZED);
    assert_eq!(send(&world, "/webhooks/whatsapp", &to(&crowd), DEPLOYMENTS).status(), StatusCode::PAYLOAD_TOO_LARGE);
}
