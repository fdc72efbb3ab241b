//! A customer is forgotten: what was said to and by the person goes from everywhere here, and others learn which messages these are.

use ::http::Method;
use messaging::{
    domain::NewMessage,
    receipts::{Receipt, record_many},
};
use sdk::{
    ids,
    testing::{block_on, event, json},
};
use serde_json::{Value, json};

use crate::{CONVERSATION, NOW, TestApp, context, inbound, outbound};

const ERASED: &str = "com.kobliat.customer.erased.v1";

fn forget(app: &TestApp, event_id: &str, customer: &str, places: &Value) {
    let data = json!({ "customer_id": customer, "service": "conversation", "messages": "erase", "removed": {}, "done": true, "conversations": places });
    assert_eq!(app.handle(event(event_id, ERASED, customer, &data)).status(), 204);
}

fn told(app: &TestApp, kind: &str) -> Vec<Value> {
    let sql = format!("SELECT event FROM outbox WHERE type = 'com.kobliat.{kind}.v1' ORDER BY position");
    let mut rows = app.memory.sqlite().prepare(&sql).unwrap();
    let events = rows.query_map([], |row| row.get::<_, String>(0)).unwrap();
    events.map(|event| serde_json::from_str::<Value>(&event.unwrap()).unwrap()["data"].clone()).collect()
}

fn says(app: &TestApp, conversation: &str, sender: Option<&str>, body: &str, new: NewMessage) -> String {
    let new = NewMessage {
        conversation_id: conversation.to_owned(),
        sender_customer_id: sender.map(str::to_owned),
        body: Some(body.to_owned()),
        metadata: json!({ "contact": "Ada Secret" }).to_string(),
        ..new
    };
    app.insert_one(new).message.id
}

fn bodies(app: &TestApp, conversation: &str) -> Vec<Value> {
    let page = json(&app.send(Method::GET, &format!("/conversations/{conversation}/messages"), ""));
    page["data"].as_array().unwrap().iter().map(|message| message["body"].clone()).collect()
}

#[test]
fn what_was_said_to_and_by_a_forgotten_customer_goes_once() {
    let app = TestApp::start();
    let customer = ids::new();
    let first = says(&app, CONVERSATION, Some(&customer), "secret words", inbound("wamid.in"));
    let sent = NewMessage { external_message_id: Some("wamid.out".into()), ..outbound() };
    says(&app, CONVERSATION, None, "a secret answer", sent);
    says(&app, CONVERSATION, None, "a secret that waits", outbound());
    app.send(Method::PATCH, &format!("/messages/{first}"), r#"{"body":"secret, reworded"}"#);
    let receipt = Receipt {
        channel_account_id: inbound("x").channel_account_id.unwrap(),
        external_message_id: "wamid.out".into(),
        status: "delivered".into(),
        at: NOW,
        details: r#"{"recipient_id":"16505551234"}"#.into(),
    };
    block_on(record_many(&app.app.store, &context(), vec![receipt], NOW)).unwrap();
    let stranger = says(&app, &ids::new(), None, "another secret", inbound("wamid.other"));
    json(&app.send(Method::GET, "/messages?q=secret", ""));
    for _ in 0..2 {
        forget(&app, "e1", &customer, &json!([{ "id": CONVERSATION, "direct": true }]));
    }
    assert_eq!(bodies(&app, CONVERSATION), [Value::Null, Value::Null, Value::Null]);
    let found = json(&app.send(Method::GET, "/messages?q=secret", ""));
    assert_eq!((found["data"].as_array().unwrap().len(), &found["data"][0]["id"]), (1, &json!(stranger)));
    let shown = json(&app.send(Method::GET, &format!("/messages/{first}"), ""));
    assert_eq!((&shown["metadata"], &shown["external_message_id"]), (&json!({ "erased": true }), &Value::Null));
    for (table, what) in [("receipts", "details"), ("message_history", "body"), ("outbox", "event")] {
        let left = format!(
            "SELECT count(*) FROM {table} WHERE {what} LIKE '%16505551234%' OR {what} LIKE '%secret words%' OR {what} LIKE '%secret answer%'"
        );
        assert_eq!(app.memory.scalar(&left), 0, "{table}");
    }
    let reports = told(&app, "customer.erased");
    assert_eq!((reports.len(), &reports[0]["done"], &reports[1]["done"]), (2, &json!(false), &json!(true)));
    assert_eq!(reports[0]["removed"], json!({ "messages": 3, "receipts": 1, "versions": 1, "answers": 0 }));
    let erased = told(&app, "message.erased");
    assert_eq!((erased.len(), erased[0]["messages"].as_array().unwrap().len()), (1, 3));
    assert_eq!(erased[0]["messages"][0]["external_message_id"], "wamid.in");
    assert_eq!(app.memory.scalar("SELECT count(*) FROM messages WHERE status = 'queued'"), 0, "nothing more is sent");
}

#[test]
fn what_was_said_stays_unless_it_is_to_go_but_nothing_names_the_person() {
    let app = TestApp::start();
    let customer = ids::new();
    let id = says(
        &app,
        CONVERSATION,
        Some(&customer),
        "plain words",
        NewMessage { media_id: Some(ids::new()), ..inbound("wamid.in") },
    );
    let data = json!({ "customer_id": customer, "service": "conversation", "messages": "keep", "removed": {}, "done": true,
        "conversations": [{ "id": CONVERSATION, "direct": true }] });
    assert_eq!(app.handle(event("e1", ERASED, &customer, &data)).status(), 204);
    let shown = json(&app.send(Method::GET, &format!("/messages/{id}"), ""));
    assert_eq!((&shown["body"], &shown["metadata"]), (&json!("plain words"), &json!({ "erased": true })));
    assert_eq!((&shown["external_message_id"], &shown["media_id"]), (&Value::Null, &Value::Null));
    assert_eq!(json(&app.send(Method::GET, "/messages?q=plain", ""))["data"].as_array().unwrap().len(), 1);
    assert!(told(&app, "message.erased")[0]["messages"][0]["media_id"].is_string());
}

#[test]
fn in_a_group_and_of_one_of_ours_only_the_own_words_go() {
    let app = TestApp::start();
    let (customer, agent) = (ids::new(), ids::new());
    let group = ids::new();
    says(&app, &group, Some(&customer), "hers", inbound("1"));
    says(&app, &group, Some(&ids::new()), "another's", inbound("2"));
    says(&app, &group, None, "ours", outbound());
    forget(&app, "e1", &customer, &json!([{ "id": group, "direct": false }]));
    assert_eq!(bodies(&app, &group), [json!("ours"), json!("another's"), Value::Null]);
    says(&app, CONVERSATION, Some(&customer), "a question", inbound("3"));
    says(&app, CONVERSATION, Some(&agent), "an answer", outbound());
    forget(&app, "e2", &agent, &json!([{ "id": CONVERSATION, "direct": true }]));
    assert_eq!(bodies(&app, CONVERSATION), [Value::Null, json!("a question")], "the agent wrote for us");
}

#[test]
fn goes_on_batch_by_batch_and_counts_each_message_once() {
    let app = TestApp::start();
    let customer = ids::new();
    let said = |n: usize| NewMessage { sender_customer_id: Some(customer.clone()), ..inbound(&format!("wamid.{n}")) };
    block_on(app.insert((0..450).map(said).collect()));
    forget(&app, "e1", &customer, &json!([{ "id": CONVERSATION, "direct": true }]));
    let counts: Vec<_> =
        told(&app, "customer.erased").iter().map(|report| report["removed"]["messages"].as_u64()).collect();
    assert_eq!(counts, [Some(200), Some(200), Some(50), None]);
    assert_eq!(
        app.handle(event(
            "e2",
            ERASED,
            &customer,
            &json!({ "customer_id": customer, "service": "media", "removed": {}, "done": true })
        ))
        .status(),
        204
    );
    assert_eq!(app.handle(event("e3", ERASED, &customer, &json!("?"))).status(), 400);
}
