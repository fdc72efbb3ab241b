//! Accounts that send nothing more: shown with the reason, and started again.

use http::{Method, StatusCode};
use sdk::testing::json;
use serde_json::{Value, json};

use super::{ask, ask_as, made, path, whatsapp, world};
use crate::support::*;

fn shown(world: &World, path: &str) -> Value {
    let answer = ask(world, "acme", Method::GET, path, &Value::Null);
    assert_eq!(answer.status(), StatusCode::OK);
    json(&answer)
}

#[test]
fn a_stopped_account_says_why_until_it_is_started() {
    let world = world();
    let account = made(&world, "acme", &whatsapp("106"));
    let other = made(&world, "acme", &whatsapp("107"));
    assert_eq!((&account["sending"], &account["stopped"]), (&json!("active"), &json!([])));
    world.sender.stop("acme", "whatsapp", "106");
    world.sender.stop("other", "whatsapp", "107");
    world.sender.stop("acme", "telegram", "107");
    let listed = &shown(&world, "/channels")["data"];
    assert_eq!((&listed[0]["sending"], &listed[1]["sending"]), (&json!("stopped"), &json!("active")));
    let why = &listed[0]["stopped"][0];
    assert_eq!((&why["code"], &why["reason"]), (&json!("190"), &json!("the access token has expired")));
    assert!(why["stopped_at"].is_string());
    let start = |account: &Value| ask(&world, "acme", Method::POST, &format!("{}/start", path(account)), &Value::Null);
    let started = start(&account);
    assert_eq!((started.status(), &json(&started)["sending"]), (StatusCode::OK, &json!("active")));
    assert_eq!(shown(&world, &path(&account))["stopped"], json!([]));
    assert_eq!(start(&other).status(), StatusCode::OK, "one that is not stopped stays so");
    let stranger = ask(&world, "other", Method::POST, &format!("{}/start", path(&account)), &Value::Null);
    assert_eq!(stranger.status(), StatusCode::NOT_FOUND);
    let writer =
        ask_as(&world, "acme", "messages:write", Method::POST, &format!("{}/start", path(&account)), &Value::Null);
    assert_eq!(writer.status(), StatusCode::FORBIDDEN);
}

#[test]
fn twilios_account_shows_and_starts_the_numbers_that_it_stands_for() {
    let world = world();
    let credentials = |sid: &str| json!({ "account_sid": sid, "auth_token": "own" });
    let account =
        made(&world, "acme", &json!({ "kind": "sms", "provider_id": "AC1", "credentials": credentials("AC1") }));
    made(&world, "acme", &json!({ "kind": "sms", "provider_id": "15005550007", "credentials": credentials("AC2") }));
    world.sender.stop("acme", "sms", "15005550006");
    world.sender.stop("acme", "sms", "15005550007");
    let stopped = &shown(&world, &path(&account))["stopped"];
    assert_eq!((stopped.as_array().unwrap().len(), &stopped[0]["channel_account_id"]), (1, &json!("15005550006")));
    ask(&world, "acme", Method::POST, &format!("{}/start", path(&account)), &Value::Null);
    let listed = &shown(&world, "/channels")["data"];
    assert_eq!((&listed[0]["sending"], &listed[1]["sending"]), (&json!("active"), &json!("stopped")));
}

#[test]
fn without_the_component_that_sends_nobody_knows_and_nothing_fails() {
    let world = world();
    let account = made(&world, "acme", &whatsapp("106"));
    world.sender.is_away.set(true);
    assert_eq!(shown(&world, "/channels")["data"][0]["sending"], "unknown");
    assert_eq!(shown(&world, &path(&account))["sending"], "unknown");
    let start = ask(&world, "acme", Method::POST, &format!("{}/start", path(&account)), &Value::Null);
    assert_eq!(start.status(), StatusCode::SERVICE_UNAVAILABLE);
}
