//! Deliveries: how they end, what a crash leaves open, which receipts settle it, and sending again.

use ::http::Method;
use messaging::{
    delivery::{Delivery, Ended, Failure, record},
    domain::{Error, Message, NewMessage, Status},
    receipts::{Outcome, Receipt, record_many},
};
use sdk::testing::{block_on, json, request};
use serde_json::{Value, json};

use crate::{NOW, TestApp, carried, context, inbound, outbound};

fn queued(app: &TestApp) -> Message {
    let message = NewMessage { channel: None, channel_account_id: None, ..outbound() };
    app.insert_one(message).message
}

fn ends(app: &TestApp, message: &Message, ended: Ended) -> Result<Message, Error> {
    let delivery = Delivery {
        message_id: message.id.clone(),
        channel: "whatsapp".into(),
        channel_account_id: "acc".into(),
        ended,
    };
    block_on(record(&app.app.store, &context(), delivery, NOW))
}

fn sent(external_id: &str) -> Ended {
    Ended::Sent(external_id.into())
}

fn why(reason: &str) -> Failure {
    Failure { code: Some("131047".into()), reason: reason.into() }
}

/// A receipt with these details.
fn receipt(external_id: &str, status: &str, details: &Value) -> Receipt {
    Receipt {
        channel_account_id: "acc".into(),
        external_message_id: external_id.into(),
        status: status.into(),
        at: NOW,
        details: details.to_string(),
    }
}

fn report(app: &TestApp, receipt: Receipt) -> Outcome {
    block_on(record_many(&app.app.store, &context(), vec![receipt], NOW)).unwrap().remove(0).unwrap()
}

fn failure(message: &Message) -> Value {
    serde_json::from_str::<Value>(&message.metadata).unwrap()["failure"].clone()
}

#[test]
fn what_is_sent_gets_its_id_its_channel_and_one_event() {
    let app = TestApp::start();
    let message = queued(&app);
    let told = ends(&app, &message, sent("wamid.1")).unwrap();
    assert_eq!((told.status, told.external_message_id.as_deref()), (Status::Sent, Some("wamid.1")));
    assert_eq!((told.channel.as_deref(), told.channel_account_id.as_deref()), (Some("whatsapp"), Some("acc")));
    assert_eq!(ends(&app, &message, sent("wamid.1")).unwrap(), told, "a repetition changes nothing");
    assert_eq!((app.events("sent"), app.get(&message.id)), (1, told));
    assert!(matches!(ends(&app, &message, sent("wamid.2")), Err(Error::Conflict(_))), "one message, one id");
    let other = queued(&app);
    assert!(matches!(ends(&app, &other, sent("wamid.1")), Err(Error::Conflict(_))), "one id, one message");
}

#[test]
fn receipts_that_came_first_count() {
    let app = TestApp::start();
    let message = queued(&app);
    assert_eq!(report(&app, receipt("wamid.1", "read", &json!({}))), Outcome::Waiting);
    assert_eq!(ends(&app, &message, sent("wamid.1")).unwrap().status, Status::Read);
    let other = queued(&app);
    report(&app, receipt("wamid.2", "failed", &json!({"failure": {"code": "1", "reason": "gone"}})));
    let failed = ends(&app, &other, sent("wamid.2")).unwrap();
    assert_eq!((failed.status, failure(&failed)), (Status::Failed, json!({"code": "1", "reason": "gone"})));
}

#[test]
fn a_failure_is_told_on_the_message_and_moves_nothing_back() {
    let app = TestApp::start();
    let message = queued(&app);
    for _ in 0..2 {
        let failed = ends(&app, &message, Ended::Failed(why("the window is closed"))).unwrap();
        assert_eq!(failed.status, Status::Failed);
        assert_eq!(failure(&failed), json!({"code": "131047", "reason": "the window is closed"}));
    }
    assert_eq!(app.events("failed"), 1);
    let delivered = carried("wamid.1");
    let delivered = app.insert_one(delivered).message;
    for ended in [Ended::Failed(why("late")), Ended::Unknown(why("late"))] {
        assert_eq!(ends(&app, &delivered, ended).unwrap(), delivered);
    }
}

#[test]
fn a_providers_failure_is_told_on_the_message_and_forgotten_when_it_arrives_after_all() {
    let app = TestApp::start();
    let message = app.insert_one(carried("wamid.1")).message;
    let details = json!({"failure": {"code": "131026", "reason": "undeliverable"}, "errors": []});
    report(&app, receipt("wamid.1", "failed", &details));
    assert_eq!(failure(&app.get(&message.id))["reason"], "undeliverable");
    report(&app, receipt("wamid.1", "delivered", &json!({})));
    let arrived = app.get(&message.id);
    assert_eq!((arrived.status, arrived.metadata), (Status::Delivered, message.metadata));
}

#[test]
fn a_receipt_that_names_the_message_settles_an_unknown_one() {
    for (word, expected) in
        [("sent", Status::Sent), ("read", Status::Read), ("failed", Status::Failed), ("queued", Status::Sent)]
    {
        let app = TestApp::start();
        let message = queued(&app);
        let unknown = ends(&app, &message, Ended::Unknown(why("the connection broke"))).unwrap();
        assert_eq!((unknown.status, &failure(&unknown)["reason"]), (Status::Unknown, &json!("the connection broke")));
        let details = json!({"message_id": message.id});
        assert_eq!(report(&app, receipt("wamid.1", word, &details)), Outcome::Accepted);
        let settled = app.get(&message.id);
        assert_eq!((settled.status, settled.external_message_id.as_deref()), (expected, Some("wamid.1")), "{word}");
        report(&app, receipt("wamid.1", "delivered", &details));
        assert_eq!(app.get(&message.id).status, expected.max(Status::Delivered));
    }
}

#[test]
fn a_receipt_that_came_before_the_crash_was_noticed_settles_it_too() {
    let app = TestApp::start();
    let message = queued(&app);
    let details = json!({"message_id": message.id});
    assert_eq!(
        report(&app, receipt("wamid.1", "failed", &details)),
        Outcome::Waiting,
        "it may be of an earlier attempt"
    );
    let settled = ends(&app, &message, Ended::Unknown(why("a crash"))).unwrap();
    assert_eq!((settled.status, settled.external_message_id.as_deref()), (Status::Failed, Some("wamid.1")));
    let quick = queued(&app);
    assert_eq!(report(&app, receipt("wamid.2", "delivered", &json!({"message_id": quick.id}))), Outcome::Accepted);
    assert_eq!(ends(&app, &quick, sent("wamid.2")).unwrap().status, Status::Delivered, "faster than the answer");
}

#[test]
fn nobodys_receipt_settles_anothers_message() {
    let app = TestApp::start();
    let message = queued(&app);
    ends(&app, &message, Ended::Unknown(why("?"))).unwrap();
    let theirs = Receipt {
        channel_account_id: "other".into(),
        ..receipt("wamid.1", "read", &json!({"message_id": message.id}))
    };
    assert_eq!(report(&app, theirs), Outcome::Waiting, "another account");
    for id in [json!("x"), json!(7), json!(app.insert_one(inbound("1")).message.id)] {
        assert_eq!(report(&app, receipt(&format!("wamid.{id}"), "read", &json!({"message_id": id}))), Outcome::Waiting);
    }
    assert_eq!(app.get(&message.id).status, Status::Unknown);
}

#[test]
fn what_failed_or_is_unknown_is_sent_again_once_for_a_key() {
    let app = TestApp::start();
    let message = app.insert_one(carried("wamid.1")).message;
    report(&app, receipt("wamid.1", "failed", &json!({"failure": {"code": "1", "reason": "busy"}})));
    let path = format!("/messages/{}/retry", message.id);
    let send = || {
        let mut post = request(Method::POST, &path, "");
        post.headers.insert("idempotency-key", "k1".parse().unwrap());
        app.handle(post)
    };
    let (first, again) = (send(), send());
    assert_eq!((first.status().as_u16(), first.body()), (202, again.body()));
    let told = json(&first);
    assert_eq!((&told["status"], &told["external_message_id"]), (&json!("queued"), &Value::Null));
    assert!(told["metadata"].get("failure").is_none());
    assert_eq!((app.events("queued"), app.memory.scalar("SELECT count(*) FROM message_history")), (1, 1));
    assert_eq!(app.send(Method::POST, &path, "").status(), 409, "it is queued already");
    assert_eq!(ends(&app, &message, sent("wamid.2")).unwrap().status, Status::Sent);
    assert_eq!(app.send(Method::POST, &path, "").status(), 409, "and sent");
}

#[test]
fn only_what_was_to_be_sent_is_sent_again() {
    let app = TestApp::start();
    let inbound = app.insert_one(inbound("1")).message;
    assert_eq!(app.send(Method::POST, &format!("/messages/{}/retry", inbound.id), "").status(), 409);
    let nobody = "/messages/018f0000-0000-7000-8000-000000000000/retry";
    assert_eq!(app.send(Method::POST, nobody, "").status(), 404);
    assert!(matches!(ends(&app, &inbound, sent("wamid.9")), Err(Error::Invalid { .. })));
    assert!(matches!(ends(&app, &Message { id: "x".into(), ..inbound }, sent("wamid.9")), Err(Error::NotFound)));
    let unknown = queued(&app);
    ends(&app, &unknown, Ended::Unknown(why("?"))).unwrap();
    let by_hand = app.send(Method::PUT, &format!("/messages/{}", unknown.id), r#"{"status":"unknown"}"#);
    assert_eq!(by_hand.status(), 422, "nobody can tell that nobody knows");
    assert_eq!(app.send(Method::POST, &format!("/messages/{}/retry", unknown.id), "").status(), 202);
}

#[test]
fn the_events_of_a_failure_and_of_not_knowing_say_why_and_no_other_does() {
    let app = TestApp::start();
    let told = |kind: &str| -> Value {
        let event =
            format!("SELECT event FROM outbox WHERE type = 'com.kobliat.message.{kind}.v1' ORDER BY position DESC");
        let event: String = app.memory.sqlite().query_row(&event, [], |row| row.get(0)).unwrap();
        serde_json::from_str::<Value>(&event).unwrap()["data"].clone()
    };
    let reason = json!({"code": "131047", "reason": "the window is closed"});
    ends(&app, &queued(&app), Ended::Failed(why("the window is closed"))).unwrap();
    let failed = told("failed");
    assert_eq!((&failed["failure"], &failed["metadata"]["failure"]), (&reason, &reason));
    ends(&app, &queued(&app), Ended::Unknown(why("the window is closed"))).unwrap();
    assert_eq!((&told("unknown")["failure"], &told("unknown")["status"]), (&reason, &json!("unknown")));
    ends(&app, &queued(&app), sent("wamid.9")).unwrap();
    assert!(told("sent")["failure"].is_null() && told("queued")["failure"].is_null());
}
