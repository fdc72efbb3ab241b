//! The language model: what it is asked, and what happens when it does not answer.

use sdk::outgoing::Failure;
use serde_json::{Value, json};

use crate::{
    app::{SECOND, TestApp},
    world::header,
};

const KEY: &str = "AIza-secret-key";

fn app_with_model(answer: Result<(u16, Value), Failure>) -> TestApp {
    let app = TestApp::start();
    app.world.set("gemini_api_key", KEY);
    app.world.set("gemini_model", "gemini-test");
    app.world.model.replace(Some(answer));
    app
}

fn words(text: &str) -> Value {
    json!({ "candidates": [{ "content": { "parts": [{ "text": text }], "role": "model" }, "finishReason": "STOP" }] })
}

#[test]
fn the_model_words_the_message_and_the_key_is_in_its_header_only() {
    let app = app_with_model(Ok((200, words("Good evening, is the lamp still there?"))));
    let told = app.post("/simulate", &json!({ "scenario": "curious_shopper" }));
    assert_eq!((&told["source"], &told["fallback_reason"]), (&json!("gemini"), &Value::Null));
    assert_eq!(told["generated_message"], "Good evening, is the lamp still there?");
    assert_eq!(app.world.messages.borrow()[0]["text"]["body"], told["generated_message"]);

    let asked = app.world.asked.borrow()[0].clone();
    assert_eq!(asked.url, "https://generativelanguage.googleapis.com/v1beta/models/gemini-test:generateContent");
    assert_eq!(header(&asked, "x-goog-api-key"), KEY);
    let body = String::from_utf8(asked.body).unwrap();
    assert!(!body.contains(KEY) && !told.to_string().contains(KEY));
    let body: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(body["safetySettings"].as_array().unwrap().len(), 4);
    assert_eq!(body["generationConfig"]["thinkingConfig"], Value::Null, "no model that is known to take it");
    assert!(body["systemInstruction"]["parts"][0]["text"].as_str().unwrap().contains("You write to a shop's chat"));
}

#[test]
fn it_is_told_what_both_sides_said() {
    let app = app_with_model(Ok((200, words("one"))));
    let first = app.post("/simulate", &json!({ "scenario": "curious_shopper" }));
    app.post("/simulate", &json!({ "conversation": first["conversation"]["id"], "message": "It is!" }));
    let body: Value = serde_json::from_slice(&app.world.asked.borrow()[1].body).unwrap();
    let turns: Vec<(&str, &str)> = body["contents"]
        .as_array()
        .unwrap()
        .iter()
        .map(|turn| (turn["role"].as_str().unwrap(), turn["parts"][0]["text"].as_str().unwrap()))
        .collect();
    assert_eq!(turns, [("user", "(The chat is open.)"), ("model", "one"), ("user", "It is!")]);
}

#[test]
fn the_engine_speaks_when_the_model_does_not_and_says_why() {
    let engine = TestApp::start().post("/simulate", &json!({ "scenario": "haggler", "seed": 5 }));
    assert_eq!(engine["fallback_reason"], "no key: the variable gemini_api_key is empty");
    let blocked = json!({ "promptFeedback": { "blockReason": "SAFETY" } });
    for (answer, reason) in [
        (Err(Failure::TimedOut), "no answer in time"),
        (Ok((500, json!({ "error": { "status": "INTERNAL" } }))), "answered 500: INTERNAL"),
        (Ok((200, blocked)), "the prompt was blocked: SAFETY"),
        (Ok((200, words("  "))), "the answer has no text"),
        (Ok((429, json!({}))), "the quota is used up"),
        (Ok((503, json!({ "error": { "status": "UNAVAILABLE" } }))), "answered 503: UNAVAILABLE"),
        (Ok((200, json!({ "candidates": [{ "finishReason": "RECITATION" }] }))), "the answer was withheld: RECITATION"),
        (
            Ok((200, json!({ "candidates": [{ "finishReason": "MAX_TOKENS" }] }))),
            "its tokens were used up before it said anything",
        ),
    ] {
        let app = app_with_model(answer);
        let told = app.post("/simulate", &json!({ "scenario": "haggler", "seed": 5 }));
        assert_eq!(
            (&told["source"], &told["fallback_reason"], &told["status"]),
            (&json!("engine"), &json!(reason), &json!("success"))
        );
        assert_eq!(told["generated_message"], engine["generated_message"]);
    }
}

#[test]
fn a_model_whose_quota_is_used_up_is_left_alone_for_as_long_as_it_says() {
    let info = json!({ "error": { "details": [{ "retryDelay": "30s" }] } });
    let app = app_with_model(Ok((429, info)));
    let say = || app.post("/simulate", &json!({ "scenario": "haggler" }));
    say();
    app.world.model.replace(Some(Ok((200, words("oi")))));
    app.advance(29 * SECOND);
    assert_eq!(say()["fallback_reason"], "the quota was used up a moment ago");
    assert_eq!(app.world.asked.borrow().len(), 1);
    app.advance(2 * SECOND);
    assert_eq!(say()["source"], "gemini");
}

#[test]
fn a_model_name_that_is_none_leads_nowhere() {
    let app = app_with_model(Ok((200, words("x"))));
    app.world.set("gemini_model", "../../evil?key=");
    assert_eq!(app.post("/simulate", &json!({ "scenario": "haggler" }))["source"], "engine");
    assert!(app.world.asked.borrow().is_empty());
}
