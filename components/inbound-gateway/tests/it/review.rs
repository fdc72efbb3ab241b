//! What operators see of deliveries, and another chance for what failed.

use std::time::Duration;

use http::{Method, StatusCode};
use inbound_gateway::domain::delivery::MAX_ATTEMPTS;
use sdk::testing::json;
use serde_json::{Value, json};

use crate::accounts::{ask, ask_as, world};
use crate::support::*;

fn get(world: &World, tenant: &str, path: &str) -> Value {
    let answer = ask(world, tenant, Method::GET, path, &Value::Null);
    assert_eq!(answer.status(), StatusCode::OK, "{path}: {}", String::from_utf8_lossy(answer.body()));
    json(&answer)
}

fn list(world: &World, query: &str) -> Vec<Value> {
    get(world, "default", &format!("/inbound-deliveries{query}"))["data"].as_array().unwrap().clone()
}

fn redrive(world: &World, tenant: &str, id: &Value) -> StatusCode {
    let path = format!("/inbound-deliveries/{}/redrive", id.as_str().unwrap());
    ask(world, tenant, Method::POST, &path, &Value::Null).status()
}

/// One text, and an item that no channel can use.
fn with_a_bad_item(id: &str) -> Value {
    delivery(json!({ "messages": [text(id, "1", "1749416380", "hello"), { "timestamp": "1749416380" }] }))
}

fn fail_for_good(world: &World) {
    for _ in 1..MAX_ATTEMPTS {
        world.tick_after(Duration::from_secs(2 * 3600));
    }
}

#[test]
fn deliveries_are_listed_newest_first_with_what_became_of_their_items() {
    let world = world();
    world.receive(&texts(&["m1"]));
    world.receive(&with_a_bad_item("m2"));
    world.try_receive(b"junk").err().unwrap();
    world.is_down(Mood::Down);
    world.receive(&texts(&["m3"]));
    let all = list(&world, "");
    let statuses: Vec<&str> = all.iter().map(|one| one["status"].as_str().unwrap()).collect();
    assert_eq!(statuses, ["pending", "rejected", "done", "done"]);
    assert!(all[0]["next_attempt_at"].is_string() && all[3]["next_attempt_at"].is_null());
    assert_eq!(
        (&all[0]["items"]["waiting"], &all[0]["problems"][0]["unfinished"]),
        (&json!(1), &json!("customer: unavailable: down"))
    );
    assert_eq!((&all[2]["items"]["accepted"], &all[2]["items"]["rejected"]), (&json!(1), &json!(1)));
    assert!(all[2]["problems"][0]["reason"].is_string() && all[2]["problems"][0]["at"].is_string());
    let ids = |query: &str| -> Vec<Value> { list(&world, query).iter().map(|one| one["id"].clone()).collect() };
    let id = |n: usize| all[n]["id"].clone();
    assert_eq!(ids("?status=pending"), [id(0)]);
    assert_eq!(ids("?status=rejected"), [id(1)]);
    assert_eq!(ids("?status=done"), [id(2), id(3)]);
    assert_eq!(ids("?status=failed"), Vec::<Value>::new());
    assert_eq!(ids("?outcome=rejected"), [id(1), id(2)], "whole, or an item of it");
    for wrong in
        ["?status=lost", "?outcome=accepted", "?outcome=rejected&status=done", "?limit=0", "?tenant=other", "?x=1"]
    {
        let answer = ask(&world, "default", Method::GET, &format!("/inbound-deliveries{wrong}"), &Value::Null);
        assert_eq!(answer.status(), StatusCode::UNPROCESSABLE_ENTITY, "{wrong}");
    }
}

#[test]
fn a_list_pages_and_its_cursor_is_its_own() {
    let world = world();
    (0..5).for_each(|n| drop(world.receive(&texts(&[&format!("m{n}")]))));
    let (mut seen, mut path) = (Vec::new(), "/inbound-deliveries?limit=2&status=done".to_owned());
    loop {
        let page = get(&world, "default", &path);
        seen.extend(page["data"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap().to_owned()));
        let Some(cursor) = page["meta"]["next_cursor"].as_str() else { break };
        path = format!("/inbound-deliveries?limit=2&status=done&cursor={cursor}");
    }
    assert_eq!(seen.len(), 5);
    assert!(seen.is_sorted_by(|a, b| a > b));
    for (tenant, path) in [("other", path.clone()), ("default", path.replace("status=done&", ""))] {
        let answer = ask(&world, tenant, Method::GET, &path, &Value::Null);
        assert_eq!(answer.status(), StatusCode::UNPROCESSABLE_ENTITY, "{path}");
    }
}

#[test]
fn one_delivery_shows_its_body_to_its_tenants_administrator_alone() {
    let world = world();
    world.receive(&texts(&["m1"]));
    let id = list(&world, "")[0]["id"].as_str().unwrap().to_owned();
    let path = format!("/inbound-deliveries/{id}");
    let one = get(&world, "default", &path);
    assert_eq!(
        (one["body"].as_str().unwrap(), &one["body_is_cut"]),
        (texts(&["m1"]).to_string().as_str(), &json!(false))
    );
    assert!(one["headers"].is_object());
    assert_eq!(ask(&world, "other", Method::GET, &path, &Value::Null).status(), StatusCode::NOT_FOUND);
    for path in [path.as_str(), "/inbound-deliveries"] {
        let reader = ask_as(&world, "default", "messages:read messages:write", Method::GET, path, &Value::Null);
        assert_eq!(reader.status(), StatusCode::FORBIDDEN);
    }
}

#[test]
fn what_failed_is_done_again_and_what_was_settled_stays() {
    let world = world();
    world.messages.receipt_line.is(Mood::Down);
    world.receive(&delivery(json!({
        "messages": [text("m1", "1", "1749416380", "hello")],
        "statuses": [status("out-1", "delivered", "1749416380")],
    })));
    fail_for_good(&world);
    let failed = &list(&world, "?status=failed")[0];
    assert_eq!((&failed["items"]["accepted"], &failed["items"]["failed"]), (&json!(1), &json!(1)));
    assert_eq!(redrive(&world, "other", &failed["id"]), StatusCode::NOT_FOUND);
    world.messages.receipt_line.is(Mood::Well);
    let before = world.calls();
    assert_eq!(redrive(&world, "default", &failed["id"]), StatusCode::ACCEPTED);
    assert_eq!(redrive(&world, "default", &failed["id"]), StatusCode::CONFLICT, "it is pending");
    assert_eq!(world.tick_after(Duration::ZERO).finished, 1);
    assert_eq!(world.calls() - before, 1, "only the receipt");
    assert_eq!((world.messages.bodies(), world.messages.receipts.borrow().len()), (vec!["hello".to_owned()], 1));
    assert_eq!(redrive(&world, "default", &failed["id"]), StatusCode::CONFLICT, "there is nothing left to do");
}

#[test]
fn a_redriven_delivery_has_all_its_attempts_again() {
    let world = world();
    world.is_down(Mood::Down);
    world.receive(&texts(&["m1"]));
    fail_for_good(&world);
    let id = &list(&world, "")[0]["id"];
    assert_eq!(redrive(&world, "default", id), StatusCode::ACCEPTED);
    assert_eq!(world.tick_after(Duration::ZERO).postponed, 1);
    fail_for_good(&world);
    assert_eq!(list(&world, "")[0]["status"], "failed");
}

#[test]
fn rejected_items_are_tried_again_but_a_body_that_nobody_can_read_is_not() {
    let world = world();
    world.receive(&with_a_bad_item("m1"));
    world.try_receive(b"junk").err().unwrap();
    let all = list(&world, "");
    assert_eq!(redrive(&world, "default", &all[1]["id"]), StatusCode::ACCEPTED);
    assert_eq!(world.tick_after(Duration::ZERO).finished, 1);
    assert_eq!(
        list(&world, "")[1]["items"],
        all[1]["items"],
        "it is as bad as before, and the text was not stored again"
    );
    assert_eq!(world.messages.bodies(), ["hello"]);
    assert_eq!(redrive(&world, "default", &all[0]["id"]), StatusCode::CONFLICT);
}

#[test]
fn a_second_chance_gives_nobody_an_account_that_was_not_signed_for() {
    use crate::accounts::webhooks::{register, send, tenants, to};
    let world = world();
    register(&world, "acme", "106", "acme's own secret");
    send(&world, "/webhooks/whatsapp", &to(&["106", "107"]), "acme's own secret");
    world.later.take().iter().for_each(|conclusion| {
        use inbound_gateway::domain::delivery::Store;
        block_on(world.store.conclude(conclusion)).unwrap();
    });
    let kept = &get(&world, "acme", "/inbound-deliveries?outcome=rejected")["data"][0];
    assert_eq!(kept["problems"][0]["reason"], "not_signed_for_this_account");
    assert_eq!(redrive(&world, "acme", &kept["id"]), StatusCode::ACCEPTED);
    world.tick_after(Duration::ZERO);
    assert_eq!(tenants(&world), ["acme"]);
}
