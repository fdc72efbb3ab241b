//! Outbound messages: to the provider once, its statuses back, and what becomes of a provider's faults and of ours.

use crate::people::text;
use kobliat_e2e::provider::{Mood, Provider};
use kobliat_e2e::whatsapp::{ACCOUNT, contact, delivery, message};
use kobliat_e2e::{Outside, TestApp, eventually, in_both_modes};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

/// A platform that sends to this provider. Faults are repeated at once, and nobody is waited for long.
async fn platform(mode: kobliat_e2e::Mode, provider: &Provider) -> TestApp {
    TestApp::start_with(mode, &variables(&provider.url())).await
}

fn variables(provider: &str) -> [(&'static str, &str); 4] {
    [
        ("whatsapp_api_base_url", provider),
        ("whatsapp_access_token", "e2e-access-token"),
        ("outbound_retry_ms", "50,50,50"),
        ("outbound_timeout_ms", "1500"),
    ]
}

/// The conversation of somebody who has just written; its id.
async fn conversation(outside: &Outside) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs().to_string();
    let mut hello = message("wamid.hello", "16505551234", "text", json!({"body": "hello?"}));
    hello["timestamp"] = json!(now);
    let body = delivery(json!({"contacts": [contact("16505551234", "Ann")], "messages": [hello]}));
    assert_eq!(outside.webhook(&body).await.expect(200)["accepted"], 1);
    text(&outside.conversations().await[0], "id")
}

/// Writes to Ann; the message's path.
async fn write(outside: &Outside, conversation: &str, words: &str) -> String {
    let new = json!({"conversation_id": conversation, "direction": "outbound", "body": words});
    let message = outside.post("/api/v1/messages", &new).await.expect(201);
    assert_eq!(message["status"], "queued");
    format!("/api/v1/messages/{}", text(&message, "id"))
}

async fn reaches(outside: &Outside, message: &str, status: &str) -> Value {
    eventually(&format!("the message is {status}"), async || {
        let message = outside.get(message).await.expect(200);
        (message["status"] == status).then_some(message)
    })
    .await
}

/// As the provider reports, with our message's id.
async fn report(outside: &Outside, id: &str, status: &str, ours: &str) {
    let status = json!({
        "id": id, "status": status, "timestamp": "1749416390", "recipient_id": "16505551234",
        "biz_opaque_callback_data": ours,
    });
    assert_eq!(outside.webhook(&delivery(json!({"statuses": [status]}))).await.expect(200)["accepted"], 1);
}

in_both_modes! {
    async fn a_message_reaches_the_provider_once_and_its_statuses_come_back(mode: Mode) {
        if kobliat_e2e::skipped("our event broker") {
            return;
        }
        let provider = Provider::start().await;
        let app = platform(mode, &provider).await;
        let conversation = conversation(&app).await;
        let path = write(&app, &conversation, "Yes, it does!").await;

        let sent = reaches(&app, &path, "sent").await;
        assert_eq!((&sent["external_message_id"], &sent["channel_account_id"]), (&json!("wamid.1"), &json!(ACCOUNT)));
        let calls = provider.calls();
        assert_eq!(calls.len(), 1);
        assert_eq!(calls[0].path, format!("/v23.0/{ACCOUNT}/messages"));
        assert_eq!(calls[0].body, json!({
            "messaging_product": "whatsapp", "recipient_type": "individual", "to": "16505551234", "type": "text",
            "text": {"body": "Yes, it does!"}, "biz_opaque_callback_data": sent["id"],
        }));
        for status in ["delivered", "read"] {
            report(&app, "wamid.1", status, &text(&sent, "id")).await;
            reaches(&app, &path, status).await;
        }
        assert_eq!(provider.calls().len(), 1);
        app.stop().await;
    }

    async fn a_fault_that_stays_is_a_failure_with_its_reason_and_a_person_sends_again(mode: Mode) {
        if kobliat_e2e::skipped("our event broker") {
            return;
        }
        let provider = Provider::start().await;
        let app = platform(mode, &provider).await;
        let conversation = conversation(&app).await;
        provider.is(Mood::Answers(500, json!({"error": {"code": 2, "message": "Service temporarily unavailable"}})));
        let path = write(&app, &conversation, "hello").await;

        let failed = reaches(&app, &path, "failed").await;
        assert_eq!(failed["metadata"]["failure"], json!({"code": "2", "reason": "Service temporarily unavailable"}));
        assert_eq!(provider.calls().len(), 4, "once, and three times again");

        provider.is(Mood::Takes);
        let retry = format!("{path}/retry");
        assert_eq!(app.post(&retry, &json!({})).await.expect(202)["status"], "queued");
        let sent = reaches(&app, &path, "sent").await;
        assert!(sent["metadata"].get("failure").is_none());
        assert_eq!(provider.calls().len(), 5);
        app.post(&retry, &json!({})).await.expect_problem(409, "conflict");
        app.stop().await;
    }

    async fn what_may_have_arrived_is_unknown_and_not_sent_twice(mode: Mode) {
        if kobliat_e2e::skipped("our event broker") {
            return;
        }
        let provider = Provider::start().await;
        let app = platform(mode, &provider).await;
        let conversation = conversation(&app).await;
        for (number, mood) in [Mood::Hangs, Mood::HangsUp, Mood::Babbles].into_iter().enumerate() {
            let (words, id) = (format!("{mood:?}"), format!("wamid.late.{number}"));
            provider.is(mood);
            let path = write(&app, &conversation, &words).await;
            let unknown = reaches(&app, &path, "unknown").await;
            assert!(unknown["metadata"]["failure"]["reason"].is_string(), "{unknown}");
            provider.is(Mood::Takes);
            // The provider had it: its status says so, and which message it is.
            report(&app, &id, "delivered", &text(&unknown, "id")).await;
            assert_eq!(reaches(&app, &path, "delivered").await["external_message_id"], json!(id));
            assert_eq!(provider.calls_with(&words), 1, "{words}");
        }
        app.stop().await;
    }

    async fn a_refused_token_stops_the_channel_visibly_until_it_is_started(mode: Mode) {
        if kobliat_e2e::skipped("our event broker") {
            return;
        }
        let provider = Provider::start().await;
        let app = platform(mode, &provider).await;
        let account = json!({"kind": "whatsapp", "provider_id": ACCOUNT});
        let account = app.post("/api/v1/channels", &account).await.expect(201);
        let account = format!("/api/v1/channels/{}", text(&account, "id"));
        let conversation = conversation(&app).await;
        provider.is(Mood::Answers(401, json!({"error": {"code": 190, "message": "Access token has expired"}})));
        let first = write(&app, &conversation, "one").await;
        reaches(&app, &first, "failed").await;
        let second = write(&app, &conversation, "two").await;
        let second = reaches(&app, &second, "failed").await;
        assert_eq!(second["metadata"]["failure"]["reason"], "the channel is stopped: Access token has expired");
        assert_eq!(provider.calls().len(), 1);

        let stopped = app.get("/api/v1/channels").await.expect(200)["data"][0].clone();
        assert_eq!((&stopped["status"], &stopped["sending"]), (&json!("active"), &json!("stopped")));
        assert_eq!(stopped["stopped"][0]["reason"], "Access token has expired");
        provider.is(Mood::Takes);
        let started = app.api(http::Method::POST, &format!("{account}/start"), &[], "").await.expect(200);
        assert_eq!((&started["sending"], &started["stopped"]), (&json!("active"), &json!([])));
        let third = write(&app, &conversation, "three").await;
        reaches(&app, &third, "sent").await;
        app.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_during_the_call_leaves_it_unknown_and_not_sent_twice() {
    if kobliat_e2e::skipped("our event broker") {
        return;
    }
    let provider = Provider::start().await;
    let state = Arc::new(tempfile::tempdir().unwrap());
    let process = crate::up().variables(&variables(&provider.url())).start(&state).await;
    let conversation = conversation(process.outside()).await;
    provider.is(Mood::Hangs);
    let path = write(process.outside(), &conversation, "once").await;
    eventually("the provider is called", async || (provider.calls_with("once") == 1).then_some(())).await;
    process.kill().await;

    provider.is(Mood::Takes);
    let process = crate::up().variables(&variables(&provider.url())).start(&state).await;
    let unknown = reaches(process.outside(), &path, "unknown").await;
    assert_eq!(unknown["metadata"]["failure"]["code"], "interrupted");
    assert_eq!(provider.calls_with("once"), 1);
    process.terminate();
    assert!(process.ended().await.status.success());
}
