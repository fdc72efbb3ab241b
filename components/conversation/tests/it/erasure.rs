//! A customer is forgotten: no conversation shows or says anything of the person, and messaging learns where to look.

use ::http::Method;
use sdk::{
    ids,
    testing::{block_on, event, json},
};
use serde_json::{Value, json};

use crate::{TestApp, inbound};

const DELETED: &str = "com.kobliat.customer.deleted.v1";

fn forget(app: &TestApp, event_id: &str, customer: &str) {
    let data = json!({ "id": customer, "deleted_at": "2025-06-08T20:59:43.000Z", "messages": "erase" });
    assert_eq!(app.handle(event(event_id, DELETED, customer, &data)).status(), 204);
}

fn told(app: &TestApp) -> Vec<Value> {
    let sql = "SELECT event FROM outbox WHERE type = 'com.kobliat.customer.erased.v1' ORDER BY position";
    let mut rows = app.memory.sqlite().prepare(sql).unwrap();
    let events = rows.query_map([], |row| row.get::<_, String>(0)).unwrap();
    events.map(|event| serde_json::from_str::<Value>(&event.unwrap()).unwrap()["data"].clone()).collect()
}

#[test]
fn what_a_conversation_shows_of_a_forgotten_customer_goes_once() {
    let app = TestApp::start();
    let customer = ids::new();
    let alone = block_on(app.resolve(&[&customer])).remove(0).unwrap().id;
    app.send(
        Method::PATCH,
        &format!("/conversations/{alone}"),
        r#"{"subject":"Refund for Ada","metadata":{"iban":"DE1"}}"#,
    );
    let stranger = app.open().id;
    let group = json!({ "type": "group", "participants": [customer, ids::new()], "subject": "Team" }).to_string();
    let group = json(&app.send(Method::POST, "/conversations", &group))["id"].as_str().unwrap().to_owned();
    for id in [&alone, &stranger, &group] {
        app.touch(&[inbound(id, 1)]);
    }
    let version = app.get(&alone).updated_at;
    for _ in 0..2 {
        forget(&app, "e1", &customer);
    }
    let erased = app.get(&alone);
    assert_eq!((&erased.subject, &erased.last_message_preview, erased.metadata.as_str()), (&None, &None, "{}"));
    assert!(erased.updated_at > version && app.walk("/conversations?q=refund").is_empty());
    assert_eq!((app.get(&group).subject.as_deref(), app.get(&group).last_message_preview), (Some("Team"), None));
    assert!(app.get(&stranger).last_message_preview.is_some());
    let told = told(&app);
    assert_eq!(told.len(), 1, "once, however often the event comes");
    assert_eq!(
        (&told[0]["customer_id"], &told[0]["service"], &told[0]["done"]),
        (&json!(customer), &json!("conversation"), &json!(true))
    );
    assert_eq!(told[0]["removed"], json!({ "previews": 2, "subjects": 1, "answers": 0 }));
    let mut places: Vec<_> = told[0]["conversations"].as_array().unwrap().clone();
    places.sort_by_key(|place| place["id"].as_str().map(str::to_owned));
    assert_eq!(places, [json!({ "id": alone, "direct": true }), json!({ "id": group, "direct": false })]);
}

#[test]
fn what_was_said_stays_unless_it_is_to_go_but_messaging_learns_where_it_is() {
    let app = TestApp::start();
    let customer = ids::new();
    let id = block_on(app.resolve(&[&customer])).remove(0).unwrap().id;
    app.touch(&[inbound(&id, 1)]);
    for (event_id, data) in [("e1", json!({ "id": customer, "messages": "keep" })), ("e2", json!({ "id": customer }))] {
        assert_eq!(app.handle(event(event_id, DELETED, &customer, &data)).status(), 204);
    }
    assert_eq!(app.get(&id).last_message_preview.as_deref(), Some("message 1"));
    let told = told(&app);
    assert_eq!(
        (&told[0]["messages"], &told[0]["removed"], &told[1]["messages"]),
        (&json!("keep"), &json!({}), &json!("keep"))
    );
    assert_eq!(told[0]["conversations"], json!([{ "id": id, "direct": true }]));
}

#[test]
fn a_customer_without_conversations_is_reported_too_and_many_are_told_in_parts() {
    let app = TestApp::start();
    forget(&app, "e1", &ids::new());
    assert_eq!((told(&app)[0]["done"].clone(), told(&app)[0]["conversations"].clone()), (json!(true), json!([])));
    let customer = ids::new();
    for _ in 0..501 {
        let body = json!({ "type": "group", "participants": [customer, ids::new()] }).to_string();
        assert_eq!(app.send(Method::POST, "/conversations", &body).status(), 201);
    }
    forget(&app, "e2", &customer);
    let parts: Vec<_> = told(&app)[1..]
        .iter()
        .map(|part| (part["conversations"].as_array().unwrap().len(), part["done"] == true))
        .collect();
    assert_eq!(parts, [(500, false), (1, true)]);
}
