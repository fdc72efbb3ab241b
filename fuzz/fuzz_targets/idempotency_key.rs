//! Any `Idempotency-Key` is taken as it is or refused; two that differ are never one, quotes and spaces around aside.
#![no_main]

use http::Method;
use libfuzzer_sys::fuzz_target;
use sdk::idempotency::Key;
use sdk::{Context, Request};

fn key(text: &str, path: &str, body: &[u8]) -> Option<Key> {
    let context =
        Context { tenant: "t".into(), principal: "p".into(), idempotency_key: text.into(), ..Context::default() };
    let request =
        Request { method: Method::POST, path: path.into(), body: body.to_vec(), context, ..Request::default() };
    Key::of(&request).ok().flatten()
}

fn bare(text: &str) -> &str {
    text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(text)
}

fuzz_target!(|input: (String, String, Vec<u8>, Vec<u8>)| {
    let (one, other, body, other_body) = input;
    let Some(first) = key(&one, "/messages", &body) else {
        assert!(bare(&one).is_empty() || one.len() > 255, "counted as it was sent");
        return;
    };
    assert_eq!(first.key, bare(&one));
    assert_eq!(Some(&first), key(&one, "/messages", &body).as_ref());
    assert_ne!(Some(&first), key(&one, "/customers", &body).as_ref(), "another operation");
    assert_eq!(body == other_body, Some(&first) == key(&one, "/messages", &other_body).as_ref());
    if let Some(second) = key(&other, "/messages", &body) {
        assert_eq!(bare(&one) == bare(&other), first == second);
    }
});
