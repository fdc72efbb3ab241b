//! Alive and ready are different questions.

use api_gateway::routes::Service;
use http::{Method, Request};
use serde_json::{Value, json};

use crate::app::TestApp;
use crate::world::Fault;

fn get(app: &TestApp, path: &str) -> crate::app::Answer {
    app.send(Request::builder().method(Method::GET).uri(path).body("").unwrap())
}

#[test]
fn alive_whatever_the_services_do() {
    let app = TestApp::new();
    for service in Service::ALL {
        app.world.fault(service, Fault::Hangs);
    }
    let answer = get(&app, "/health");
    assert_eq!((answer.status.as_u16(), answer.json()["status"].as_str()), (200, Some("ok")));
    assert!(app.world.forwarded.borrow().is_empty());
}

#[test]
fn ready_when_every_service_answers() {
    let app = TestApp::new();
    assert_eq!(get(&app, "/ready").json()["status"], "ready");
    let probed: Vec<String> = app.world.forwarded.borrow().iter().map(|seen| seen.uri().to_string()).collect();
    let health = |id: &str| format!("http://{id}.spin.internal/health");
    assert_eq!(probed, [health("customer"), health("conversation"), health("messaging")]);
}

#[test]
fn not_ready_names_what_is_down_however_it_is_down() {
    for fault in [Fault::Down, Fault::Broken, Fault::Hangs, Fault::Unreachable] {
        let app = TestApp::new();
        app.world.fault(Service::Messaging, fault.clone());
        app.world.fault(Service::Customer, fault.clone());
        let answer = get(&app, "/ready");
        assert_eq!(answer.problem(503)["detail"], "not ready: customer, messaging", "{fault:?}");
        assert!(!answer.header("retry-after").is_empty());
    }
}

#[test]
fn a_variable_that_makes_no_sense_is_named_to_everybody_and_explained_to_nobody() {
    let key = json!({ "kty": "oct", "k": "c2VjcmV0", "kid": "short" });
    let issuer = |more: Value| {
        let mut issuer = json!({ "issuer": "https://id.example", "audience": "kobliat", "tenant": "acme" });
        issuer.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!([issuer]).to_string()
    };
    for (name, good) in [
        ("jwt_issuers", issuer(json!({ "jwks_url": "https://id.example/jwks.json" }))),
        ("cors_origins", "https://a.example, http://localhost:5173 *".into()),
        ("log_retention_days", "30".into()),
        ("x_ratelimit_headers", "true".into()),
    ] {
        let app = TestApp::new();
        app.world.variables.borrow_mut().insert(name, good);
        assert_eq!(get(&app, "/health").status, 200, "{name}");
    }
    for (name, wrong) in [
        ("jwt_issuers", "[{".into()),
        ("jwt_issuers", issuer(json!({}))),
        ("jwt_issuers", issuer(json!({ "keys": [key] }))),
        ("jwt_issuers", issuer(json!({ "jwks_url": "id.example" }))),
        ("jwt_issuers", issuer(json!({ "jwks_url": "https://id.example", "tenant": "A b" }))),
        ("jwt_issuers", issuer(json!({ "jwks_url": "https://id.example", "tenant": null }))),
        ("jwt_issuers", issuer(json!({ "jwks_url": "https://id.example", "scopes": ["all"] }))),
        ("jwt_issuers", issuer(json!({ "jwks_url": "https://id.example", "url": "x" }))),
        ("cors_origins", "a.example".into()),
        ("cors_origins", "https://a.example/app".into()),
        ("log_retention_days", "a month".into()),
        ("x_ratelimit_headers", "yes".into()),
    ] {
        let app = TestApp::new();
        app.world.variables.borrow_mut().insert(name, wrong.clone());
        let problem = get(&app, "/health").problem(503);
        assert_eq!(problem["code"], "misconfigured", "{wrong}");
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.ends_with(name) && !detail.contains(&wrong) && !detail.contains("c2VjcmV0"), "{detail}");
    }
}
