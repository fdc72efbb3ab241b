//! Alive and ready are different questions.

use api_gateway::routes::Service;
use http::{Method, Request};

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
