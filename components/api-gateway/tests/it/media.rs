//! `/media`: files stream through, and a signed link needs no credential.

use bytes::Bytes;
use http::{Method, Request};
use http_body_util::StreamBody;
use serde_json::json;
use spin_sdk::http::BoxBody;

use crate::app::{KEY, TestApp, request, request_as};

const PATH: &str = "/api/v1/media/019a0000-0000-7000-8000-000000000001/content";

/// A body of so many pieces of 64 KiB.
fn pieces(count: usize) -> BoxBody {
    let piece = || Ok::<_, std::convert::Infallible>(http_body::Frame::data(Bytes::from(vec![7; 64 << 10])));
    spin_sdk::http::box_body(StreamBody::new(futures::stream::iter((0..count).map(move |_| piece()))))
}

fn upload(key: &str, body: BoxBody) -> Request<BoxBody> {
    let request = Request::post("/api/v1/media/upload").header("x-api-key", key);
    request.header("content-type", "multipart/form-data; boundary=x").body(body).unwrap()
}

#[test]
fn an_upload_goes_through_whatever_its_size_and_its_type() {
    let app = TestApp::new();
    let answer = app.send_streaming(upload(KEY, pieces(64)));
    assert_eq!(answer.status, 201);
    assert_eq!(answer.json(), json!({ "type": "multipart/form-data; boundary=x", "bytes": 4 << 20 }));
    let forwarded = app.world.forwarded.borrow();
    let seen = forwarded.last().unwrap();
    assert_eq!(seen.uri().to_string(), "http://media.spin.internal/media/upload");
    assert_eq!(seen.headers()["kobliat-tenant"], "default");
    assert!(!seen.headers().contains_key("x-api-key"));
}

#[test]
fn an_upload_needs_a_credential_with_the_right() {
    let app = TestApp::new();
    app.send_streaming(upload("wrong", pieces(1))).problem(401);
    let reader = app.key_of("acme", &["media:read"]);
    app.send_streaming(upload(&reader, pieces(1))).problem(403);
    assert!(app.world.forwarded.borrow().is_empty());
}

#[test]
fn a_part_of_a_file_comes_as_the_service_tells_it() {
    let app = TestApp::new();
    let mut get = request(Method::GET, PATH, "");
    get.headers_mut().insert("range", "bytes=0-2".parse().unwrap());
    let answer = app.send(get);
    assert_eq!((answer.status.as_u16(), &answer.body[..]), (206, &b"GIF"[..]));
    for (name, value) in [
        ("content-range", "bytes 0-2/9"),
        ("content-disposition", "inline; filename=\"a.gif\""),
        ("content-security-policy", "default-src 'none'; sandbox"),
        ("x-content-type-options", "nosniff"),
    ] {
        assert_eq!(answer.header(name), value);
    }
    assert_eq!(app.world.forwarded.borrow()[0].headers()["range"], "bytes=0-2");
}

#[test]
fn a_signed_link_needs_no_credential_and_gives_no_other_right() {
    let app = TestApp::new();
    let follow = |method: Method, path: &str| app.send(Request::builder().method(method).uri(path).body("").unwrap());
    assert_eq!(follow(Method::GET, &format!("{PATH}?tenant=acme&signature=good")).status, 206);
    follow(Method::GET, &format!("{PATH}?tenant=acme&signature=bad")).problem(403);
    let seen = app.world.forwarded.borrow().len();
    assert!(app.world.forwarded.borrow().iter().all(|one| !one.headers().contains_key("kobliat-tenant")));
    follow(Method::GET, PATH).problem(401);
    follow(Method::GET, &format!("{PATH}?signature=")).problem(401);
    follow(Method::DELETE, "/api/v1/media/019a0000-0000-7000-8000-000000000001?signature=good").problem(401);
    assert_eq!(app.world.forwarded.borrow().len(), seen);
}

#[test]
fn links_begin_where_the_client_found_us() {
    let app = TestApp::new();
    let mut get = request(Method::GET, "/api/v1/media/019a0000-0000-7000-8000-000000000001/download", "");
    get.headers_mut().append("kobliat-public-url", "https://evil.example".parse().unwrap());
    get.headers_mut().append("spin-full-url", "https://evil.example/x".parse().unwrap());
    get.headers_mut().append("spin-full-url", "https://kobliat.example/api/v1/media".parse().unwrap());
    app.send(get);
    let forwarded = app.world.forwarded.borrow();
    assert_eq!(forwarded[0].headers()["kobliat-public-url"], "https://kobliat.example");
}

#[test]
fn a_message_shows_only_media_that_there_is() {
    let app = TestApp::new();
    let conversation = app.world.conversation(&[&app.world.customer("Ada")]);
    let new = |media: &str| json!({ "conversation_id": conversation, "direction": "outbound", "media_id": media });
    assert_eq!(app.post("/api/v1/messages", &new(&app.world.medium())).status, 201);
    let unknown = app.post("/api/v1/messages", &new(&app.world.next_id()));
    assert_eq!(unknown.pointers(), ["/media_id"]);
    app.key_of("acme", &["*"]);
    let theirs =
        request_as(&app.key_of("acme", &["*"]), Method::POST, "/api/v1/messages", new(&app.world.medium()).to_string());
    assert!(app.send(theirs).pointers().contains(&"/media_id".to_owned()));
}
