//! JSON bodies: what is refused, and how it is told.

use sdk::{Input, Problem};

fn decode(body: &[u8]) -> Result<(String, Option<String>, String), Problem> {
    Input::decode(body, |input| (input.required_text("name", 5), input.text("nick", 5), input.object("metadata")))
}

fn pointers(body: &str) -> Vec<String> {
    decode(body.as_bytes()).unwrap_err().errors.into_iter().map(|error| error.pointer).collect()
}

#[test]
fn trims_texts_and_takes_null_and_empty_as_absent() {
    let (name, nick, metadata) = decode(br#"{"name":" Ada ","nick":null,"metadata":{"a":[1]}}"#).unwrap();
    assert_eq!((name.as_str(), nick, metadata.as_str()), ("Ada", None, r#"{"a":[1]}"#));
    assert_eq!(decode(br#"{"name":"Ada","nick":" "}"#).unwrap().1, None);
}

#[test]
fn tells_everything_that_is_wrong_at_once() {
    assert_eq!(pointers(r#"{"nick":7,"metadata":[],"nmae":"Ada"}"#), ["/name", "/nick", "/metadata", "/nmae"]);
    assert_eq!(pointers(r#"{"name":7}"#), ["/name"]);
    assert_eq!(pointers(r#"{"name":"  "}"#), ["/name"]);
    assert_eq!(pointers(r#"{"name":"too long"}"#), ["/name"]);
    assert_eq!(
        pointers(r#"{"name":"   Ada"}"#),
        ["/name"],
        "it is counted as it was sent: so does who checks by the document"
    );
    assert_eq!(pointers(r#"{"name":"a\u0000"}"#), ["/name"]);
    assert_eq!(pointers(r#"{"name":"Ada","a/b":1}"#), ["/a~1b"]);
}

#[test]
fn what_is_wrong_with_the_whole_object_points_at_it() {
    let read = |input: &mut sdk::Input| input.refuse("", "name or nick is required");
    let problem = Input::decode(b"{}", read).unwrap_err();
    assert_eq!((problem.errors[0].pointer.as_str(), problem.detail.as_str()), ("", "name or nick is required"));
}

#[test]
fn tells_unreadable_from_invalid() {
    for body in [&b""[..], b"{", b"{\"name\":\"\xff\"}", b"nonsense"] {
        assert_eq!(decode(body).unwrap_err().status, 400);
    }
    let deep = "[".repeat(100_000);
    assert_eq!(decode(deep.as_bytes()).unwrap_err().status, 400);
    assert_eq!(decode(b"[]").unwrap_err().status, 422);
}
