//! Which paths there are, and what the others are told.

use http::Method;

use crate::app::{TestApp, request};

const ID: &str = "019a0000-0000-7000-8000-000000000001";

#[test]
fn unknown_paths_are_404_and_later_ones_too() {
    let app = TestApp::new();
    for path in [
        "/nothing",
        "//",
        "/health//",
        "/api",
        "/api/v1",
        "/api/v1/",
        "/api/v2/customers",
        "/api/v1customers",
        "/API/V1/customers",
        "/internal/tick",
        "/events",
        "/api/v1/internal/tick",
        "/api/v1/health",
        "/api/v1//customers",
        "/api/v1/customers//",
        "/api/v1/customers/not-a-uuid",
        "/api/v1/customers/019a0000-0000-7000-8000-00000000000",
        "/api/v1/customers/019a0000-0000-7000-8000-00000000000g",
        "/api/v1/customers/..",
        "/api/v1/customers/external/whatsapp/..",
        "/api/v1/customers/external/whatsapp/%2E%2e",
        "/api/v1/customers/external/whatsapp/",
        "/api/v1/conversations/search",
        "/api/v1/media/uploads",
        &format!("/api/v1/messages/{ID}/reactions"),
        &format!("/api/v1/conversations/{ID}/details/more"),
    ] {
        assert_eq!(app.get(path).problem(404)["instance"], path, "{path}");
    }
    assert!(app.world.forwarded.borrow().is_empty());
}

#[test]
fn wrong_methods_are_405_and_name_the_right_ones() {
    let app = TestApp::new();
    for (method, path, allow) in [
        (Method::DELETE, "/api/v1/customers", "GET, HEAD, POST"),
        (Method::OPTIONS, "/api/v1/customers", "GET, HEAD, POST"),
        (Method::POST, &format!("/api/v1/customers/{ID}"), "GET, HEAD, PUT, PATCH, DELETE"),
        (Method::DELETE, &format!("/api/v1/conversations/{ID}"), "GET, HEAD, PATCH"),
        (Method::PUT, "/api/v1/messages", "POST, GET, HEAD"),
        (Method::PUT, "/api/v1/stats/channels", "GET, HEAD"),
        (Method::POST, "/health", "GET, HEAD"),
        (Method::DELETE, "/", "GET, HEAD"),
        (Method::from_bytes(b"BREW").unwrap(), "/api/v1/messages", "POST, GET, HEAD"),
    ] {
        let answer = app.send(request(method.clone(), path, ""));
        answer.problem(405);
        assert_eq!(answer.header("allow"), allow, "{method} {path}");
    }
}

#[test]
fn one_trailing_slash_makes_no_difference() {
    let app = TestApp::new();
    assert_eq!(app.get("/api/v1/conversations/").status, 200);
    assert_eq!(app.get("/health/").status, 200);
    assert_eq!(app.get("/api/v1/stats/channels/").json()["uri"], "http://customer.spin.internal/stats/channels");
}

#[test]
fn head_is_answered_as_get_without_its_body() {
    let app = TestApp::new();
    for path in ["/", "/health", "/api/v1/conversations", "/api/v1/stats/channels"] {
        let answer = app.send(request(Method::HEAD, path, ""));
        assert_eq!((answer.status.as_u16(), answer.body.len()), (200, 0), "{path}");
        assert_eq!(answer.header("content-type"), "application/json");
    }
    assert_eq!(app.world.forwarded.borrow()[0].method(), Method::GET);
}

#[test]
fn the_root_says_where_the_api_is() {
    let answer = TestApp::new().get("/");
    assert_eq!(answer.json()["api"], "/api/v1");
    assert_eq!(answer.header("content-length"), answer.body.len().to_string());
}
