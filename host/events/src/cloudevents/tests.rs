//! Events on their way in and out: what is taken, what is refused, and that nothing changes on the way.

use super::*;
use http::HeaderMap;
use proptest::prelude::*;
use serde_json::{Value, json};

fn good() -> Value {
    json!({
        "specversion": "1.0", "id": "1", "source": "/s", "type": "t.v1", "tenant": "acme", "partitionkey": "k",
    })
}

fn read(event: &Value) -> Result<Event, Refusal> {
    one(event.to_string().as_bytes())
}

fn with(name: &str, value: Value) -> Value {
    let mut event = good();
    event[name] = value;
    event
}

#[test]
fn the_data_are_what_was_written() {
    let event = read(&with("data", json!({ "a": [1, 2] }))).unwrap();
    assert_eq!(event.data, r#"{"a":[1,2]}"#);
    assert_eq!(event.get("datacontenttype"), Some("application/json"));
    let mut text = with("data", "<a/>".into());
    text["datacontenttype"] = "application/xml".into();
    assert_eq!(read(&text).unwrap().data, "<a/>");
    assert_eq!(read(&with("data_base64", "AAEC".into())).unwrap().data, [0, 1, 2].as_slice());
    assert!(read(&good()).unwrap().data.is_empty());
    assert!(read(&with("data", Value::Null)).unwrap().data.is_empty());
}

#[test]
fn what_is_no_event_is_explained() {
    let cases = [
        (with("specversion", "0.3".into()), "takes 1.0"),
        (with("specversion", Value::Null), "`specversion` is missing"),
        (with("id", "".into()), "`id` is missing or empty"),
        (with("tenant", Value::Null), "the extension attribute `tenant`"),
        (with("partitionkey", json!("k".repeat(600))), "`partitionkey` is longer"),
        (with("tenant", "a b".into()), "`tenant` is no name"),
        (with("time", "yesterday".into()), "`time` is no RFC 3339"),
        (with("Bad", "x".into()), "`Bad` is no attribute name"),
        (with("ext", json!({})), "`ext` is no attribute"),
        (with("ext", json!(1.5)), "`ext` is no attribute"),
        (with("ext", json!("a\nb")), "control characters"),
        (with("ext", json!("x".repeat(5000))), "`ext` is longer"),
        (with("data_base64", "%".into()), "not base64"),
        (with("data", json!("x".repeat(MAX_DATA))), "larger than"),
    ];
    for (event, expected) in cases {
        let said = read(&event).unwrap_err();
        assert!(said.contains(expected), "expected `{expected}` in: {said}");
    }
    let mut both = with("data", json!(1));
    both["data_base64"] = "AA==".into();
    assert!(read(&both).unwrap_err().contains("not both"));
    for bad in ["", "[]", "1", "{", "null"] {
        assert!(one(bad.as_bytes()).is_err(), "{bad}");
    }
}

#[test]
fn a_batch_names_the_first_bad_event() {
    let text = Value::from(vec![good(), with("id", "".into()), with("type", "".into())]).to_string();
    assert_eq!(batch(text.as_bytes(), 10).unwrap_err().0, Some(1));
    assert_eq!(batch(text.as_bytes(), 2).unwrap_err().0, Some(2), "too many");
    assert_eq!(batch(b"{}", 10).unwrap_err().0, None);
    assert!(batch(b"[]", 10).unwrap().is_empty());
}

#[test]
fn times_are_rfc_3339() {
    for good in ["2026-11-22T20:55:57Z", "2026-11-22T20:55:57.123456Z", "2026-11-22t20:55:57+01:00"] {
        assert!(read(&with("time", good.into())).is_ok(), "{good}");
    }
    for bad in ["2026-02-30T00:00:00Z", "2026-11-22", "2026-11-22T20:55:57", "20:55"] {
        assert!(read(&with("time", bad.into())).is_err(), "{bad}");
    }
}

#[test]
fn no_mode_is_no_event() {
    assert!(from_headers(&HeaderMap::new(), Bytes::new()).is_none());
}

proptest! {
    /// Hostile bytes are refused or taken, never a panic.
    #[test]
    fn any_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = one(&bytes);
        let _ = batch(&bytes, 10);
    }

    /// Out in binary mode and in again, an event is the same.
    #[test]
    fn binary_mode_keeps_an_event(subject in "[^\\p{Cc}]{0,40}", ext in "[^\\p{Cc}]{0,40}", key in "[^\\p{Cc}]{1,40}", data in prop::collection::vec(any::<u8>(), 0..50)) {
        let mut event = with("partitionkey", key.into());
        event["subject"] = subject.into();
        event["ext1"] = ext.into();
        let mut event = read(&event).unwrap();
        event.data = Bytes::from(data);
        let again = from_headers(&to_headers(&event), event.data.clone()).unwrap().unwrap();
        prop_assert_eq!(again, event);
    }
}
