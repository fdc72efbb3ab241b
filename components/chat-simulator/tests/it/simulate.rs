//! `POST /simulate`: what is said, how it reaches our front, and what the answer tells of it.

use ::http::Method;
use sdk::{outgoing::Failure, testing::json};
use serde_json::{Value, json};

use crate::app::TestApp;

fn shopper() -> Value {
    json!({ "scenario": "curious_shopper", "seed": 7 })
}

#[test]
fn a_message_reaches_our_front_signed_as_meta_signs_it() {
    let app = TestApp::start();
    let told = app.post("/simulate", &shopper());
    assert_eq!(told["status"], "success");
    assert_eq!(told["source"], "engine");
    assert_eq!(
        told["gateway_response"],
        json!({ "status": 200, "body": { "status": "received", "processed": true, "accepted": 1, "duplicates": 0, "ignored": 0, "rejected": 0 } })
    );
    let taken = app.world.messages.borrow();
    assert_eq!(taken.len(), 1);
    assert_eq!(taken[0]["text"]["body"], told["generated_message"]);
    let phone = taken[0]["from"].as_str().unwrap();
    assert!(phone.starts_with("999") && phone.len() == 15, "a number that is nobody's: {phone}");
    assert_eq!(told["conversation"]["customer"]["external_id"], phone);
}

#[test]
fn the_same_seed_says_the_same_and_another_person_says_it() {
    let app = TestApp::start();
    let (one, two) = (app.post("/simulate", &shopper()), app.post("/simulate", &shopper()));
    assert_eq!(one["generated_message"], two["generated_message"]);
    assert_ne!(one["conversation"]["customer"]["external_id"], two["conversation"]["customer"]["external_id"]);
    assert_eq!(app.world.messages.borrow().len(), 2);
}

#[test]
fn a_conversation_goes_on_and_hears_the_agent() {
    let app = TestApp::start();
    let first = app.post("/simulate", &json!({ "scenario": "angry_customer" }));
    let id = first["conversation"]["id"].as_str().unwrap().to_owned();
    let second = app.post("/simulate", &json!({ "conversation": id, "message": "I am so sorry!" }));
    let said = second["generated_message"].as_str().unwrap();
    assert!(
        ["Sorry does not", "Everybody is sorry", "Thank you. And now?"].iter().any(|start| said.starts_with(start)),
        "{said}"
    );
    assert_eq!(second["conversation"]["customer"], first["conversation"]["customer"]);
    let kept = app.get(&format!("/simulate/conversations/{id}"));
    let who: Vec<&str> = kept["lines"].as_array().unwrap().iter().map(|line| line["from"].as_str().unwrap()).collect();
    assert_eq!(who, ["customer", "agent", "customer"]);
    assert_eq!(app.get("/simulate/conversations")["data"][0], kept);
}

#[test]
fn a_whole_script_is_text_pictures_voice_silence_and_a_goodbye() {
    let app = TestApp::start();
    let first = app.post("/simulate", &json!({ "scenario": "chatty_grandmother" }));
    let again = json!({ "conversation": first["conversation"]["id"] });
    let said: Vec<Value> = (0..7).map(|_| app.post("/simulate", &again)).collect();
    let statuses: Vec<&str> = said.iter().map(|told| told["status"].as_str().unwrap()).collect();
    assert_eq!(statuses, ["success", "success", "silent", "success", "success", "success", "over"]);
    assert_eq!((&said[2]["generated_message"], &said[2]["gateway_response"]), (&Value::Null, &Value::Null));
    assert!(said[2]["pause_ms"].as_u64().unwrap() >= 45_000);
    let taken = app.world.messages.borrow();
    let kinds: Vec<&str> = taken.iter().map(|message| message["type"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["text", "text", "image", "text", "audio", "text"]);
    assert_eq!(taken[4]["audio"]["voice"], true);
    assert!(taken[2]["image"]["sha256"].as_str().unwrap().ends_with('='));
}

#[test]
fn the_status_tells_the_truth_about_the_front() {
    let app = TestApp::start();
    app.world.front_fails(&[Ok(503), Err(Failure::TimedOut)]);
    let down = app.post("/simulate", &shopper());
    assert_eq!((&down["status"], &down["gateway_response"]["status"]), (&json!("failed"), &json!(503)));
    let id = down["conversation"]["id"].clone();
    let silent = app.post("/simulate", &json!({ "conversation": id }));
    assert_eq!(
        (&silent["status"], &silent["gateway_response"]["error"]),
        (&json!("failed"), &json!("no answer in time"))
    );
    let up = app.post("/simulate", &json!({ "conversation": id }));
    assert_eq!(up["status"], "success");
    assert_eq!(up["generated_message"], down["generated_message"], "what nobody heard is said again");
    let ids: Vec<Value> = app.world.webhooks.borrow().iter().map(|sent| message_id(&sent.body)).collect();
    assert!(ids.iter().all(|id| *id == ids[0]), "under the same id: {ids:?}");

    app.world.set("whatsapp_app_secret", "another secret");
    let refused = app.post("/simulate", &json!({ "conversation": id }));
    assert_eq!((&refused["status"], &refused["gateway_response"]["status"]), (&json!("rejected"), &json!(401)));
}

fn message_id(body: &[u8]) -> Value {
    let body: Value = serde_json::from_slice(body).unwrap();
    body["entry"][0]["changes"][0]["value"]["messages"][0]["id"].clone()
}

#[test]
fn sms_comes_as_a_signed_form() {
    let app = TestApp::start();
    let told = app.post("/simulate", &json!({ "scenario": "haggler", "channel": "sms" }));
    assert_eq!(told["status"], "success");
    let sent = app.world.webhooks.borrow()[0].clone();
    assert_eq!(sent.url, "http://inbound-gateway.spin.internal/webhooks/sms");
    assert!(!crate::world::header(&sent, "x-twilio-signature").is_empty());
    let form = String::from_utf8(sent.body).unwrap();
    assert!(
        form.contains("MessageSid=SM") && form.contains("To=%2B999000000001") && form.contains("From=%2B999"),
        "{form}"
    );
}

#[test]
fn what_is_wrong_is_refused_by_name() {
    let app = TestApp::start();
    for (body, pointer) in [
        (json!({}), "/scenario"),
        (json!({ "scenario": "polite_robot" }), "/scenario"),
        (json!({ "scenario": "haggler", "seed": -1 }), "/seed"),
        (json!({ "scenario": "haggler", "pace": 11 }), "/pace"),
        (json!({ "scenario": "haggler", "answers": 51 }), "/answers"),
        (json!({ "scenario": "haggler", "channel": "pigeon" }), "/channel"),
        (json!({ "scenario": "haggler", "messsage": "x" }), "/messsage"),
        (json!({ "conversation": "019a0000-0000-7000-8000-000000000001", "seed": 1 }), "/seed"),
        (json!({ "scenario": "haggler", "message": "x".repeat(4097) }), "/message"),
    ] {
        let (status, problem) = app.refused(Method::POST, "/simulate", &body);
        assert_eq!((status, &problem["errors"][0]["pointer"]), (422, &json!(pointer)), "{problem}");
    }
    let unknown = json!({ "conversation": "019a0000-0000-7000-8000-000000000001" });
    assert_eq!(app.refused(Method::POST, "/simulate", &unknown).0, 404);
    assert!(app.world.webhooks.borrow().is_empty(), "nothing was sent");
}

#[test]
fn it_is_off_unless_the_deployment_wants_it_and_for_administrators_only() {
    let app = TestApp::start();
    let as_agent = [("kobliat-scopes", "messages:write conversations:read")];
    let refused = app.send_with(Method::POST, "/simulate", &shopper().to_string(), &as_agent);
    assert_eq!(refused.status(), 403);
    app.world.set("simulator", "");
    let off = app.send(Method::POST, "/simulate", &shopper().to_string());
    assert_eq!((off.status().as_u16(), &json(&off)["code"]), (403, &json!("simulator_off")));
    assert!(app.world.webhooks.borrow().is_empty());
}

#[test]
fn an_idempotency_key_says_it_once() {
    let app = TestApp::start();
    let send = || app.send_with(Method::POST, "/simulate", &shopper().to_string(), &[("idempotency-key", "\"k-1\"")]);
    let (first, second) = (send(), send());
    assert_eq!(first.body(), second.body());
    assert_eq!(second.headers()["idempotency-replayed"], "true");
    assert_eq!(app.world.messages.borrow().len(), 1);
}

#[test]
fn another_tenants_conversation_is_not_there() {
    let app = TestApp::start();
    let id = app.post("/simulate", &shopper())["conversation"]["id"].as_str().unwrap().to_owned();
    let path = format!("/simulate/conversations/{id}");
    for method in [Method::GET, Method::DELETE] {
        assert_eq!(app.send_with(method, &path, "", &[("kobliat-tenant", "acme")]).status(), 404);
    }
    assert_eq!(app.send_with(Method::GET, "/simulate/conversations", "", &[("kobliat-tenant", "acme")]).status(), 200);
    assert_eq!(app.send(Method::DELETE, &path, "").status(), 204);
}

#[test]
fn the_scenarios_are_listed() {
    let listed = TestApp::start().get("/simulate/scenarios");
    let names: Vec<&str> = listed["data"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
    assert!(names.contains(&"curious_shopper") && names.contains(&"angry_customer") && names.len() >= 6, "{names:?}");
}

#[test]
fn its_health_tells_a_variable_that_makes_no_sense() {
    let app = TestApp::start();
    assert_eq!(app.send(Method::GET, "/health", "").status(), 200);
    for (name, value) in [("simulator", "yes"), ("simulator_retention_days", "0"), ("gemini_timeout_ms", "8s")] {
        app.world.set(name, value);
        let health = app.send(Method::GET, "/health", "");
        assert!(health.status() == 503 && json(&health)["detail"].as_str().unwrap().contains(name));
    }
}
