//! Events that come in: read as CloudEvents says, refused for good when they are none, and handled once.

use http::{HeaderName, Method};
use sdk::{
    Request,
    event::{self, Incoming, consume_once, matches},
    sql::{Database, Execute, Migration, SqlError},
    testing::{Memory, block_on, both, request},
};

const MIGRATIONS: &[Migration] =
    &[Migration::new(1, event::CONSUMED_MIGRATION), Migration::new(2, "CREATE TABLE effects (n INTEGER)")];

fn delivered(headers: &[(&str, &str)], body: &str) -> Request {
    let mut request = request(Method::POST, "/events", body);
    for (name, value) in headers {
        request.headers.insert(HeaderName::try_from(*name).unwrap(), value.parse().unwrap());
    }
    request
}

const BINARY: [(&str, &str); 6] = [
    ("ce-specversion", "1.0"),
    ("ce-id", "1"),
    ("ce-source", "/components/test"),
    ("ce-type", "com.kobliat.test.happened.v1"),
    ("ce-tenant", "default"),
    ("ce-subject", "caf%C3%A9 100%25"),
];

#[test]
fn reads_binary_mode_and_writes_it_again() {
    let event = Incoming::of(&delivered(&BINARY, r#"{"n":1}"#)).unwrap();
    assert_eq!((event.id(), event.source(), event.tenant()), ("1", "/components/test", "default"));
    assert_eq!((event.kind(), event.subject()), ("com.kobliat.test.happened.v1", "café 100%"));
    assert_eq!(event.data.get(), r#"{"n":1}"#);
    let headers = event.headers();
    let subject = headers.iter().find(|(name, _)| name == "ce-subject").unwrap();
    assert_eq!(subject.1, "caf%C3%A9%20100%25");
    assert_eq!(headers.len(), BINARY.len() + 1);
}

#[test]
fn reads_what_the_outbox_writes() {
    let written = sdk::Event::new("/components/test", "com.kobliat.test.happened.v1", "s", "default", 0)
        .with(&serde_json::json!({ "n": 1 }));
    let batch = format!("[{},{}]", written.to_json().unwrap(), written.to_json().unwrap());
    let read = Incoming::batch(batch.as_bytes()).unwrap();
    assert_eq!((read.len(), read[1].id()), (2, written.id.as_str()));
    assert_eq!(read[0].attribute("partitionkey"), "s");
    assert_eq!(read[0].read::<serde_json::Value>().unwrap()["n"], 1);
}

#[test]
fn refuses_what_is_no_event_and_says_which() {
    let missing = |name: &str| {
        let headers: Vec<_> = BINARY.into_iter().filter(|(key, _)| *key != name).collect();
        Incoming::of(&delivered(&headers, "{}")).unwrap_err()
    };
    for name in ["ce-specversion", "ce-id", "ce-source", "ce-type", "ce-tenant"] {
        assert_eq!(missing(name).status, 400, "{name}");
    }
    assert_eq!(Incoming::of(&delivered(&BINARY, "{")).unwrap_err().status, 400);
    let batch = br#"[{"specversion":"1.0","id":"1","source":"s","type":"t","tenant":"d"},{"id":{}}]"#;
    assert!(Incoming::batch(batch).unwrap_err().detail.starts_with("event 1:"));
}

#[test]
fn has_the_effect_once_though_it_comes_twice_at_once() {
    let database = Database::new(Memory::new(), MIGRATIONS);
    let event = Incoming::of(&delivered(&BINARY, "{}")).unwrap();
    let consume = || {
        consume_once(&database, &event, 0, async |c: &<Memory as sdk::sql::Driver>::Connection| {
            c.execute("INSERT INTO effects VALUES (1)", Vec::new()).await.map(|_| ())
        })
    };
    let (a, b) = block_on(both(consume(), consume()));
    assert_eq!([a, b].iter().filter(|done| **done == Ok(Some(()))).count(), 1);
    assert_eq!(database.driver().scalar("SELECT count(*) FROM effects"), 1);
}

#[test]
fn an_effect_that_fails_may_be_tried_again() {
    let database = Database::new(Memory::new(), MIGRATIONS);
    let event = Incoming::of(&delivered(&BINARY, "{}")).unwrap();
    let failed = consume_once(&database, &event, 0, async |_| Err::<(), _>(SqlError::Failed("no".into())));
    assert!(block_on(failed).is_err());
    assert_eq!(block_on(consume_once(&database, &event, 0, async |_| Ok::<_, SqlError>(7))), Ok(Some(7)));
}

#[test]
fn a_pattern_is_a_type_or_all_that_begin_so() {
    assert!(matches("com.kobliat.message.*", "com.kobliat.message.received.v1"));
    assert!(matches("com.kobliat.message.received.v1", "com.kobliat.message.received.v1"));
    assert!(!matches("com.kobliat.message", "com.kobliat.message.received.v1"));
    assert!(!matches("com.kobliat.message.*", "com.kobliat.messages.v1"));
}
