//! Whatever strangers send: nothing panics, and nothing made up is taken for genuine.

use api_gateway::credentials;
use api_gateway::jwt::Token;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{HeaderMap, HeaderValue, Method, Request};
use proptest::prelude::*;
use sdk::pagination::Keyset;
use sdk::query::{Query, percent_encode};
use sdk::strict;

use crate::app::{KEY, TestApp};

fn header(bytes: &[u8]) -> Option<HeaderValue> {
    HeaderValue::from_bytes(bytes).ok()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_token_made_up_of_parts_is_verified(header in ".{0,80}", payload in ".{0,80}", signature in any::<Vec<u8>>()) {
        let parts = [header.as_bytes(), payload.as_bytes(), &signature].map(|part| URL_SAFE_NO_PAD.encode(part));
        for text in [parts.join("."), format!("{header}.{payload}.{}", parts[2])] {
            if let Some(token) = Token::parse(&text) {
                prop_assert!(token.verify(&[]).is_none());
            }
        }
    }

    #[test]
    fn a_query_is_read_back_as_it_was_written(pairs in prop::collection::vec((".{1,12}", ".{0,12}"), 0..6)) {
        let raw: Vec<String> = pairs.iter().map(|(k, v)| format!("{}={}", percent_encode(k), percent_encode(v))).collect();
        let query = Query::parse(&raw.join("&")).unwrap();
        let read: Vec<(String, String)> = query.iter().map(|(k, v)| (k.to_owned(), v.to_owned())).collect();
        prop_assert_eq!(read, pairs);
    }

    #[test]
    fn any_query_is_read_or_refused(raw in "[ -~]{0,80}") {
        let _ = Query::parse(&raw).map(|query| query.allow(&["a"]));
    }

    #[test]
    fn a_cursor_opens_its_own_list_only(list in "[a-z ]{1,12}", other in "[a-z ]{1,12}", at in any::<i64>(), id in "[0-9a-f-]{0,36}") {
        let position = Keyset { at, id };
        let cursor = position.seal(&list);
        prop_assert_eq!(Keyset::open(&list, Some(&cursor)), Some(position));
        prop_assert!(list == other || Keyset::open(&other, Some(&cursor)).is_none());
    }

    #[test]
    fn any_text_is_a_cursor_or_none(text in ".{0,120}") {
        prop_assert!(Keyset::open("list", Some(&text)).is_none());
    }

    #[test]
    fn what_is_strict_json_is_json(text in r#"[\[\]{}",:0-9a-eE.+\\u -]{0,60}"#) {
        if strict::check(&text).is_ok() {
            prop_assert!(serde_json::from_str::<serde_json::Value>(&text).is_ok());
        }
    }

    #[test]
    fn any_credential_is_read_or_refused(key in any::<Vec<u8>>(), authorization in any::<Vec<u8>>(), scheme in "(?i)(basic|bearer) ") {
        let mut headers = HeaderMap::new();
        headers.extend(header(&key).map(|value| (http::HeaderName::from_static("x-api-key"), value)));
        let value = [scheme.as_bytes(), &authorization].concat();
        headers.extend(header(&value).map(|value| (http::header::AUTHORIZATION, value)));
        let _ = credentials::presented(&headers);
        let _ = credentials::source(&headers);
    }

    /// Whatever the key: it is passed on as it is, or refused; the request is never answered without it.
    #[test]
    fn an_idempotency_key_is_kept_or_refused(key in any::<Vec<u8>>()) {
        let Some(value) = header(&key) else { return Ok(()) };
        let app = TestApp::new();
        let request = Request::builder().method(Method::POST).uri("/api/v1/customers").header("x-api-key", KEY);
        let answer = app.send(request.header("idempotency-key", value.clone()).body("{}").unwrap());
        let forwarded = app.world.forwarded.borrow();
        match forwarded.first() {
            None => prop_assert!(matches!(answer.status.as_u16(), 400 | 422), "{}", answer.status),
            Some(seen) => {
                let sent = value.to_str().unwrap().trim();
                let passed = seen.headers().get("idempotency-key").map_or("", |key| key.to_str().unwrap());
                prop_assert_eq!(sent, passed);
            }
        }
    }
}
