//! Which answers are compressed, how, and what becomes of their headers.

use super::*;
use bytes::Bytes;
use http_body::Frame;
use http_body_util::{Full, StreamBody};
use std::io::Read;

fn full(text: impl Into<Bytes>) -> Body {
    Full::new(text.into()).map_err(|never| match never {}).boxed_unsync()
}

fn answer(headers: &[(&str, &str)], body: Body) -> Response<Body> {
    let response = headers.iter().fold(Response::builder(), |response, (name, value)| response.header(*name, *value));
    response.body(body).unwrap()
}

fn wish(accept: &str) -> Wish {
    let mut headers = HeaderMap::new();
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_str(accept).unwrap());
    Wish::of(&Method::GET, &mut headers)
}

async fn bytes_of(response: Response<Body>) -> Vec<u8> {
    response.into_body().collect().await.unwrap().to_bytes().to_vec()
}

fn decoded(coding: &str, bytes: &[u8]) -> String {
    let mut text = String::new();
    match coding {
        "gzip" => flate2::read::GzDecoder::new(bytes).read_to_string(&mut text).unwrap(),
        "br" => brotli::Decompressor::new(bytes, 4096).read_to_string(&mut text).unwrap(),
        _ => zstd::stream::read::Decoder::new(bytes).unwrap().read_to_string(&mut text).unwrap(),
    };
    text
}

fn long() -> String {
    (0..2000).map(|number| format!("{{\"number\":{number}}},")).collect()
}

#[tokio::test]
async fn each_coding_can_be_read_again() {
    for coding in ["gzip", "br", "zstd"] {
        let headers = [
            ("content-type", "application/json; charset=utf-8"),
            ("content-length", "30000"),
            ("accept-ranges", "bytes"),
        ];
        let response = Compression::new().apply(&wish(coding), answer(&headers, full(long()))).await;
        assert_eq!(response.headers()["content-encoding"], coding);
        assert_eq!(response.headers()["vary"], "accept-encoding");
        assert!(
            !response.headers().contains_key("content-length") && !response.headers().contains_key("accept-ranges")
        );
        let bytes = bytes_of(response).await;
        assert!(bytes.len() < long().len() / 3, "{coding}: {}", bytes.len());
        assert_eq!(decoded(coding, &bytes), long());
    }
}

#[tokio::test]
async fn what_would_gain_nothing_or_must_stay_stays() {
    for headers in [
        &[("content-type", "image/png")][..],
        &[("content-type", "text/event-stream")],
        &[("content-type", "application/zip")],
        &[],
        &[("content-type", "text/html"), ("content-encoding", "br")],
        &[("content-type", "text/html"), ("cache-control", "private, No-Transform")],
        &[("content-type", "text/html"), ("content-range", "bytes 0-9/100")],
        &[("content-type", "text/html"), ("content-digest", "sha-256=:x:")],
    ] {
        let response = Compression::new().apply(&wish("gzip"), answer(headers, full(long()))).await;
        assert_ne!(response.headers().get("content-encoding"), Some(&HeaderValue::from_static("gzip")), "{headers:?}");
        assert_eq!(bytes_of(response).await, long().as_bytes(), "{headers:?}");
    }
}

#[tokio::test]
async fn short_answers_stay_and_say_that_they_might_not() {
    let response =
        Compression::new().apply(&wish("gzip"), answer(&[("content-type", "text/html")], full("short"))).await;
    assert!(!response.headers().contains_key("content-encoding"));
    assert_eq!(response.headers()["vary"], "accept-encoding");
    let known = [("content-type", "text/html"), ("vary", "Origin, Accept-Encoding")];
    let response = Compression::new().apply(&wish("identity"), answer(&known, full(long()))).await;
    assert_eq!(response.headers().get_all("vary").iter().count(), 1);
    assert!(!response.headers().contains_key("content-encoding"));
}

fn stream(parts: Vec<&'static str>) -> Body {
    let parts = parts.into_iter().map(|part| Ok(Frame::data(Bytes::from_static(part.as_bytes()))));
    StreamBody::new(futures::stream::iter(parts)).boxed_unsync()
}

#[tokio::test]
async fn an_answer_of_unknown_length_is_looked_at_first() {
    let html = [("content-type", "text/html")];
    let response = Compression::new().apply(&wish("gzip"), answer(&html, stream(vec!["a", "b", "c"]))).await;
    assert!(!response.headers().contains_key("content-encoding"));
    assert_eq!(response.body().size_hint().exact(), Some(3), "now its length is known");
    assert_eq!(bytes_of(response).await, b"abc");
    let part: &'static str = long().leak();
    let response = Compression::new().apply(&wish("zstd"), answer(&html, stream(vec![part, part]))).await;
    assert_eq!(response.headers()["content-encoding"], "zstd");
    assert_eq!(decoded("zstd", &bytes_of(response).await), long().repeat(2));
}

#[tokio::test]
async fn what_was_said_goes_out_when_the_component_pauses() {
    let (sender, parts) = futures::channel::mpsc::unbounded();
    let html = [("content-type", "text/html"), ("content-length", "60000")];
    let body = StreamBody::new(parts).boxed_unsync();
    let mut response = Compression::new().apply(&wish("gzip"), answer(&html, body)).await;
    sender.unbounded_send(Ok(Frame::data(Bytes::from_static(b"first")))).unwrap();
    let first = response.body_mut().frame().await.unwrap().unwrap().into_data().unwrap();
    let mut text = [0; 5];
    flate2::read::GzDecoder::new(&first[..]).read_exact(&mut text).unwrap();
    assert_eq!(&text, b"first");
}

#[tokio::test]
async fn a_tag_names_one_representation_and_comes_back_as_it_was() {
    let headers = [("content-type", "application/json"), ("etag", "\"5\"")];
    let response = Compression::new().apply(&wish("gzip"), answer(&headers, full(long()))).await;
    assert_eq!(response.headers()["etag"], "\"5+gzip\"");
    let mut request = HeaderMap::new();
    request.insert("if-none-match", HeaderValue::from_static("\"4+br\", W/\"x\", \"5+gzip\""));
    request.insert("if-match", HeaderValue::from_static("\"5+zstd\""));
    let wish = Wish::of(&Method::GET, &mut request);
    assert_eq!(request["if-none-match"], "\"4\", W/\"x\", \"5\"");
    assert_eq!(request["if-match"], "\"5\"");
    let mut not_modified = answer(&[("etag", "\"5\"")], full(""));
    *not_modified.status_mut() = StatusCode::NOT_MODIFIED;
    let not_modified = Compression::new().apply(&Wish { named: Some(Coding::Gzip), ..wish }, not_modified).await;
    assert_eq!(not_modified.headers()["etag"], "\"5+gzip\"");
    let weak = [("content-type", "application/json"), ("etag", "W/\"5\"")];
    let response = Compression::new().apply(&self::wish("gzip"), answer(&weak, full(long()))).await;
    assert_eq!(response.headers()["etag"], "W/\"5\"");
}

#[tokio::test]
async fn a_head_says_what_a_get_would() {
    let mut headers = HeaderMap::new();
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("br"));
    let wish = Wish::of(&Method::HEAD, &mut headers);
    let said = [("content-type", "text/css"), ("content-length", "30000"), ("etag", "\"a\"")];
    let response = Compression::new().apply(&wish, answer(&said, full(""))).await;
    assert_eq!(
        (&response.headers()["content-encoding"], &response.headers()["etag"]),
        (&"br".parse().unwrap(), &"\"a+br\"".parse().unwrap())
    );
    assert!(!response.headers().contains_key("content-length"));
    assert_eq!(bytes_of(response).await, b"");
}

#[tokio::test]
async fn many_at_once_go_out_as_they_are() {
    let compression = Compression::new();
    let html = [("content-type", "text/html")];
    let mut held = Vec::new();
    for _ in 0..AT_ONCE {
        held.push(compression.apply(&wish("gzip"), answer(&html, full(long()))).await);
    }
    let next = compression.apply(&wish("gzip"), answer(&html, full(long()))).await;
    assert!(!next.headers().contains_key("content-encoding"));
    held.clear();
    let next = compression.apply(&wish("gzip"), answer(&html, full(long()))).await;
    assert!(next.headers().contains_key("content-encoding"));
}
