//! `POST /simulate/batch`.

use ::http::Method;
use serde_json::json;

use crate::app::TestApp;

#[test]
fn many_conversations_go_on_side_by_side() {
    let app = TestApp::start();
    let told = app.post("/simulate/batch", &json!({ "conversations": 20, "turns": 4, "seed": 3 }));
    assert_eq!((&told["status"], &told["sent"], &told["success"]), (&json!("success"), &json!(80), &json!(80)));
    assert_eq!(app.world.messages.borrow().len(), 80);
    let scenarios: std::collections::BTreeSet<String> =
        told["conversations"].as_array().unwrap().iter().map(|one| one["scenario"].to_string()).collect();
    assert!(scenarios.len() >= 6, "{scenarios:?}");
}

#[test]
fn what_did_not_come_through_is_counted() {
    let app = TestApp::start();
    app.world.front_fails(&[Ok(503), Ok(401)]);
    let body = json!({ "conversations": 4, "turns": 1, "scenarios": ["haggler"] });
    let told = app.post("/simulate/batch", &body);
    assert_eq!(told["status"], "partial");
    assert_eq!((&told["success"], &told["failed"], &told["rejected"]), (&json!(2), &json!(1), &json!(1)));
}

#[test]
fn what_there_is_no_time_for_is_told_and_not_said() {
    let app = TestApp::start();
    app.world.is_slow.set(true);
    let told =
        app.post("/simulate/batch", &json!({ "conversations": 2, "turns": 10, "scenarios": ["curious_shopper"] }));
    let (sent, unsent) = (told["sent"].as_u64().unwrap(), told["unsent"].as_u64().unwrap());
    assert!(told["status"] == "partial" && sent > 0 && unsent > 0 && sent + unsent <= 20, "{told}");
    assert_eq!(app.world.messages.borrow().len(), usize::try_from(sent).unwrap());
}

#[test]
fn more_than_fits_into_an_answer_is_refused() {
    let app = TestApp::start();
    for body in [
        json!({ "conversations": 100, "turns": 10 }),
        json!({ "conversations": 101 }),
        json!({ "turns": 0 }),
        json!({ "scenarios": ["haggler", "nobody"] }),
    ] {
        assert_eq!(app.refused(Method::POST, "/simulate/batch", &body).0, 422, "{body}");
    }
    assert!(app.world.webhooks.borrow().is_empty());
}
