//! Bad input of every kind: a problem of the right code, and nothing written.

use std::io;
use std::task::Poll;

use bytes::Bytes;
use futures::stream;
use http::{Method, Request};
use http_body::Frame;
use http_body_util::StreamBody;
use sdk::ids;
use serde_json::json;

use crate::app::{KEY, TestApp, request};

const ID: &str = "019a0000-0000-7000-8000-000000000001";
const MIB: usize = 1024 * 1024;

/// In the fields that the gateway reads; what is in others is the owner's to judge.
fn in_read_fields(value: &str) -> Vec<u8> {
    format!(r#"{{"participants":{value},"conversation_id":{value}}}"#).into_bytes()
}

#[test]
fn hostile_bodies() {
    let app = TestApp::new();
    let twice = format!(r#"{{"conversation_id":"{ID}","conversation_id":"{ID}"}}"#);
    let table: Vec<(&str, Vec<u8>, u16)> = vec![
        ("empty", b"".to_vec(), 400),
        ("spaces", b"   ".to_vec(), 400),
        ("cut off", br#"{"conversation_id":"#.to_vec(), 400),
        ("a number beyond all numbers", br#"{"a":1e999}"#.to_vec(), 400),
        ("two documents", b"{}{}".to_vec(), 400),
        ("a comma too many", br#"{"a":1,}"#.to_vec(), 400),
        ("not a number", br#"{"a":NaN}"#.to_vec(), 400),
        ("text", b"hello".to_vec(), 400),
        ("invalid UTF-8", b"{\"body\":\"\xff\"}".to_vec(), 400),
        ("half a surrogate pair", in_read_fields(r#""\ud800""#), 400),
        ("a byte-order mark", b"\xef\xbb\xbf{}".to_vec(), 400),
        ("deeply nested", in_read_fields(&"[".repeat(100_000)), 400),
        ("a list", b"[]".to_vec(), 422),
        ("a list in the shape of a record", format!(r#"["{ID}",null,null]"#).into_bytes(), 422),
        ("a string", br#""hello""#.to_vec(), 422),
        ("null", b"null".to_vec(), 422),
        ("a field twice", twice.into_bytes(), 422),
        ("too large", vec![b' '; MIB + 1], 413),
    ];
    for path in ["/api/v1/messages", "/api/v1/conversations"] {
        for (name, body, status) in &table {
            let mut request = request(Method::POST, path, body.clone());
            request.headers_mut().insert("content-type", "application/json".parse().unwrap());
            let answer = app.send(request);
            assert_eq!(answer.status.as_u16(), *status, "{name}: {answer:?}");
            answer.problem(*status);
        }
    }
    assert!(app.world.forwarded.borrow().is_empty());
}

#[test]
fn forwarded_bodies_are_bounded_and_text_too() {
    let app = TestApp::new();
    app.send(request(Method::POST, "/api/v1/customers", vec![b' '; MIB + 1])).problem(413);
    app.send(request(Method::POST, "/api/v1/customers", b"{\"name\":\"\xff\"}".to_vec())).problem(400);
    assert!(app.world.forwarded.borrow().is_empty());
    app.send(request(Method::POST, "/api/v1/customers", br#"{"metadata":{"a":1,"\u0061":2}}"#.to_vec())).problem(422);
    let deep = format!(r#"{{"metadata":{}1{}}}"#, "[".repeat(65), "]".repeat(65));
    app.send(request(Method::POST, "/api/v1/customers", deep)).problem(400);
    assert!(app.world.forwarded.borrow().is_empty());
    assert_eq!(app.send(request(Method::POST, "/api/v1/customers", vec![b' '; MIB])).status, 201);
}

#[test]
fn an_announced_length_over_the_limit_is_refused_unread() {
    let app = TestApp::new();
    let unread = stream::poll_fn(|_| -> Poll<Option<io::Result<Frame<Bytes>>>> { panic!("it was read") });
    let unread = spin_sdk::http::box_body(StreamBody::new(unread));
    let request = Request::post("/api/v1/customers").header("x-api-key", KEY).header("content-length", MIB + 1);
    app.send_streaming(request.body(unread).unwrap()).problem(413);
}

#[test]
fn a_body_that_breaks_off_is_unreadable() {
    let app = TestApp::new();
    let frames = [Ok(Frame::data(Bytes::from("{\"na"))), Err(io::Error::other("the client is gone"))];
    let request = Request::post("/api/v1/customers").header("x-api-key", KEY);
    let body = spin_sdk::http::box_body(StreamBody::new(stream::iter(frames)));
    app.send_streaming(request.body(body).unwrap()).problem(400);
    assert!(app.world.forwarded.borrow().is_empty());
}

#[test]
fn only_json_is_taken() {
    let app = TestApp::new();
    for (content_type, taken) in [
        ("application/json", true),
        ("Application/JSON; charset=utf-8", true),
        ("application/vnd.api+json", true),
        ("text/plain", false),
        ("application/x-www-form-urlencoded", false),
        ("multipart/form-data; boundary=x", false),
        ("application/jsonp", false),
        ("", false),
    ] {
        let mut request = request(Method::POST, "/api/v1/customers", "{}");
        request.headers_mut().insert("content-type", content_type.parse().unwrap());
        let answer = app.send(request);
        assert_eq!(answer.status.as_u16(), if taken { 201 } else { 415 }, "{content_type}");
    }
}

#[test]
fn an_idempotency_key_that_cannot_be_kept_is_refused_not_dropped() {
    let app = TestApp::new();
    let mut bad = request(Method::POST, "/api/v1/customers", "{}");
    bad.headers_mut().insert("idempotency-key", http::HeaderValue::from_bytes(b"\xff").unwrap());
    app.send(bad).problem(400);
    let mut two = request(Method::POST, "/api/v1/customers", "{}");
    two.headers_mut().append("idempotency-key", "a".parse().unwrap());
    two.headers_mut().append("idempotency-key", "b".parse().unwrap());
    app.send(two).problem(400);
    // Also where nothing would be kept by it.
    for path in
        ["customers".to_owned(), format!("notifications/{}/read", ids::new()), "services/media/restart".to_owned()]
    {
        for key in ["k".repeat(256), "\"\"".to_owned()] {
            let refused = app.post_with_key(&format!("/api/v1/{path}"), &key, &json!({}));
            assert_eq!(refused.pointers(), ["Idempotency-Key"], "{path}");
        }
    }
    assert!(app.world.forwarded.borrow().is_empty());
}

#[test]
fn paths_that_are_no_text_are_not_found() {
    let app = TestApp::new();
    for path in [
        "/api/v1/customers/{id}",
        "/api/v1/customers/%ff",
        "/api/v1/customers/%00",
        "/api/v1/customers/external/a/b/c",
        "/%2e%2e/api/v1",
    ] {
        app.get(path).problem(404);
    }
}

#[test]
fn path_tricks_lead_nowhere() {
    let app = TestApp::new();
    for path in [
        "/api/v1//customers",
        "/api/v1/customers//",
        "//api/v1/customers",
        "/api/v1/./customers",
        "/api/v1/../v1/customers",
        "/api/v1/%2e/customers",
        "/api/v1/customers/..%2f..%2finternal",
        "/api/v1/customers/%2e%2e/conversations",
        "/api/v1/customers/external/whatsapp/%2e%2e",
        "/api/v1/customers/external/%2E./1",
        "/api/v1/customers/external/../1",
        "/api/v1/customers;admin=1",
        "/api/v1/customers%00",
        "/api%2fv1/customers",
        "/API/V1/customers",
        "/api/v1/customers/019a0000-0000-7000-8000-000000000001%2f..",
        "/api/v1/internal/tick",
        "/api/v1/internal/accounts/whatsapp",
        "/api/v1/channels/019a0000-0000-7000-8000-000000000001/credentials",
        "/api/v1/events",
    ] {
        app.get(path).problem(404);
    }
    assert!(app.world.forwarded.borrow().is_empty());
}

#[test]
fn who_is_asked_is_not_the_client_s_to_say() {
    let app = TestApp::new();
    for uri in ["http://evil.example/api/v1/customers", "http://admin.kobliat.internal/api/v1/customers"] {
        assert_eq!(app.send(request(Method::GET, uri, "")).status, 200);
    }
    let mut named = request(Method::GET, "/api/v1/customers", "");
    for header in ["host", "x-forwarded-host", "x-original-url", "x-rewrite-url"] {
        named.headers_mut().insert(header, "/api/v1/tenants".parse().unwrap());
    }
    assert_eq!(app.send(named).status, 200);
    for seen in app.world.forwarded.borrow().iter() {
        assert_eq!(seen.uri(), "http://customer.spin.internal/customers");
        assert!(!seen.headers().contains_key("host") && !seen.headers().contains_key("x-original-url"));
    }
}

#[test]
fn the_method_is_the_one_that_was_sent() {
    let app = TestApp::new();
    let path = format!("/api/v1/customers/{ID}");
    for header in ["x-http-method-override", "x-http-method", "x-method-override"] {
        let mut overridden = request(Method::PUT, &path, r#"{"name":"Ada"}"#);
        overridden.headers_mut().insert(header, "DELETE".parse().unwrap());
        app.send(overridden);
        let forwarded = app.world.forwarded.borrow();
        let seen = forwarded.last().unwrap();
        assert_eq!((seen.method(), seen.headers().contains_key(header)), (&Method::PUT, false));
    }
    app.get("/api/v1/api-keys?_method=DELETE").problem(422);
    for method in ["TRACE", "CONNECT", "BREW", "get"] {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        assert_eq!(app.send(request(method, "/api/v1/customers", "")).problem(405)["code"], "method_not_allowed");
    }
}

#[test]
fn line_breaks_in_values_stay_escaped() {
    let app = TestApp::new();
    let answer = app.get("/api/v1/customers?external_type=%0d%0aSet-Cookie:%20a=b&cursor=%0d%0a");
    let forwarded = app.world.forwarded.borrow();
    let seen = forwarded.last().unwrap();
    assert_eq!(seen.uri().query(), Some("external_type=%0d%0aSet-Cookie:%20a=b&cursor=%0d%0a"));
    assert!(!answer.headers.contains_key("set-cookie"));
    drop(forwarded);
    let mut traced = request(Method::GET, "/api/v1/customers", "");
    traced.headers_mut().insert("x-request-id", "a b\tc".parse().unwrap());
    assert_ne!(app.send(traced).header("x-request-id"), "a b\tc", "neither echoed nor passed on");
    // In names that an answer repeats in a header.
    let made = app.post("/api/v1/tenants", &serde_json::json!({ "id": "a\r\nSet-Cookie: b" }));
    assert_eq!(made.pointers(), ["/id"]);
}

#[test]
fn numbers_that_are_no_numbers_of_ours_are_refused() {
    let app = TestApp::new();
    for number in ["1e30", "99999999999999999999999999", "-1", "0", "1.5", "\"5\"", "true"] {
        let body = format!(r#"{{"id":"acme","requests_per_hour":{number}}}"#);
        let refused = app.send(request(Method::POST, "/api/v1/tenants", body));
        assert_eq!(refused.pointers(), ["/requests_per_hour"], "{number}");
    }
    for limit in ["0", "101", "-1", "1e2", "99999999999999999999", "%31%30%31", "0x10", "NaN", ""] {
        assert_eq!(app.get(&format!("/api/v1/conversations?limit={limit}")).pointers(), ["?limit"], "{limit}");
    }
    let path = format!("/api/v1/conversations/{ID}/messages");
    for after in ["-1", "18446744073709551616", "1.0", "x"] {
        assert_eq!(app.get(&format!("{path}?after={after}")).pointers(), ["?after"], "{after}");
    }
}

#[test]
fn text_that_no_database_holds_is_refused() {
    let app = TestApp::new();
    let nul = r#"{"name":"a\u0000b","scopes":["admin"]}"#;
    assert_eq!(app.send(request(Method::POST, "/api/v1/api-keys", nul)).pointers(), ["/name"]);
    let half = r#"{"name":"a\udc00","scopes":["admin"]}"#;
    app.send(request(Method::POST, "/api/v1/api-keys", half)).problem(400);
    let whole = r#"{"name":"\ud83d\ude00","scopes":["admin"]}"#;
    assert_eq!(app.send(request(Method::POST, "/api/v1/api-keys", whole)).json()["name"], "😀");
}

#[test]
fn credentials_beside_each_other_confuse_nobody() {
    let app = TestApp::new();
    let ask = |headers: &[(&str, &str)]| {
        let mut asked = Request::get("/api/v1/customers");
        for (name, value) in headers {
            asked = asked.header(*name, *value);
        }
        app.send(asked.body("").unwrap()).status.as_u16()
    };
    assert_eq!(ask(&[("x-api-key", KEY), ("authorization", "Bearer wrong")]), 200, "one is valid");
    assert_eq!(ask(&[("x-api-key", "wrong"), ("authorization", &format!("Bearer {KEY}"))]), 200);
    for authorization in
        ["Bearer", "Bearer ", "Basic", "Basic !!", "Bearer a b", "Digest x", "bootstrap-secret", "Basic Og=="]
    {
        assert_eq!(ask(&[("authorization", authorization)]), 401, "{authorization}");
    }
    assert_eq!(ask(&[("x-api-key", &format!("{KEY},{KEY}"))]), 401, "a list is no key");
    assert_eq!(ask(&[("x-api-key", &KEY.to_uppercase())]), 401);
}
