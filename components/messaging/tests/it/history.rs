//! A message's past: what it was before each change, and every word that its provider had for it.

use ::http::Method;
use messaging::{
    delivery::{Delivery, Ended, record},
    receipts::{Receipt, record_many},
};
use sdk::{
    ids,
    testing::{block_on, json, request},
};
use serde_json::{Value, json};

use crate::{NOW, TestApp, carried, context, outbound};

/// One member of all items of all pages.
fn walk(app: &TestApp, path: &str, member: &str) -> Vec<Value> {
    let (mut seen, mut next) = (Vec::new(), format!("{path}?limit=2"));
    loop {
        let answer = app.send(Method::GET, &next, "");
        assert_eq!(answer.status(), 200, "{next}");
        let page = json(&answer);
        seen.extend(page["data"].as_array().unwrap().iter().map(|one| one[member].clone()));
        let Some(cursor) = page["meta"]["next_cursor"].as_str() else { return seen };
        next = format!("{path}?limit=2&cursor={cursor}");
    }
}

#[test]
fn shows_what_it_was_before_each_change_the_latest_first() {
    let app = TestApp::start();
    let message = app.insert_one(carried("wamid.1")).message;
    let path = format!("/messages/{}", message.id);
    for body in [r#"{"body":"one"}"#, r#"{"body":"two"}"#, r#"{"status":"read"}"#] {
        app.send(Method::PUT, &path, body);
    }
    let history = format!("{path}/history");
    assert_eq!(walk(&app, &history, "body"), [json!("two"), json!("one"), json!("text of wamid.1")]);
    assert_eq!(walk(&app, &history, "version"), [json!(3), json!(2), json!(1)]);
    let latest = json(&app.send(Method::GET, &format!("{history}?limit=1"), ""))["data"][0].clone();
    assert_eq!((&latest["status"], &latest["changed_by"]), (&json!("sent"), &json!("key:test")));
    assert_eq!(latest["changed_at"], "2025-06-08T20:59:43.000Z");
}

fn report(app: &TestApp, external_id: &str, words: &[&str], details: &Value) {
    let receipt = |(n, word): (usize, &&str)| Receipt {
        channel_account_id: "acc".into(),
        external_message_id: external_id.into(),
        status: (*word).into(),
        at: NOW + i64::try_from(n).unwrap() * 1_000_000,
        details: details.to_string(),
    };
    let receipts = words.iter().enumerate().map(receipt).collect();
    block_on(record_many(&app.app.store, &context(), receipts, NOW)).unwrap();
}

#[test]
fn shows_every_word_of_the_provider_the_latest_first() {
    let app = TestApp::start();
    let message = app.insert_one(carried("wamid.1")).message;
    report(&app, "wamid.1", &["sent", "warning", "delivered"], &json!({ "pricing": { "billable": true } }));
    report(&app, "wamid.other", &["read"], &json!({}));
    let receipts = format!("/messages/{}/receipts", message.id);
    assert_eq!(walk(&app, &receipts, "status"), [json!("delivered"), json!("warning"), json!("sent")]);
    let latest = json(&app.send(Method::GET, &receipts, ""))["data"][0].clone();
    assert_eq!(latest["details"], json!({ "pricing": { "billable": true } }));
    assert_eq!(
        (&latest["at"], &latest["external_message_id"]),
        (&json!("2025-06-08T20:59:45.000Z"), &json!("wamid.1"))
    );
}

#[test]
fn shows_what_was_reported_of_an_earlier_attempt_too() {
    let app = TestApp::start();
    let message = app.insert_one(outbound()).message;
    report(&app, "wamid.1", &["sent", "failed"], &json!({ "message_id": message.id }));
    let path = format!("/messages/{}", message.id);
    app.send(Method::PUT, &path, r#"{"status":"failed"}"#);
    assert_eq!(app.send(Method::POST, &format!("{path}/retry"), "").status(), 202);
    let delivery = Delivery {
        message_id: message.id.clone(),
        channel: "whatsapp".into(),
        channel_account_id: "acc".into(),
        ended: Ended::Sent("wamid.2".into()),
    };
    block_on(record(&app.app.store, &context(), delivery, NOW)).unwrap();
    report(&app, "wamid.2", &["read"], &json!({ "message_id": message.id }));
    let ids = walk(&app, &format!("{path}/receipts"), "external_message_id");
    assert_eq!((ids.len(), ids.contains(&json!("wamid.1")), ids.contains(&json!("wamid.2"))), (3, true, true));
}

#[test]
fn unknown_and_foreign_messages_have_no_past() {
    let app = TestApp::start();
    let message = app.insert_one(carried("wamid.1")).message;
    for list in ["history", "receipts"] {
        let path = format!("/messages/{}/{list}", message.id);
        let mut theirs = request(Method::GET, &path, "");
        theirs.headers.insert("kobliat-tenant", "other".parse().unwrap());
        assert_eq!(app.handle(theirs).status(), 404);
        assert_eq!(app.send(Method::GET, &format!("/messages/{}/{list}", ids::new()), "").status(), 404);
        assert_eq!(json(&app.send(Method::GET, &path, ""))["data"], json!([]));
        for bad in ["limit=0", "cursor=AAAA", "after=1"] {
            assert_eq!(app.send(Method::GET, &format!("{path}?{bad}"), "").status(), 422, "{bad}");
        }
    }
}
