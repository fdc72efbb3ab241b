//! Personas that answer what the agent wrote, by themselves and in their own time.

use chat_simulator::{persona, store::personas};
use sdk::testing::block_on;
use serde_json::{Value, json};

use crate::app::{SECOND, TestApp};

/// The agent writes to it, as a provider would bring it.
fn hears(app: &TestApp, conversation: &Value, text: &str) {
    let customer = &conversation["customer"];
    let (account, phone) =
        (conversation["channel_account_id"].as_str().unwrap(), customer["external_id"].as_str().unwrap());
    let found = block_on(personas::by_number(&app.service.database, "whatsapp", account, phone)).unwrap();
    block_on(persona::hear(&app.service, &mut found.unwrap(), text)).unwrap();
}

#[test]
fn answers_after_the_time_that_it_takes_to_type() {
    let app = TestApp::start();
    let told = app.post("/simulate", &json!({ "scenario": "chatty_grandmother", "answers": 2 }));
    hears(&app, &told["conversation"], "Buongiorno!");
    app.round();
    assert_eq!(app.world.messages.borrow().len(), 1, "she is still typing");
    app.advance(30 * SECOND);
    app.round();
    app.round();
    assert_eq!(app.world.messages.borrow().len(), 2, "once");
    let kept = app.get("/simulate/conversations")["data"][0].clone();
    assert_eq!((&kept["answers_left"], &kept["speaks_at"]), (&json!(1), &Value::Null));
}

#[test]
fn answers_at_once_where_the_pace_is_nought_and_as_often_as_it_was_told() {
    let app = TestApp::start();
    let told = app.post("/simulate", &json!({ "scenario": "angry_customer", "answers": 2, "pace": 0 }));
    for _ in 0..4 {
        hears(&app, &told["conversation"], "I'm sorry.");
        app.round();
    }
    assert_eq!(app.world.messages.borrow().len(), 3);
    assert!(app.service.is_due.get(), "somebody is to look behind the answer");
}

#[test]
fn keeps_silent_and_speaks_up_afterwards() {
    let app = TestApp::start();
    let told = app.post("/simulate", &json!({ "scenario": "silent_type", "answers": 5 }));
    hears(&app, &told["conversation"], "Un technicien ?");
    app.round();
    assert_eq!(app.world.messages.borrow().len(), 1);
    app.advance(181 * SECOND);
    app.round();
    assert_eq!(app.world.messages.borrow().len(), 2, "after its silence it answers");
}

#[test]
fn says_it_later_when_our_front_is_down_and_never_twice() {
    let app = TestApp::start();
    let told = app.post("/simulate", &json!({ "scenario": "haggler", "answers": 1, "pace": 0 }));
    app.world.front_fails(&[Ok(503)]);
    hears(&app, &told["conversation"], "Boa tarde");
    app.round();
    assert_eq!(app.world.messages.borrow().len(), 1);
    app.advance(10 * SECOND);
    app.round();
    app.advance(60 * SECOND);
    app.round();
    assert_eq!(app.world.messages.borrow().len(), 2);
}

#[test]
fn a_refusal_ends_it() {
    let app = TestApp::start();
    let told = app.post("/simulate", &json!({ "scenario": "haggler", "answers": 9, "pace": 0 }));
    app.world.front_fails(&[Ok(401)]);
    hears(&app, &told["conversation"], "Boa tarde");
    app.round();
    assert_eq!(app.get("/simulate/conversations")["data"][0]["answers_left"], 0);
}
