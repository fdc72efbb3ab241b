//! The platform's components through the host's own surface: health, control, logs, telemetry, dead letters.

use api_gateway::routes::Service;
use http::{Method, Request};
use serde_json::{Value, json};

use crate::app::{KEY, TestApp, request, request_as};
use crate::world::{Fault, NOW};

const ADMIN: &str = "http://admin.kobliat.internal";

/// A host with two components more than the gateway's services.
fn app() -> TestApp {
    let app = TestApp::new();
    let ids = ["api-gateway", "conversation", "customer", "messaging", "event-relay"];
    let component = |id: &&str| json!({ "id": id, "version": 3, "state": "running", "since": "2025-12-31T23:59:00Z" });
    let listed = json!({ "components": ids.iter().map(component).collect::<Vec<_>>() });
    app.world.says(&format!("{ADMIN}/components"), &listed);
    for id in ["customer", "conversation", "messaging"] {
        app.world.says(&format!("http://{id}.spin.internal/health"), &json!({ "status": "ok" }));
    }
    app
}

#[test]
fn health_is_probed_for_all_at_once() {
    let app = app();
    app.world.elsewhere.borrow_mut().remove("http://messaging.spin.internal/health");
    let health = app.get("/api/v1/services/health").json();
    let services = health["services"].as_object().unwrap();
    let keys: Vec<&str> = services.keys().map(String::as_str).collect();
    assert_eq!(keys, ["api-gateway", "conversation-service", "customer-service", "event-relay", "messaging-service"]);
    let customer = &services["customer-service"];
    assert_eq!(
        (&customer["status"], &customer["circuit"], &customer["name"]),
        (&json!("healthy"), &json!("closed"), &json!("customer"))
    );
    assert_eq!((&customer["uptime"], &customer["version"], &customer["port"]), (&json!(60), &json!(3), &json!(null)));
    assert_eq!(services["messaging-service"]["status"], "unhealthy");
    assert_eq!(services["event-relay"]["status"], "healthy");
    for name in ["customer-service", "customer"] {
        assert_eq!(app.get(&format!("/api/v1/services/health/{name}")).json()["key"], "customer-service");
    }
    for name in ["nobody", "nobody-service", "api-gateway-service", "..%2fcomponents", "a%20b"] {
        app.get(&format!("/api/v1/services/health/{name}")).problem(404);
    }
}

#[test]
fn a_service_says_why_it_is_not_healthy_but_nothing_of_its_inside() {
    let app = app();
    let health = |id: &str| format!("http://{id}.spin.internal/health");
    let told = |code: &str| json!({ "status": 503, "code": code, "detail": "variable `media_storage` is `tape`" });
    app.world.says(&health("customer"), &told("misconfigured"));
    app.world.says(&health("messaging"), &told("internal"));
    let services = app.get("/api/v1/services/health").json()["services"].clone();
    assert_eq!(services["customer-service"]["status"], "unhealthy");
    assert_eq!(services["customer-service"]["reason"], "variable `media_storage` is `tape`");
    assert_eq!(
        (&services["messaging-service"]["status"], &services["messaging-service"]["reason"]),
        (&json!("unhealthy"), &json!(null))
    );
    assert_eq!(services["conversation-service"]["reason"], json!(null));
}

#[test]
fn without_the_host_s_surface_the_gateway_s_own_services_are_probed() {
    let app = TestApp::new();
    app.world.says("http://customer.spin.internal/health", &json!({}));
    let health = app.get("/api/v1/services/health").json();
    assert_eq!(health["services"]["customer-service"]["status"], "healthy");
    assert_eq!(health["services"].as_object().unwrap().len(), 3);
    let stop = app.send(request(Method::POST, "/api/v1/services/customer/stop", ""));
    stop.problem(503);
}

#[test]
fn an_operator_starts_and_stops_and_is_told_what_came_of_it() {
    let app = app();
    app.world
        .says(&format!("{ADMIN}/components/customer/stop"), &json!({ "component": "customer", "state": "stopped" }));
    app.world
        .says(&format!("{ADMIN}/components/customer/start"), &json!({ "component": "customer", "state": "failed" }));
    let stop = app.send(request(Method::POST, "/api/v1/services/customer-service/stop", "")).json();
    assert_eq!(
        (&stop["service"], &stop["action"], &stop["success"]),
        (&json!("customer-service"), &json!("stop"), &json!(true))
    );
    let start = app.send(request(Method::POST, "/api/v1/services/customer/start", "")).json();
    assert_eq!((&start["success"], &start["state"]), (&json!(false), &json!("failed")), "never success when it failed");
    app.send(request(Method::POST, "/api/v1/services/api-gateway/stop", "")).problem(409);
}

#[test]
fn only_who_operates_the_platform_does() {
    let app = app();
    let admin = app.key_of("acme", &["admin"]);
    for (method, path) in [
        (Method::GET, "/api/v1/services/health"),
        (Method::POST, "/api/v1/services/customer/stop"),
        (Method::GET, "/api/v1/service-logs"),
        (Method::DELETE, "/api/v1/service-logs/customer"),
        (Method::PUT, "/api/v1/telemetry/config"),
    ] {
        app.send(request_as(&admin, method, path, "")).problem(403);
    }
    let asked = app.world.fetched.borrow();
    assert!(!asked.iter().any(|uri| uri.starts_with(ADMIN)), "{asked:?}");
}

#[test]
fn logs_are_the_component_s_own_lines() {
    let app = app();
    let lines = json!({ "lines": [{ "time": null, "stream": "stderr", "line": "oops" }] });
    app.world.says(&format!("{ADMIN}/components/customer/logs?lines=5&filter=error"), &lines);
    let read = app.get("/api/v1/service-logs/customer-service?lines=5&filter=error").json();
    assert_eq!((&read["service"], &read["lines"][0]["line"]), (&json!("customer-service"), &json!("oops")));
    let all = app.get("/api/v1/service-logs?lines=5&filter=error").json();
    assert_eq!(all["services"]["customer-service"]["lines"][0]["line"], "oops");
    assert_eq!(all["warnings"].as_array().unwrap().len(), 4, "the others' logs cannot be had");
    for (query, pointer) in [("?lines=0", "?lines"), ("?lines=x", "?lines"), ("?filter=loud", "?filter")] {
        assert_eq!(app.get(&format!("/api/v1/service-logs/customer{query}")).pointers(), [pointer]);
    }
    app.world.says(&format!("{ADMIN}/components/customer/logs"), &json!(null));
    let cleared = app.delete("/api/v1/service-logs/customer");
    assert_eq!((cleared.status.as_u16(), &cleared.json()["service"]), (200, &json!("customer-service")));
}

#[test]
fn telemetry_is_the_host_s() {
    let app = app();
    app.get("/api/v1/telemetry/config").problem(503);
    let config = json!({ "enabled": true, "endpoint": null, "sampling_rate": 0.5, "log_level": "info" });
    app.world.says(&format!("{ADMIN}/telemetry/config"), &config);
    assert_eq!(app.get("/api/v1/telemetry/config").json(), config);
    let put = |body: Value| app.send(request(Method::PUT, "/api/v1/telemetry/config", body.to_string()));
    assert_eq!(put(json!({ "sampling_rate": 0.5 })).status, 200);
    for (wrong, pointer) in [
        (json!({ "sampling_rate": 1.1 }), "/sampling_rate"),
        (json!({ "log_level": "loud" }), "/log_level"),
        (json!({ "endpoint": "https://collector.example", "enabled": true }), "/endpoint"),
        (json!({ "endpoint": null, "enabled": true }), "/endpoint"),
        (json!({ "enabled": "yes" }), "/enabled"),
    ] {
        assert_eq!(put(wrong).pointers(), [pointer]);
    }
    app.world.says(&format!("{ADMIN}/telemetry/metrics"), &json!(null));
    assert_eq!(app.delete("/api/v1/telemetry/metrics").status, 200);
}

#[test]
fn dead_letters_are_each_tenant_s_own() {
    let app = app();
    let admin = app.key_of("acme", &["admin"]);
    let ask = |method: Method, path: &str| app.send(request_as(&admin, method, path, ""));
    let page = json!({ "data": [], "meta": { "limit": 20, "next_cursor": null, "has_more": false } });
    app.world.says(&format!("{ADMIN}/events/dead-letters?tenant=acme&limit=20"), &page);
    assert_eq!(ask(Method::GET, "/api/v1/dead-letters").json(), page);
    ask(Method::GET, "/api/v1/dead-letters?tenant=default").problem(422);
    for (id, owner, status) in [("1", "acme", 200), ("2", "default", 404)] {
        app.world.says(&format!("{ADMIN}/events/dead-letters/{id}"), &json!({ "id": id, "tenant": owner }));
        app.world.says(&format!("{ADMIN}/events/dead-letters/{id}/redrive"), &json!({}));
        assert_eq!(ask(Method::GET, &format!("/api/v1/dead-letters/{id}")).status, status);
        let redriven = ask(Method::POST, &format!("/api/v1/dead-letters/{id}/redrive")).status.as_u16();
        assert_eq!(redriven, if status == 200 { 202 } else { 404 });
    }
    assert_eq!(ask(Method::DELETE, "/api/v1/dead-letters/1").status, 204);
    ask(Method::GET, "/api/v1/dead-letters/%2e%2e").problem(404);
}

#[test]
fn a_service_that_does_not_answer_is_left_alone_for_a_while() {
    let app = app();
    app.world.fault(Service::Conversation, Fault::Busy);
    for _ in 0..8 {
        app.get("/api/v1/conversations").problem(503);
    }
    assert_eq!(app.world.calls().len(), 5, "then nobody waits for it");
    let circuit = || app.get("/api/v1/services/health/conversation").json()["circuit"].clone();
    assert_eq!(circuit(), "open");
    app.world.now.set(NOW + 5_000_000);
    assert_eq!(circuit(), "half-open");
    app.get("/api/v1/conversations").problem(503);
    app.get("/api/v1/conversations").problem(503);
    assert_eq!(app.world.calls().len(), 6, "one tried again");
    app.world.faults.borrow_mut().clear();
    app.world.now.set(NOW + 10_000_000);
    assert_eq!(app.get("/api/v1/conversations").status, 200);
    assert_eq!(circuit(), "closed");
    let other = Request::get("/api/v1/customers").header("x-api-key", KEY).body("").unwrap();
    assert_eq!(app.send(other).status, 200, "each service has its own");
}

/// Whoever is told at once that a service is stopped waits for nothing: its circuit stays closed.
#[test]
fn a_stopped_service_is_used_as_soon_as_it_is_back() {
    let app = app();
    app.world.fault(Service::Conversation, Fault::Down);
    for _ in 0..8 {
        app.get("/api/v1/conversations").problem(503);
        app.get(&format!("/api/v1/conversations/{}", app.world.next_id())).problem(503);
    }
    app.world.faults.borrow_mut().clear();
    assert_eq!(app.get("/api/v1/conversations").status, 200);
}

#[test]
fn a_circuit_closes_when_the_service_is_started_again() {
    let app = app();
    app.world.fault(Service::Conversation, Fault::Busy);
    for _ in 0..8 {
        app.get("/api/v1/conversations").problem(503);
    }
    app.world.faults.borrow_mut().clear();
    app.world.now.set(NOW + 1_000_000);
    app.get("/api/v1/conversations").problem(503);
    app.world
        .says(&format!("{ADMIN}/components/conversation/start"), &json!({ "id": "conversation", "state": "running" }));
    assert_eq!(app.post("/api/v1/services/conversation-service/start", &json!({})).status, 200);
    assert_eq!(app.get("/api/v1/conversations").status, 200, "at once");
}
