//! The providers' stand-in: what it takes and refuses, and what it reports to our webhooks.

use ::http::Method;
use chat_simulator::{emulator::reports, persona};
use sdk::{
    Response,
    testing::{block_on, json, request},
};
use serde_json::{Value, json};

use crate::app::{SECOND, TestApp};

const SEND: &str = "/v23.0/999000000000001/messages";

impl TestApp {
    /// As a provider's API is called: with a credential of the provider's, and no tenant.
    fn call(&self, method: Method, path: &str, credential: &str, body: &str) -> Response {
        let mut request = request(method, path, body);
        request.headers.clear();
        if !credential.is_empty() {
            request.headers.insert("authorization", credential.parse().unwrap());
        }
        self.handle(request)
    }

    fn sends(&self, to: &str, text: &str) -> (u16, Value) {
        self.sends_by(SEND, to, text)
    }

    pub fn sends_by(&self, path: &str, to: &str, text: &str) -> (u16, Value) {
        let body = json!({
            "messaging_product": "whatsapp", "recipient_type": "individual", "to": to, "type": "text", "text": { "body": text },
            "biz_opaque_callback_data": "m-1",
        });
        let response = self.call(Method::POST, path, "Bearer token", &body.to_string());
        (response.status().as_u16(), json(&response))
    }

    fn set(&self, knobs: &Value) {
        let response = self.send(Method::PUT, "/simulate/emulator", &knobs.to_string());
        assert_eq!(response.status(), 200, "{}", String::from_utf8_lossy(response.body()));
    }

    /// Everything that is due now is reported.
    pub fn reports(&self) {
        while block_on(reports::round(&self.service)).unwrap() {}
    }

    /// The statuses that our front had, in order.
    pub fn statuses(&self) -> Vec<String> {
        let webhooks = self.world.webhooks.borrow();
        let bodies = webhooks.iter().filter_map(|sent| serde_json::from_slice::<Value>(&sent.body).ok());
        let statuses = bodies.filter_map(|body| {
            body["entry"][0]["changes"][0]["value"]["statuses"][0]["status"].as_str().map(str::to_owned)
        });
        statuses.collect()
    }
}

#[test]
fn takes_a_message_and_reports_on_it_in_meta_s_words() {
    let app = TestApp::start();
    let (status, told) = app.sends("999123456789", "hello");
    assert_eq!(status, 200);
    let id = told["messages"][0]["id"].as_str().unwrap().to_owned();
    assert!(id.starts_with("wamid.") && told["contacts"][0]["wa_id"] == "999123456789");
    app.advance(5 * SECOND);
    app.reports();
    assert_eq!(app.statuses(), ["sent", "delivered", "read"]);
    let webhooks = app.world.webhooks.borrow();
    let body: Value = serde_json::from_slice(&webhooks[0].body).unwrap();
    let reported = &body["entry"][0]["changes"][0]["value"]["statuses"][0];
    assert_eq!((&reported["id"], &reported["biz_opaque_callback_data"]), (&json!(id), &json!("m-1")));
    let kept = app.get("/simulate/emulator/messages");
    assert_eq!((&kept["data"][0]["id"], &kept["data"][0]["text"]), (&json!(id), &json!("hello")));
}

#[test]
fn reports_again_until_our_front_takes_it_and_then_no_more() {
    let app = TestApp::start();
    app.sends("999123456789", "hello");
    app.world.front_fails(&[Ok(503), Ok(500), Ok(503)]);
    for _ in 0..5 {
        app.advance(5 * SECOND);
        app.reports();
    }
    let statuses = app.statuses();
    assert_eq!(statuses.len(), 6, "three refused, and three taken: {statuses:?}");
    app.advance(600 * SECOND);
    app.reports();
    assert_eq!(app.statuses().len(), 6);
}

#[test]
fn is_as_unkind_as_it_is_told_to_be_and_the_same_each_time() {
    let app = TestApp::start();
    let unkind = json!({ "seed": 7, "error_rate": 0.5, "errors": ["130429", "131026"], "garble_rate": 0.2 });
    let fates = || {
        app.set(&unkind);
        (0..40)
            .map(|_| app.call(Method::POST, SEND, "Bearer t", &text("999123456789")).status().as_u16())
            .collect::<Vec<_>>()
    };
    let one = fates();
    assert!(one.contains(&200) && one.contains(&429) && one.contains(&400), "{one:?}");
    assert_eq!(one, fates(), "the same seed");
    let kept = app.get("/simulate/emulator");
    assert_eq!((&kept["calls"], &kept["errors"]), (&json!(40), &json!(["130429", "131026"])));
}

fn text(to: &str) -> String {
    json!({ "messaging_product": "whatsapp", "to": to, "type": "text", "text": { "body": "x" } }).to_string()
}

#[test]
fn messages_of_accounts_that_others_have_registered_are_the_operator_s_to_see() {
    let app = TestApp::start();
    app.sends_by("/v23.0/206540352242922/messages", "999123456789", "of some tenant's real account");
    app.sends("999123456789", "of the deployment's own");
    let seen = |scopes: &str, tenant: &str| {
        let headers = [("kobliat-scopes", scopes), ("kobliat-tenant", tenant)];
        json(&app.send_with(Method::GET, "/simulate/emulator/messages", "", &headers))["data"].as_array().unwrap().len()
    };
    assert_eq!((seen("admin", "default"), seen("admin", "acme")), (1, 0));
    assert_eq!((seen("admin operator", "default"), seen("admin operator", "acme")), (2, 1));
    app.advance(5 * SECOND);
    app.reports();
    assert_eq!(app.statuses().len(), 6, "all are reported, signed by the deployment");
}

#[test]
fn a_hang_takes_the_message_and_a_rate_limit_does_not() {
    let app = TestApp::start();
    app.set(&json!({ "hang_rate": 1.0, "hang_ms": 20_000 }));
    let before = app.world.now.get();
    assert_eq!(app.sends("999123456789", "slow").0, 200);
    assert_eq!(app.world.now.get() - before, 20 * SECOND);
    assert_eq!(app.get("/simulate/emulator/messages")["data"].as_array().unwrap().len(), 1);

    app.set(&json!({ "calls_per_second": 2 }));
    let statuses: Vec<u16> = (0..4).map(|_| app.sends("999123456789", "fast").0).collect();
    assert_eq!(statuses, [200, 200, 429, 429]);
    app.advance(2 * SECOND);
    assert_eq!(app.sends("999123456789", "later").0, 200);
}

#[test]
fn a_bsuid_in_to_is_dropped_without_a_word() {
    let app = TestApp::start();
    assert_eq!(app.sends("US.13491208655302741918", "hello").0, 200);
    app.advance(600 * SECOND);
    app.reports();
    assert!(app.statuses().is_empty());
    assert_eq!(app.get("/simulate/emulator/messages")["data"][0]["dropped"], true);
}

#[test]
fn without_a_credential_nothing_is_taken_and_switched_off_nothing_at_all() {
    let app = TestApp::start();
    let refused = app.call(Method::POST, SEND, "", &text("999123456789"));
    assert_eq!((refused.status().as_u16(), &json(&refused)["error"]["code"]), (401, &json!(190)));
    let twilio = app.call(
        Method::POST,
        "/2010-04-01/Accounts/AC1/Messages.json",
        "",
        "To=%2B999123456&From=%2B999000000001&Body=x",
    );
    assert_eq!((twilio.status().as_u16(), &json(&twilio)["code"]), (401, &json!(20003)));
    app.world.set("simulator", "");
    assert_eq!(app.sends("999123456789", "x").0, 403);
}

#[test]
fn twilio_takes_a_form_and_reports_to_the_callback_that_it_was_given() {
    let app = TestApp::start();
    let form = "To=%2B999123456789&From=999000000001&Body=Hi&StatusCallback=https%3A%2F%2Fkobliat.example%2Fwebhooks%2Fsms%3Fmessage_id%3Dm-2";
    let taken = app.call(Method::POST, "/2010-04-01/Accounts/AC1/Messages.json", "Basic QUMxOnRva2Vu", form);
    assert_eq!((taken.status().as_u16(), &json(&taken)["status"]), (201, &json!("queued")));
    app.advance(10 * SECOND);
    app.reports();
    let webhooks = app.world.webhooks.borrow();
    assert_eq!(webhooks.len(), 3);
    assert_eq!(webhooks[0].url, "http://inbound-gateway.spin.internal/webhooks/sms?message_id=m-2");
    let words: Vec<bool> = ["sent", "delivered", "read"]
        .iter()
        .zip(webhooks.iter())
        .map(|(word, sent)| String::from_utf8_lossy(&sent.body).contains(&format!("MessageStatus={word}")))
        .collect();
    assert_eq!(words, [true; 3]);
}

#[test]
fn twilio_shows_what_it_has_for_a_number_also_of_a_call_that_was_answered_with_rubbish() {
    let app = TestApp::start();
    let (messages, credential) = ("/2010-04-01/Accounts/AC1/Messages.json", "Basic QUMxOnRva2Vu");
    let sends = |to: &str, from: &str, text: &str| {
        let form = format!("To=%2B{to}&From={from}&Body={text}");
        app.call(Method::POST, messages, credential, &form).status().as_u16()
    };
    let list = |query: &str| json(&app.call(Method::GET, &format!("{messages}?{query}"), credential, ""));
    assert_eq!(sends("999123456789", "%2B999000000001", "one"), 201);
    app.advance(SECOND);
    app.set(&json!({ "garble_rate": 1.0 }));
    assert_eq!(sends("999123456789", "%2B999000000001", "two"), 200);
    sends("999123456789", "MG1", "three");
    sends("999000111222", "%2B999000000001", "four");
    let found = list("To=%2B999123456789&From=%2B999000000001&PageSize=200");
    let told = |found: &Value, name: &str| {
        found["messages"].as_array().unwrap().iter().map(|one| one[name].clone()).collect::<Vec<_>>()
    };
    assert_eq!(told(&found, "body"), ["two", "one"]);
    assert_eq!(told(&found, "from"), ["+999000000001"; 2]);
    assert!(found["messages"][0]["date_created"].as_str().unwrap().ends_with(" +0000"));
    assert_eq!(found["next_page_uri"], Value::Null);
    assert_eq!(told(&list("To=%2B999123456789"), "messaging_service_sid")[0], "MG1");
    let first = list("To=%2B999123456789&PageSize=1");
    assert_eq!((first["messages"].as_array().unwrap().len(), first["next_page_uri"].is_string()), (1, true));
    assert_eq!(told(&list("To=%2B999999999999"), "sid"), Vec::<Value>::new());
    assert_eq!(app.call(Method::GET, messages, credential, "").status(), 400, "for whom?");
    assert_eq!(app.call(Method::GET, &format!("{messages}?To=%2B999123456789"), "", "").status(), 401);
}

#[test]
fn media_of_personas_can_be_fetched_as_meta_gives_them() {
    let app = TestApp::start();
    let told = app.post("/simulate", &json!({ "scenario": "voice_note_sender" }));
    app.post("/simulate", &json!({ "conversation": told["conversation"]["id"] }));
    let voice = app.world.messages.borrow()[1]["audio"].clone();
    let found = app.call(Method::GET, &format!("/v23.0/{}", voice["id"].as_str().unwrap()), "Bearer t", "");
    let found = json(&found);
    assert_eq!(found["mime_type"], "audio/ogg");
    let path = found["url"].as_str().unwrap().strip_prefix("http://chat-simulator.spin.internal").unwrap().to_owned();
    assert_eq!(app.call(Method::GET, &path, "", "").status(), 401);
    let file = app.call(Method::GET, &path, "Bearer t", "");
    assert!(file.body().starts_with(b"OggS"));
    assert_eq!(found["file_size"], file.body().len());
    assert_eq!(app.call(Method::GET, "/v23.0/1037543291543636", "Bearer t", "").status(), 400);
}

/// As the platform uploads a file to Meta.
fn uploads(app: &TestApp, bytes: &str) -> Response {
    let part = |name: &str, rest: &str| format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"{rest}\r\n");
    let file = part("file", "; filename=\"a.png\"\r\nContent-Type: image/png\r\n");
    let body = format!("{}whatsapp\r\n{file}{bytes}\r\n--b--\r\n", part("messaging_product", "\r\n"));
    let mut upload = request(Method::POST, "/v23.0/999000000000001/media", body.into_bytes());
    upload.headers.clear();
    upload.headers.insert("authorization", "Bearer t".parse().unwrap());
    upload.headers.insert("content-type", "multipart/form-data; boundary=b".parse().unwrap());
    app.handle(upload)
}

fn path(place: &Value) -> String {
    place["url"].as_str().unwrap().strip_prefix("http://chat-simulator.spin.internal").unwrap().to_owned()
}

#[test]
fn an_upload_can_be_fetched_again_for_five_minutes_each_time() {
    let app = TestApp::start();
    let large = "x".repeat((2 << 20) + 7);
    let id = json(&uploads(&app, &large))["id"].as_str().unwrap().to_owned();
    let place = || json(&app.call(Method::GET, &format!("/v23.0/{id}"), "Bearer t", ""));
    let first = place();
    assert_eq!((&first["mime_type"], &first["file_size"]), (&json!("image/png"), &json!(large.len())));
    let file = app.call(Method::GET, &path(&first), "Bearer t", "");
    assert_eq!((file.status().as_u16(), file.body().as_slice()), (200, large.as_bytes()));
    assert_eq!(app.call(Method::GET, &path(&first), "", "").status(), 401);
    app.advance(301 * SECOND);
    assert_eq!(app.call(Method::GET, &path(&first), "Bearer t", "").status(), 404, "too old");
    assert_eq!(app.call(Method::GET, &path(&place()), "Bearer t", "").status(), 200);
    let refused = app.call(Method::POST, "/v23.0/999000000000001/media", "Bearer t", "bytes");
    assert_eq!(json(&refused)["error"]["code"], 100);
}

#[test]
fn files_are_as_unkind_as_the_knobs_say() {
    let app = TestApp::start();
    let id = json(&uploads(&app, "0123456789"))["id"].as_str().unwrap().to_owned();
    let place = || json(&app.call(Method::GET, &format!("/v23.0/{id}"), "Bearer t", ""));
    let right = place();
    let fetch = |place: &Value| app.call(Method::GET, &path(place), "Bearer t", "");
    app.set(&json!({ "media_expired_rate": 1 }));
    assert_eq!(fetch(&place()).status(), 404);
    app.set(&json!({ "media_wrong_hash_rate": 1 }));
    assert_ne!(place()["sha256"], right["sha256"]);
    app.set(&json!({ "media_truncated_rate": 1 }));
    assert_eq!(fetch(&right).body(), b"01234");
    app.set(&json!({ "media_slow_rate": 1, "media_slow_ms": 3000 }));
    let before = app.world.now.get();
    assert_eq!((fetch(&right).status().as_u16(), app.world.now.get() - before), (200, 3 * SECOND));
    app.set(&json!({ "media_error_rate": 1 }));
    assert_eq!((fetch(&right).status().as_u16(), uploads(&app, "x").status().as_u16()), (503, 503));
    app.set(&json!({}));
    let asset = "/2010-04-01/Accounts/AC1/Messages/SM1/Media/9990100000000001";
    assert_eq!(app.call(Method::GET, asset, "Basic x", "").status(), 200);
    assert_eq!(app.call(Method::GET, asset, "", "").status(), 401);
}

#[test]
fn a_persona_answers_what_came_to_it_through_the_provider() {
    let app = TestApp::start();
    let told = app.post("/simulate", &json!({ "scenario": "angry_customer", "answers": 3, "pace": 0 }));
    let phone = told["conversation"]["customer"]["external_id"].as_str().unwrap().to_owned();
    assert_eq!(app.sends(&phone, "We are very sorry!").0, 200);
    block_on(persona::round(&app.service)).unwrap();
    assert_eq!(app.world.messages.borrow().len(), 2);
    let lines = app.get("/simulate/conversations")["data"][0]["lines"].clone();
    assert_eq!((&lines[1]["from"], &lines[1]["text"]), (&json!("agent"), &json!("We are very sorry!")));
}

#[test]
fn knobs_are_the_operator_s_and_have_bounds() {
    let app = TestApp::start();
    let as_admin = [("kobliat-scopes", "admin")];
    assert_eq!(app.send_with(Method::PUT, "/simulate/emulator", "{}", &as_admin).status(), 403);
    for knobs in [
        json!({ "error_rate": 1.1 }),
        json!({ "errors": ["7"] }),
        json!({ "hang_ms": 30_000 }),
        json!({ "report_min_ms": 5, "report_max_ms": 4 }),
        json!({ "speed": 1 }),
    ] {
        assert_eq!(app.send(Method::PUT, "/simulate/emulator", &knobs.to_string()).status(), 422, "{knobs}");
    }
}
