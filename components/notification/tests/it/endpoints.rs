//! Webhook endpoints: made, shown without their secret, changed, deleted.

use ::http::Method;
use sdk::{
    Response,
    testing::{block_on, json, request},
};

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

#[test]
fn what_is_asked_for_with_a_key_is_done_once() {
    let app = TestApp::start();
    let id = app.endpoint(HOOK)["id"].as_str().unwrap().to_owned();
    let post = |what: &str, key: &str, body: &str| {
        let mut request = request(Method::POST, &format!("/webhook-endpoints/{id}/{what}"), body);
        request.headers.insert("idempotency-key", key.parse().unwrap());
        block_on(app.router.handle(&app.service, request))
    };
    let replayed = |answer: &Response| answer.headers().contains_key("idempotency-replayed");
    let (first, again) = (post("test", "a", ""), post("test", "a", ""));
    assert_eq!((json(&first), replayed(&first), replayed(&again)), (json(&again), false, true));
    app.round();
    let got = app.got();
    assert_eq!(got.len(), 1);
    let event = format!(r#"{{"event_id":"{}"}}"#, got[0].header("webhook-id"));
    assert_eq!([post("resend", "b", &event).status(), post("resend", "b", &event).status()], [202, 202]);
    app.round();
    assert_eq!(app.got().len(), 1);
    assert_eq!(post("resend", "b", r#"{"event_id":"01a20678-2432-715c-b43e-c120502a725a"}"#).status(), 422);
    let since = r#"{"since":"2020-01-01T00:00:00Z"}"#;
    assert_eq!(json(&post("recover", "c", since)), json(&post("recover", "c", since)));
    assert_eq!(post("recover", &"k".repeat(256), since).status(), 422);
    let (rotated, again) = (json(&post("rotate-secret", "d", "")), json(&post("rotate-secret", "d", "")));
    assert!(rotated["secret"].is_string() && again["secret"].is_null(), "a secret is shown once");
    assert_eq!(rotated["old_secret_signs_until"], again["old_secret_signs_until"]);
    app.post(&format!("/webhook-endpoints/{id}/test"), "");
    app.round();
    let signed = app.got().remove(0);
    let timestamp = signed.header("webhook-timestamp").parse().unwrap();
    let secret = rotated["secret"].as_str().unwrap();
    let ours = notification::signature::sign([secret], signed.header("webhook-id"), timestamp, &signed.body).unwrap();
    assert!(signed.header("webhook-signature").contains(&ours), "the one that was shown is the one in force");
}

#[test]
fn what_was_done_is_told_again_though_it_could_not_be_done_now() {
    let app = TestApp::start();
    let id = app.endpoint(HOOK)["id"].as_str().unwrap().to_owned();
    let post = |path: &str| {
        let mut request = request(Method::POST, path, "");
        request.headers.insert("idempotency-key", "k".parse().unwrap());
        block_on(app.router.handle(&app.service, request))
    };
    let path = format!("/webhook-endpoints/{id}/test");
    let first = post(&path);
    app.send(Method::PATCH, &format!("/webhook-endpoints/{id}"), r#"{"status":"disabled"}"#);
    assert_eq!(app.send(Method::POST, &path, "").status(), 409);
    let again = post(&path);
    assert_eq!((again.status().as_u16(), json(&again)), (202, json(&first)));
    app.send(Method::DELETE, &format!("/webhook-endpoints/{id}"), "");
    assert_eq!(json(&post(&path)), json(&first));
}

#[test]
fn only_the_version_that_was_seen_is_changed() {
    let app = TestApp::start();
    let path = format!("/webhook-endpoints/{}", app.endpoint(HOOK)["id"].as_str().unwrap());
    let tag = |answer: &Response| answer.headers()["etag"].clone();
    let seen = tag(&app.send(Method::GET, &path, ""));
    let change = || {
        let mut request = request(Method::PATCH, &path, r#"{"description":"CRM"}"#);
        request.headers.insert("if-match", seen.clone());
        block_on(app.router.handle(&app.service, request))
    };
    let changed = change();
    assert_eq!((changed.status().as_u16(), tag(&changed) != seen), (200, true), "in the same microsecond, too");
    assert_eq!(change().status(), 412);
    let delete = |tag: &::http::HeaderValue| {
        let mut request = request(Method::DELETE, &path, "");
        request.headers.insert("if-match", tag.clone());
        block_on(app.router.handle(&app.service, request)).status().as_u16()
    };
    assert_eq!((delete(&seen), delete(&tag(&changed))), (412, 204));
}
