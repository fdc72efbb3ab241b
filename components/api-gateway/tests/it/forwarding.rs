//! Whole requests to the service that owns the resource, and what becomes of its answers.

use api_gateway::routes::Service;
use http::{Method, Request};
use serde_json::json;

use crate::app::{KEY, TestApp, request};
use crate::world::Fault;

const ID: &str = "019a0000-0000-7000-8000-000000000001";

#[test]
fn each_row_goes_to_its_owner_without_the_prefix() {
    let app = TestApp::new();
    for (method, path, uri) in [
        (
            Method::GET,
            "/customers?external_type=sms&limit=5",
            "http://customer.spin.internal/customers?external_type=sms&limit=5",
        ),
        (Method::PUT, &format!("/customers/{ID}"), &format!("http://customer.spin.internal/customers/{ID}")),
        (Method::PATCH, &format!("/customers/{ID}"), &format!("http://customer.spin.internal/customers/{ID}")),
        (Method::GET, "/customers?q=ada%20l", "http://customer.spin.internal/customers?q=ada%20l"),
        (
            Method::GET,
            "/customers/external/email/a%40b.c",
            "http://customer.spin.internal/customers/external/email/a%40b.c",
        ),
        (Method::GET, "/customers/external/web/a%2Fb", "http://customer.spin.internal/customers/external/web/a%2Fb"),
        (Method::GET, "/stats/channels", "http://customer.spin.internal/stats/channels"),
        (
            Method::GET,
            &format!("/messages/{}", ID.to_uppercase()),
            &format!("http://messaging.spin.internal/messages/{ID}"),
        ),
        (Method::GET, "/messages?q=hi", "http://messaging.spin.internal/messages?q=hi"),
        (
            Method::GET,
            &format!("/messages/{ID}/history?limit=1"),
            &format!("http://messaging.spin.internal/messages/{ID}/history?limit=1"),
        ),
        (
            Method::GET,
            &format!("/messages/{ID}/receipts"),
            &format!("http://messaging.spin.internal/messages/{ID}/receipts"),
        ),
        (Method::PATCH, &format!("/messages/{ID}"), &format!("http://messaging.spin.internal/messages/{ID}")),
        (
            Method::PATCH,
            &format!("/conversations/{ID}"),
            &format!("http://conversation.spin.internal/conversations/{ID}"),
        ),
        (Method::PUT, &format!("/messages/{ID}"), &format!("http://messaging.spin.internal/messages/{ID}")),
    ] {
        let body = if matches!(method, Method::PUT | Method::PATCH) { r#"{"name":"Ada"}"# } else { "" };
        let seen = app.send(request(method.clone(), &format!("/api/v1{path}"), body)).json();
        assert_eq!((seen["method"].as_str(), seen["uri"].as_str()), (Some(method.as_str()), Some(uri)));
        assert_eq!(seen["body"], body);
    }
}

#[test]
fn what_is_gone_has_no_body() {
    let app = TestApp::new();
    let answer = app.delete(&format!("/api/v1/customers/{ID}"));
    assert_eq!((answer.status.as_u16(), answer.body.len()), (204, 0));
    let forwarded = app.world.forwarded.borrow();
    assert_eq!(forwarded[0].uri().to_string(), format!("http://customer.spin.internal/customers/{ID}"));
}

#[test]
fn services_learn_who_asks_and_nothing_that_the_client_made_up() {
    let app = TestApp::new();
    let request = Request::put(format!("/api/v1/customers/{ID}"))
        .header("x-api-key", KEY)
        .header("authorization", "Bearer something")
        .header("cookie", "session=1")
        .header("kobliat-tenant", "victim")
        .header("kobliat-principal", "user:root")
        .header("kobliat-scopes", "admin")
        .header("kobliat-made-up", "1")
        .header("spin-client-addr", "127.0.0.1")
        .header("x-forwarded-for", "10.0.0.1")
        .header("if-match", "\"7\"")
        .header("idempotency-key", "\"abc\"")
        .header("content-type", "application/json; charset=utf-8")
        .body("{}");
    let seen = app.send(request.unwrap()).json();
    let headers = seen["headers"].as_object().unwrap();
    let names: Vec<&str> = headers.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        [
            "content-length",
            "content-type",
            "idempotency-key",
            "if-match",
            "kobliat-principal",
            "kobliat-scopes",
            "kobliat-tenant",
            "traceparent",
            "x-request-id",
        ]
    );
    assert_eq!(headers["kobliat-tenant"], "default");
    assert_eq!(headers["kobliat-principal"], "key:bootstrap");
    assert_eq!(headers["kobliat-scopes"], "*");
    assert_eq!(headers["idempotency-key"], "\"abc\"");
    assert_eq!(headers["if-match"], "\"7\"");
}

#[test]
fn of_the_answer_only_known_headers_come_out() {
    let app = TestApp::new();
    let id = app.world.customer("Ada");
    let answer = app.get(&format!("/api/v1/customers/external/known/{id}"));
    assert_eq!(answer.json()["name"], "Ada");
    assert_eq!(answer.header("etag"), "\"1\"");
    assert_eq!(answer.header("kobliat-secret"), "");
    assert_ne!(answer.header("x-request-id"), "the-service's-own");
}

#[test]
fn locations_are_told_as_the_client_knows_them() {
    let app = TestApp::new();
    let (ada, bob) = (app.world.customer("Ada"), app.world.customer("Bob"));
    let answer = app.post("/api/v1/conversations", &json!({ "participants": [ada, bob] }));
    assert_eq!(answer.status, 201);
    let id = answer.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(answer.header("location"), format!("/api/v1/conversations/{id}"));
}

#[test]
fn a_service_s_problem_is_told_at_the_public_path() {
    let app = TestApp::new();
    let path = format!("/api/v1/customers/external/known/{ID}");
    let problem = app.get(&path).problem(404);
    assert_eq!(problem["instance"], path);
    assert_eq!(problem["detail"], "there is no such customer");
}

#[test]
fn another_tenant_s_customer_is_not_found() {
    let app = TestApp::new();
    let id = app.world.customer_of("acme", "Eve");
    app.get(&format!("/api/v1/customers/{id}")).problem(404);
    app.get(&format!("/api/v1/customers/external/known/{id}")).problem(404);
}

#[test]
fn a_failing_service_is_502_503_or_504_and_keeps_its_secrets() {
    let app = TestApp::new();
    for (fault, status, code) in [
        (Fault::Down, 503, "unavailable"),
        (Fault::Unreachable, 503, "unavailable"),
        (Fault::Broken, 502, "bad_gateway"),
        (Fault::Hangs, 504, "timed_out"),
    ] {
        app.world.fault(Service::Customer, fault.clone());
        let answer = app.get("/api/v1/customers");
        assert_eq!(answer.problem(status)["code"], code, "{fault:?}");
        let text = String::from_utf8_lossy(&answer.body);
        assert!(!text.contains("SELECT") && !text.contains("store.rs") && !text.contains("refused"), "{text}");
        assert_eq!(answer.header("retry-after").is_empty(), status != 503);
    }
    app.world.fault(Service::Customer, Fault::Down);
    assert_eq!(app.get("/api/v1/customers").header("retry-after"), "7", "the service knows best when");
}
