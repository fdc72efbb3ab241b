//! The routes: what the broker delivers and is told, and what an operator sees.

use http::{Method, StatusCode};
use outbound_gateway::http::router;
use sdk::http::Response;
use sdk::testing::{json, request};
use serde_json::json;

use crate::support::*;

fn event(world: &World, headers: &[(&'static str, &str)], body: &str) -> Response {
    let mut request = request(Method::POST, "/events", body);
    for (name, value) in headers {
        request.headers.insert(*name, value.parse().unwrap());
    }
    block_on(router().handle(world, request))
}

const QUEUED: [(&str, &str); 5] = [
    ("ce-type", "com.kobliat.message.queued.v1"),
    ("ce-id", "e1"),
    ("ce-specversion", "1.0"),
    ("ce-source", "/components/messaging"),
    ("ce-tenant", "default"),
];

fn data() -> String {
    json!({"id": MESSAGE, "status": "queued", "unheard_of": 1}).to_string()
}

#[test]
fn an_event_is_done_or_comes_again() {
    let world = World::whatsapp();
    world.is(Mood::AnswersText(429, ""));
    let later = event(&world, &QUEUED, &data());
    assert_eq!(
        (later.status(), &later.headers()["retry-after"]),
        (StatusCode::SERVICE_UNAVAILABLE, &"10".parse().unwrap())
    );
    world.pass(std::time::Duration::from_secs(10));
    world.is(taken("whatsapp"));
    let done = event(&world, &QUEUED, &data());
    assert_eq!((done.status(), json(&done)), (StatusCode::OK, json!({"status": "sent"})));
}

#[test]
fn what_is_no_order_never_will_be_one() {
    let world = World::whatsapp();
    let mut other = QUEUED;
    other[0].1 = "com.kobliat.message.sent.v1";
    for (headers, body) in [
        (&other[..], data()),
        (&QUEUED[..1], data()),
        (&QUEUED[..], "{}".to_owned()),
        (&QUEUED[..], "x".to_owned()),
        (&QUEUED[..], r#"{"id":"x"}"#.to_owned()),
    ] {
        assert_eq!(event(&world, headers, &body).status(), StatusCode::BAD_REQUEST, "{body}");
    }
    assert_eq!(world.sent(), 0);
}

#[test]
fn an_operator_sees_what_stopped_and_starts_it() {
    let world = World::whatsapp();
    let send = |method, path: &str, body: &str| block_on(router().handle(&world, request(method, path, body)));
    assert_eq!(json(&send(Method::GET, "/channels/stopped", "")), json!({"data": []}));
    world.is(Mood::Answers(403, json!({"error": {"code": 131031, "message": "Account locked"}})));
    event(&world, &QUEUED, &data());
    let stops = json(&send(Method::GET, "/channels/stopped", ""));
    assert_eq!((&stops["data"][0]["code"], &stops["data"][0]["channel"]), (&json!("131031"), &json!("whatsapp")));
    assert!(stops["data"][0].get("fingerprint").is_none());
    let start = json!({"channel": "whatsapp", "channel_account_id": "106540352242922"}).to_string();
    assert_eq!(send(Method::POST, "/channels/start", &start).status(), StatusCode::OK);
    assert_eq!(send(Method::POST, "/channels/start", &start).status(), StatusCode::NOT_FOUND);
    assert_eq!(send(Method::POST, "/channels/start", "{}").status(), StatusCode::UNPROCESSABLE_ENTITY);
}

#[test]
fn its_health_tells_a_variable_that_makes_no_sense() {
    let world = World::whatsapp();
    let health = || block_on(router().handle(&world, request(Method::GET, "/health", "")));
    assert_eq!(health().status(), StatusCode::OK);
    for (name, value) in [("outbound_retry_ms", "10s"), ("outbound_timeout_ms", "soon"), ("public_base_url", "here")] {
        let before = world.variables.borrow().get(name).cloned().unwrap_or_default();
        world.set(name, value);
        assert_eq!(health().status(), StatusCode::SERVICE_UNAVAILABLE);
        assert!(json(&health())["detail"].as_str().unwrap().contains(name));
        match before.is_empty() {
            true => drop(world.variables.borrow_mut().remove(name)),
            false => world.set(name, &before),
        }
    }
}
