//! The routes: who is let in, and what is answered.

use hmac::{Hmac, Mac};
use http::{Method, StatusCode};
use inbound_gateway::http::router;
use sdk::http::Response;
use sdk::testing::{json, request};
use serde_json::json;
use sha2::Sha256;

use crate::support::*;

const SECRET: &str = "It's a Secret to Everybody";

fn world() -> World {
    let world = World::new();
    world.variables.borrow_mut().insert("whatsapp_app_secret".to_owned(), SECRET.to_owned());
    world.variables.borrow_mut().insert("whatsapp_verify_token".to_owned(), "meatyhamhock".to_owned());
    world
}

fn signature(secret: &str, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(body);
    format!("sha256={}", hex::encode(mac.finalize().into_bytes()))
}

fn send(world: &World, method: Method, path: &str, body: &[u8], signatures: &[&str]) -> Response {
    let mut request = request(method, path, body);
    for signature in signatures {
        request.headers.append("x-hub-signature-256", signature.parse().unwrap());
    }
    block_on(router().handle(world, request))
}

fn post(world: &World, body: &[u8]) -> Response {
    send(world, Method::POST, "/webhooks/whatsapp", body, &[&signature(SECRET, body)])
}

#[test]
fn a_signed_webhook_is_received_on_both_paths() {
    let world = world();
    for (path, accepted, duplicates) in [("/webhooks/whatsapp", 1, 0), ("/api/webhooks/whatsapp", 0, 1)] {
        let signed = signature(SECRET, SAMPLE.as_bytes());
        let answer = send(&world, Method::POST, path, SAMPLE.as_bytes(), &[&signed]);
        assert_eq!(answer.status(), StatusCode::OK);
        let expected = json!({"status": "received", "processed": true, "accepted": accepted, "duplicates": duplicates, "ignored": 0});
        assert_eq!(json(&answer), expected);
    }
    assert_eq!(world.later.borrow().len(), 2, "what follows is written after the answer");
    let headers: serde_json::Value = serde_json::from_str(&world.rows()[0].headers).unwrap();
    assert_eq!(headers["x-hub-signature-256"], signature(SECRET, SAMPLE.as_bytes()));
}

#[test]
fn the_tenant_of_a_webhook_is_not_the_senders_to_choose() {
    let world = world();
    let mut request = request(Method::POST, "/webhooks/whatsapp", SAMPLE);
    request.headers.insert("kobliat-tenant", "victim".parse().unwrap());
    request.headers.insert("x-hub-signature-256", signature(SECRET, SAMPLE.as_bytes()).parse().unwrap());
    block_on(router().handle(&world, request));
    assert_eq!(world.messages.rows.borrow()[0].0, "default");
}

#[test]
fn without_a_good_signature_nothing_is_stored() {
    let world = world();
    let body = SAMPLE.as_bytes();
    let good = signature(SECRET, body);
    let wrong = signature("another secret", body);
    let other_body = signature(SECRET, b"another body");
    for signatures in [&[][..], &[""], &[&wrong], &[&other_body], &[&good[7..]], &[&good, &good], &[&wrong, &good]] {
        let answer = send(&world, Method::POST, "/webhooks/whatsapp", body, signatures);
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
        assert_eq!(answer.headers()["content-type"], "application/problem+json");
        assert_eq!(json(&answer)["code"], "unauthenticated");
    }
    assert!(world.rows().is_empty());
    assert_eq!(world.calls(), 0);
}

#[test]
fn refusals_have_the_right_codes() {
    let world = world();
    assert_eq!(post(&world, b"{").status(), StatusCode::BAD_REQUEST);
    let many = json!({"entry": vec![0; 100_000]}).to_string();
    assert_eq!(post(&world, many.as_bytes()).status(), StatusCode::PAYLOAD_TOO_LARGE);
    for path in [
        "/webhooks/pigeon",
        "/api/webhooks/pigeon",
        "/webhooks",
        "/webhooks/whatsapp/one/more",
        "/webhooks/internal/tick",
    ] {
        let answer = send(&world, Method::POST, path, SAMPLE.as_bytes(), &[&signature(SECRET, SAMPLE.as_bytes())]);
        assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{path}");
    }
    for method in [Method::PUT, Method::DELETE, Method::PATCH, Method::OPTIONS, Method::HEAD] {
        let answer = send(&world, method.clone(), "/webhooks/whatsapp", b"", &[]);
        assert_eq!(answer.status(), StatusCode::METHOD_NOT_ALLOWED, "{method}");
    }
    assert_eq!(send(&world, Method::GET, "/internal/tick", b"", &[]).status(), StatusCode::METHOD_NOT_ALLOWED);
}

#[test]
fn a_store_that_is_down_asks_for_another_try() {
    let world = world();
    assert_eq!(post(&world, SAMPLE.as_bytes()).status(), StatusCode::OK);
    world.memory.sqlite().execute_batch("DROP TABLE webhook_deliveries").unwrap();
    let answer = post(&world, SAMPLE.as_bytes());
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(answer.headers().contains_key("retry-after"));
    assert!(!String::from_utf8_lossy(answer.body()).contains("webhook_deliveries"), "no SQL in an answer");
}

#[test]
fn an_empty_secret_lets_nobody_in() {
    let world = world();
    for value in [None, Some(String::new())] {
        world.variables.borrow_mut().remove("whatsapp_app_secret");
        world.variables.borrow_mut().extend(value.map(|value| ("whatsapp_app_secret".to_owned(), value)));
        let signed = signature("", SAMPLE.as_bytes());
        let answer = send(&world, Method::POST, "/webhooks/whatsapp", SAMPLE.as_bytes(), &[&signed]);
        assert!(!answer.status().is_success());
    }
    assert!(world.rows().is_empty());
}

#[test]
fn metas_verification_gets_the_bare_challenge() {
    let world = world();
    let query = "hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token";
    for path in ["/webhooks/whatsapp", "/api/webhooks/whatsapp"] {
        let answer = send(&world, Method::GET, &format!("{path}?{query}=meatyhamhock"), b"", &[]);
        assert_eq!((answer.status(), answer.body().as_slice()), (StatusCode::OK, &b"1158201444"[..]));
        let refused = send(&world, Method::GET, &format!("{path}?{query}=meatyhamhoc"), b"", &[]);
        assert_eq!(refused.status(), StatusCode::FORBIDDEN);
    }
    for query in ["", "?", "?hub.mode", "?%ff=%ff", "?&&==&=%", "?hub.mode=subscribe&hub.mode=subscribe"] {
        let answer = send(&world, Method::GET, &format!("/webhooks/whatsapp{query}"), b"", &[]);
        assert_eq!(answer.status(), StatusCode::FORBIDDEN, "{query}");
    }
}

#[test]
fn what_goes_on_in_the_background_is_said_and_the_tick_reports_it() {
    let world = world();
    world.is_down(Mood::Down);
    let answer = post(&world, SAMPLE.as_bytes());
    assert_eq!((answer.status(), &json(&answer)["processed"]), (StatusCode::OK, &json!(false)));

    world.is_down(Mood::Well);
    world.pass(std::time::Duration::from_secs(120));
    let report = send(&world, Method::POST, "/internal/tick", b"", &[]);
    assert_eq!(json(&report), json!({"finished": 1, "postponed": 0, "failed": 0, "swept": 0}));
}

#[test]
fn retention_is_a_variable() {
    let world = world();
    world.receive(&sample());
    world.pass(std::time::Duration::from_secs(3 * 24 * 3600));
    for (days, swept) in [("", 0), ("never", 0), ("-1", 0), ("4", 0), ("2", 1)] {
        world.variables.borrow_mut().insert("webhook_retention_days".to_owned(), days.to_owned());
        assert_eq!(json(&send(&world, Method::POST, "/internal/tick", b"", &[]))["swept"], swept, "{days}");
    }
}
