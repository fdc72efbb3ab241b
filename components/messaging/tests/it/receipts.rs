//! Receipts: kept as they came, in any order, also before their message; the status follows from all of them.

use messaging::{
    domain::{Error, Status},
    receipts::{Outcome, Receipt, record_many},
};
use sdk::testing::block_on;

use crate::{NOW, TestApp, carried, context};

fn receipt(status: &str) -> Receipt {
    Receipt {
        channel_account_id: "acc".into(),
        external_message_id: "wamid.out".into(),
        status: status.into(),
        at: NOW,
        details: "{}".into(),
    }
}

fn record(app: &TestApp, words: &[&str]) -> Vec<Outcome> {
    let receipts = words.iter().map(|word| receipt(word)).collect();
    let outcomes = block_on(record_many(&app.app.store, &context(), receipts, NOW)).unwrap();
    outcomes.into_iter().map(Result::unwrap).collect()
}

/// All that were reported, and the status that they give in whatever order.
const FOLDS: &[(&[&str], Status)] = &[
    (&["sent"], Status::Sent),
    (&["sent", "delivered", "read"], Status::Read),
    (&["delivered", "played"], Status::Read),
    (&["sent", "failed"], Status::Failed),
    (&["sent", "failed", "delivered"], Status::Delivered),
    (&["failed", "read"], Status::Read),
    (&["sent", "warning"], Status::Sent),
];

#[test]
fn gives_the_same_status_whatever_the_order_and_wherever_the_message_comes() {
    for (words, expected) in FOLDS {
        for turn in 0..words.len() {
            for message_at in 0..=words.len() {
                let app = TestApp::start();
                let mut order = words.to_vec();
                order.rotate_left(turn);
                let mut id = String::new();
                for (at, word) in order.iter().map(Some).chain([None]).enumerate() {
                    if at == message_at {
                        id = app.insert_one(carried("wamid.out")).message.id;
                    }
                    word.iter().for_each(|word| drop(record(&app, &[word])));
                }
                assert_eq!(app.get(&id).status, *expected, "{order:?}, message at {message_at}");
            }
        }
    }
}

#[test]
fn tells_what_became_of_each() {
    let app = TestApp::start();
    assert_eq!(record(&app, &["sent", "sent"]), [Outcome::Waiting, Outcome::Duplicate]);
    app.insert_one(carried("wamid.out"));
    let outcomes = record(&app, &["read", "delivered", "read", "warning"]);
    assert_eq!(outcomes, [Outcome::Accepted, Outcome::Accepted, Outcome::Duplicate, Outcome::Accepted]);
    assert_eq!(app.memory.scalar("SELECT count(*) FROM receipts"), 4);
    assert_eq!((app.events("read"), app.events("delivered")), (1, 0));
}

#[test]
fn the_event_of_a_failure_says_why_whichever_came_first() {
    let failed =
        Receipt { details: r#"{"failure":{"code":"131026","reason":"no such number"}}"#.into(), ..receipt("failed") };
    for receipt_first in [true, false] {
        let app = TestApp::start();
        let tell = || drop(block_on(record_many(&app.app.store, &context(), vec![failed.clone()], NOW)).unwrap());
        if receipt_first {
            tell();
        }
        app.insert_one(carried("wamid.out"));
        if !receipt_first {
            tell();
        }
        let told = "SELECT json_extract(event, '$.data.metadata.failure.reason') = 'no such number' \
                    AND json_extract(event, '$.data.failure.code') = '131026' FROM outbox \
                    WHERE type = 'com.kobliat.message.failed.v1'";
        assert_eq!(app.memory.scalar(told), 1, "receipt first: {receipt_first}");
    }
}

#[test]
fn fails_a_bad_receipt_alone() {
    let app = TestApp::start();
    let bad = Receipt { details: "no json".into(), ..receipt("read") };
    let answers = block_on(record_many(&app.app.store, &context(), vec![bad, receipt("sent")], NOW)).unwrap();
    assert!(matches!(answers[0], Err(Error::Invalid { .. })));
    assert_eq!(answers[1], Ok(Outcome::Waiting));
}
