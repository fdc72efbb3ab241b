//! Webhook endpoints: made, shown without their secret, changed, deleted.

use ::http::Method;
use sdk::testing::{block_on, json, request};

use crate::{HOOK, TestApp};

#[test]
fn shows_the_secret_once() {
    let app = TestApp::start();
    let created = app.endpoint(HOOK);
    let (id, secret) = (created["id"].as_str().unwrap(), created["secret"].as_str().unwrap());
    assert!(secret.starts_with("whsec_") && secret.len() == "whsec_".len() + 44);
    let shown = app.get(&format!("/webhook-endpoints/{id}"));
    assert_eq!((&shown["url"], &shown["status"], shown.get("secret")), (&HOOK.into(), &"enabled".into(), None));
    assert!(!app.get("/webhook-endpoints").to_string().contains(secret));
}

#[test]
fn a_repetition_makes_no_second_endpoint_and_shows_no_secret() {
    let app = TestApp::start();
    let send = || {
        let mut again = request(Method::POST, "/webhook-endpoints", format!(r#"{{"url":"{HOOK}","events":["*"]}}"#));
        again.headers.insert("idempotency-key", "k".parse().unwrap());
        block_on(app.router.handle(&app.service, again))
    };
    let (first, second) = (send(), send());
    assert_eq!((first.status().as_u16(), second.status().as_u16()), (201, 201));
    let (first, second) = (json(&first), json(&second));
    assert_eq!(first["id"], second["id"]);
    assert!(first.get("secret").is_some() && second.get("secret").is_none());
    let stored =
        format!("SELECT count(*) FROM idempotency_keys WHERE body LIKE '%{}%'", first["secret"].as_str().unwrap());
    assert_eq!(app.memory.scalar(&stored), 0);
}

#[test]
fn refuses_urls_that_lead_inwards_and_types_that_are_none() {
    let app = TestApp::start();
    let create = |url: &str, events: &str| {
        app.send(Method::POST, "/webhook-endpoints", &format!(r#"{{"url":"{url}","events":{events}}}"#))
    };
    for url in
        ["http://127.0.0.1/", "http://messaging.spin.internal/", "https://a:b@example.com/", "ftp://example.com/", ""]
    {
        let refused = create(url, r#"["*"]"#);
        assert_eq!(
            (refused.status().as_u16(), &json(&refused)["errors"][0]["pointer"]),
            (422, &"/url".into()),
            "{url}"
        );
    }
    for events in ["[]", r#"["message.received"]"#, "[1]"] {
        assert_eq!(create(HOOK, events).status(), 422, "{events}");
    }
    assert_eq!(app.send(Method::POST, "/webhook-endpoints", &format!(r#"{{"url":"{HOOK}"}}"#)).status(), 422);
}

#[test]
fn a_trial_may_lead_to_this_machine_but_not_into_the_platform() {
    let app = TestApp::start();
    app.world.0.settings.borrow_mut().insert("webhook_allow_private".into(), "true".into());
    app.endpoint("http://127.0.0.1:9000/hook");
    let inwards = r#"{"url":"http://messaging.spin.internal/","events":["*"]}"#;
    assert_eq!(app.send(Method::POST, "/webhook-endpoints", inwards).status(), 422);
}

#[test]
fn is_changed_and_deleted_with_all_that_is_its() {
    let app = TestApp::start();
    let id = app.endpoint(HOOK)["id"].as_str().unwrap().to_owned();
    let path = format!("/webhook-endpoints/{id}");
    let changed = app.send(Method::PATCH, &path, r#"{"events":["com.kobliat.customer.*"],"description":"CRM"}"#);
    assert_eq!(
        (&json(&changed)["events"][0], &json(&changed)["url"]),
        (&"com.kobliat.customer.*".into(), &HOOK.into())
    );
    assert_eq!(app.send(Method::PATCH, &path, r#"{"url":"http://localhost/"}"#).status(), 422);
    assert_eq!(app.send(Method::PATCH, &path, "{}").status(), 422);
    app.post(&format!("{path}/test"), "");
    app.round();
    assert_eq!(app.attempts(&id).len(), 1);
    assert_eq!(app.send(Method::DELETE, &path, "").status(), 204);
    assert_eq!(app.send(Method::GET, &path, "").status(), 404);
    assert_eq!(app.send(Method::DELETE, &path, "").status(), 404);
    let left = "SELECT (SELECT count(*) FROM webhook_deliveries) + (SELECT count(*) FROM webhook_attempts)";
    assert_eq!(app.memory.scalar(left), 0);
}

#[test]
fn a_tenant_has_no_more_than_it_can_need() {
    let app = TestApp::start();
    (0..50).for_each(|n| drop(app.endpoint(&format!("{HOOK}/{n}"))));
    let body = format!(r#"{{"url":"{HOOK}","events":["*"]}}"#);
    assert_eq!(app.send(Method::POST, "/webhook-endpoints", &body).status(), 409);
}

#[test]
fn needs_the_right() {
    let app = TestApp::start();
    let mut limited = request(Method::GET, "/webhook-endpoints", "");
    limited.headers.insert("kobliat-scopes", "messages:read".parse().unwrap());
    assert_eq!(block_on(app.router.handle(&app.service, limited)).status(), 403);
}
