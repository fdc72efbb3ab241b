//! Bodies that nobody would think of: whatever comes, it is answered, and what is kept can be kept again.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use crate::support::*;

/// Any JSON, with the names of the real thing where names are.
fn junk() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
        prop::sample::select(vec!["messages", "text", "image", "system", "1749416383", "16505551234", "sent", ""])
            .prop_map(Value::from),
    ];
    let name = prop::sample::select(vec![
        "object",
        "entry",
        "changes",
        "field",
        "value",
        "metadata",
        "phone_number_id",
        "contacts",
        "profile",
        "name",
        "wa_id",
        "user_id",
        "messages",
        "statuses",
        "errors",
        "from",
        "id",
        "timestamp",
        "type",
        "text",
        "body",
        "image",
        "context",
        "status",
        "interactive",
        "button_reply",
        "title",
        "system",
        "code",
        "from_user_id",
    ]);
    leaf.prop_recursive(8, 128, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::Array),
            prop::collection::vec((name.clone(), inner), 0..6).prop_map(|pairs| Value::Object(
                pairs.into_iter().map(|(k, v)| (k.to_owned(), v)).collect::<Map<_, _>>()
            )),
        ]
    })
}

fn taken(body: &[u8]) {
    let world = World::new();
    if let Ok(received) = world.try_receive(body) {
        assert!(received.answer.processed);
        let again = world.try_receive(body).unwrap();
        assert_eq!(again.answer.accepted, 0, "all of it is known by now");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(300) })]

    #[test]
    fn any_json_is_answered(body in junk()) {
        taken(body.to_string().as_bytes());
    }

    #[test]
    fn any_json_in_the_place_of_an_item_is_answered(messages in prop::collection::vec(junk(), 0..4), statuses in junk(), contacts in junk()) {
        taken(delivery(json!({"messages": messages, "statuses": statuses, "contacts": contacts})).to_string().as_bytes());
    }

    #[test]
    fn the_sample_with_one_byte_changed_is_answered(at in 0..SAMPLE.len(), byte in any::<u8>()) {
        let mut body = SAMPLE.as_bytes().to_vec();
        body[at] = byte;
        taken(&body);
    }

    #[test]
    fn any_bytes_are_answered(body in prop::collection::vec(any::<u8>(), 0..200)) {
        taken(&body);
    }
}

#[test]
fn deep_nesting_costs_its_own_item_only() {
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let good = text("good", "1", "1749416380", "kept");
    let body = format!(
        r#"{{"entry":[{{"changes":[{{"field":"messages","value":{{"metadata":{{"phone_number_id":"1"}},"messages":[{{"id":"deep","from":"1","x":{deep}}},{good}]}}}}]}}]}}"#
    );
    let world = World::new();
    let received = world.try_receive(body.as_bytes()).unwrap();
    assert_eq!((received.answer.accepted, received.answer.rejected), (1, 1));
}
