//! Request ids and traces: taken when they are well-formed, made when not, passed on and told.

use http::{Method, Request};

use crate::app::{TestApp, request};

const TRACEPARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

fn with(name: &str, value: &[u8]) -> Request<&'static str> {
    let mut request = request(Method::GET, "/api/v1/stats/channels", "");
    request
        .headers_mut()
        .insert(http::HeaderName::from_bytes(name.as_bytes()).unwrap(), http::HeaderValue::from_bytes(value).unwrap());
    request
}

#[test]
fn a_request_id_is_taken_and_told_to_everyone() {
    let app = TestApp::new();
    let answer = app.send(with("x-request-id", b"order/42:a~!"));
    assert_eq!(answer.header("x-request-id"), "order/42:a~!");
    assert_eq!(answer.json()["headers"]["x-request-id"], "order/42:a~!");
}

#[test]
fn a_request_id_that_is_none_is_replaced() {
    let app = TestApp::new();
    let long = "a".repeat(129);
    for bad in [&b""[..], b"two words", b"tab\there", b"\xc3\xa9", long.as_bytes()] {
        let answer = app.send(with("x-request-id", bad));
        let id = answer.header("x-request-id");
        assert!(sdk::ids::parse(id).is_some(), "{id}");
        assert_eq!(answer.json()["headers"]["x-request-id"], id);
    }
}

#[test]
fn every_answer_has_a_request_id() {
    let app = TestApp::new();
    for path in ["/", "/health", "/nothing", "/api/v1/nothing", "/api/v1/conversations"] {
        assert!(!app.get(path).header("x-request-id").is_empty(), "{path}");
    }
}

#[test]
fn a_trace_is_passed_on_as_it_came() {
    let app = TestApp::new();
    assert_eq!(app.send(with("traceparent", TRACEPARENT.as_bytes())).json()["headers"]["traceparent"], TRACEPARENT);
}

#[test]
fn a_trace_that_is_none_is_replaced() {
    let app = TestApp::new();
    for bad in [
        "",
        "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
        "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
        "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    ] {
        let answer = app.send(with("traceparent", bad.as_bytes())).json();
        let made = answer["headers"]["traceparent"].as_str().unwrap().to_owned();
        let lengths: Vec<usize> = made.split('-').map(str::len).collect();
        assert_eq!(lengths, [2, 32, 16, 2], "{made}");
        assert!(!bad.starts_with(&made), "{bad}");
    }
}
