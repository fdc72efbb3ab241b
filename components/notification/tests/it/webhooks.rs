//! Deliveries that go well: signed, in order, once, to who wants them.

use ::http::Method;
use notification::signature;
use serde_json::Value;

use crate::{HOOK, NOW, RECEIVED, SECOND, TestApp};

fn verifies(secret: &Value, got: &crate::Got) -> bool {
    let timestamp = got.header("webhook-timestamp").parse().unwrap();
    let ours = signature::sign([secret.as_str().unwrap()], got.header("webhook-id"), timestamp, &got.body).unwrap();
    got.header("webhook-signature").split(' ').any(|signature| signature == ours)
}

#[test]
fn is_signed_and_says_what_happened() {
    let app = TestApp::start();
    let endpoint = app.endpoint(HOOK);
    assert_eq!(app.event("1", RECEIVED, r#"{"id":"m","body":"hello"}"#).status(), 204);
    app.round();
    let got = app.got();
    assert_eq!((got.len(), got[0].url.as_str()), (1, HOOK));
    assert!(verifies(&endpoint["secret"], &got[0]));
    assert_eq!(got[0].header("webhook-timestamp"), (NOW / SECOND).to_string());
    let body: Value = serde_json::from_str(&got[0].body).unwrap();
    assert_eq!((&body["type"], &body["data"]["body"]), (&RECEIVED.into(), &"hello".into()));
    assert_eq!(body["timestamp"], "2025-06-08T20:59:43.000Z");
}

#[test]
fn an_event_that_comes_again_is_sent_once() {
    let app = TestApp::start();
    app.endpoint(HOOK);
    (0..3).for_each(|_| {
        app.event("1", RECEIVED, "{}");
        app.round();
    });
    assert_eq!(app.got().len(), 1);
}

#[test]
fn comes_in_order_and_only_what_is_wanted() {
    let app = TestApp::start();
    app.post("/webhook-endpoints", &format!(r#"{{"url":"{HOOK}","events":["com.kobliat.message.*"]}}"#));
    for n in 0..30 {
        app.event(&format!("m{n}"), RECEIVED, &format!("{n}"));
        app.event(&format!("c{n}"), "com.kobliat.customer.created.v1", "{}");
    }
    app.event("p", "com.kobliat.platform.component.rolled-back.v1", "{}");
    app.event_of("other", "o", RECEIVED, "{}");
    app.round();
    let numbers: Vec<i64> = app
        .got()
        .iter()
        .map(|got| serde_json::from_str::<Value>(&got.body).unwrap()["data"].as_i64().unwrap())
        .collect();
    assert_eq!(numbers, (0..30).collect::<Vec<_>>());
}

#[test]
fn during_a_rotation_both_secrets_verify() {
    let app = TestApp::start();
    let endpoint = app.endpoint(HOOK);
    let path = format!("/webhook-endpoints/{}/rotate-secret", endpoint["id"].as_str().unwrap());
    let rotated = app.post(&path, "");
    assert_ne!(rotated["secret"], endpoint["secret"]);
    app.event("1", RECEIVED, "{}");
    app.round();
    let during = app.got().remove(0);
    assert!(verifies(&endpoint["secret"], &during) && verifies(&rotated["secret"], &during));
    app.advance(24 * 3600 * SECOND);
    app.event("2", RECEIVED, "{}");
    app.round();
    let after = app.got().remove(0);
    assert!(!verifies(&endpoint["secret"], &after) && verifies(&rotated["secret"], &after));
    assert_eq!(
        app.send(Method::POST, &format!("/webhook-endpoints/{}/rotate-secret", sdk::ids::new()), "").status(),
        404
    );
}

#[test]
fn a_test_event_goes_to_this_endpoint_whatever_it_wants() {
    let app = TestApp::start();
    app.endpoint("https://other.example.com/");
    let body = format!(r#"{{"url":"{HOOK}","events":["com.kobliat.customer.*"]}}"#);
    let id = app.post("/webhook-endpoints", &body)["id"].as_str().unwrap().to_owned();
    let sent = app.post(&format!("/webhook-endpoints/{id}/test"), "");
    app.round();
    let got = app.got();
    assert_eq!(
        (got.len(), got[0].url.as_str(), got[0].header("webhook-id")),
        (1, HOOK, sent["event_id"].as_str().unwrap())
    );
    assert_eq!(app.attempts(&id)[0]["status"], "succeeded");
}

#[test]
fn two_instances_at_once_send_it_once() {
    use notification::{app::App, delivery, store::MIGRATIONS};
    use sdk::{
        sql::Database,
        testing::{block_on, both},
    };
    let app = TestApp::start();
    app.endpoint(HOOK);
    let other = App::new(Database::new(app.memory.clone(), MIGRATIONS), app.world.clone(), app.world.clone());
    (0..20).for_each(|n| drop(app.event(&format!("e{n}"), RECEIVED, &n.to_string())));
    let (a, b) = block_on(both(delivery::round(&app.service), delivery::round(&other)));
    assert_eq!((a, b), (Ok(()), Ok(())));
    let numbers: Vec<String> = app.got().into_iter().map(|got| got.body).collect();
    assert_eq!(numbers.len(), 20);
}
