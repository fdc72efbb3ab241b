//! Endpoints' secrets as the database has them.

use serde_json::Value;

use super::*;

/// As rows keep them.
fn kept(app: &TestApp) -> (String, String) {
    let rows = "SELECT secret, old_secrets FROM webhook_endpoints";
    app.memory.sqlite().query_row(rows, [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap()
}

fn set(app: &TestApp, name: &str, value: &str) {
    app.world.0.settings.borrow_mut().insert(name.to_owned(), value.to_owned());
}

/// Whether a webhook that was just sent is signed by this secret.
fn signs(app: &TestApp, endpoint: &Value, secret: &str) -> bool {
    app.post(&format!("/webhook-endpoints/{}/test", endpoint["id"].as_str().unwrap()), "{}");
    app.round();
    let got = app.got();
    let [got] = got.as_slice() else { return false };
    let timestamp = got.header("webhook-timestamp").parse().unwrap();
    let expected = notification::signature::sign([secret], got.header("webhook-id"), timestamp, &got.body).unwrap();
    got.header("webhook-signature").split(' ').any(|one| one == expected)
}

#[test]
fn a_secret_is_shown_once_and_kept_sealed() {
    let app = TestApp::start();
    let endpoint = app.endpoint(HOOK);
    let secret = endpoint["secret"].as_str().unwrap();
    assert!(!kept(&app).0.contains(secret) && !kept(&app).0.contains("whsec_"), "{}", kept(&app).0);
    assert!(signs(&app, &endpoint, secret));
    let path = format!("/webhook-endpoints/{}/rotate-secret", endpoint["id"].as_str().unwrap());
    let rotated = app.post(&path, "{}");
    assert!(!kept(&app).1.contains("whsec_"));
    for secret in [secret, rotated["secret"].as_str().unwrap()] {
        assert!(signs(&app, &endpoint, secret));
    }
}

#[test]
fn a_sealed_secret_opens_in_its_own_row_only() {
    let app = TestApp::start();
    let (one, _other) = (app.endpoint(HOOK), app.endpoint("https://hooks.example.com/b"));
    app.memory
        .sqlite()
        .execute("UPDATE webhook_endpoints SET secret = (SELECT max(secret) FROM webhook_endpoints WHERE id <> ?1) WHERE id = ?1", [
            one["id"].as_str().unwrap(),
        ])
        .unwrap();
    app.post(&format!("/webhook-endpoints/{}/test", one["id"].as_str().unwrap()), "{}");
    app.round();
    assert!(app.got().is_empty());
    let attempt = &app.attempts(one["id"].as_str().unwrap())[0];
    assert_eq!(attempt["error"], "the endpoint's secret is not usable: rotate it");
}

#[test]
fn a_new_key_takes_over_what_earlier_ones_sealed_and_what_nobody_did() {
    let app = TestApp::start();
    let endpoint = app.endpoint(HOOK);
    let secret = endpoint["secret"].as_str().unwrap();
    set(&app, "endpoint_secrets_key", "another key of the same length!!");
    assert!(!signs(&app, &endpoint, secret), "without the earlier key nothing opens");
    set(&app, "endpoint_secrets_key_previous", KEY);
    let before = kept(&app).0;
    app.round();
    assert_ne!(kept(&app).0, before);
    set(&app, "endpoint_secrets_key_previous", "");
    app.advance(60 * SECOND);
    app.round();
    app.got();
    assert!(signs(&app, &endpoint, secret));
    app.memory.sqlite().execute("UPDATE webhook_endpoints SET secret = ?1", [secret]).unwrap();
    app.round();
    assert!(!kept(&app).0.contains("whsec_"), "of a version before there was a key");
    assert!(signs(&app, &endpoint, secret));
}
