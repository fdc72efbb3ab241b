//! What happens becomes an event, and reaches who should know: operators, and the endpoints of tenants.

use kobliat_e2e::whatsapp::SAMPLE;
use kobliat_e2e::{Mode, Receiver, TestApp, eventually, in_both_modes};
use serde_json::{Value, json};

const TRIAL: [(&str, &str); 2] = [("webhook_allow_private", "true"), ("webhook_first_retry_ms", "3000")];

async fn endpoint(app: &TestApp, receiver: &Receiver) -> Value {
    let wanted = json!({ "url": receiver.url(), "events": ["com.kobliat.message.*"] });
    app.post("/api/v1/webhook-endpoints", &wanted).await.expect(201)
}

async fn until_taken(receiver: &Receiver, count: usize) {
    let taken = || receiver.got().iter().filter(|got| got.status == 204).count();
    eventually("the receiver has taken it", async || (taken() >= count).then_some(())).await;
}

in_both_modes! {
    async fn a_message_becomes_a_notification_and_a_signed_webhook_once(mode: Mode) {
        if kobliat_e2e::skipped("our event broker") {
            return;
        }
        let (app, receiver) = (TestApp::start_with(mode, &TRIAL).await, Receiver::start().await);
        let endpoint = endpoint(&app, &receiver).await;
        app.webhook_bytes(SAMPLE).await.expect(200);
        app.webhook_bytes(SAMPLE).await.expect(200);
        until_taken(&receiver, 1).await;
        eventually("the operator sees the new conversation", async || {
            let list = app.get("/api/v1/notifications?unread=true").await.expect(200);
            (list["data"][0]["kind"] == "conversation.new").then_some(())
        })
        .await;
        // A second message is behind the first in the same queue: when it is there, a repetition of the first would be, too.
        let conversation = app.conversations().await[0]["id"].clone();
        let note = json!({ "conversation_id": conversation, "direction": "system", "body": "noted" });
        app.post("/api/v1/messages", &note).await.expect(201);
        until_taken(&receiver, 2).await;
        let types: Vec<Value> = receiver.got().iter().map(|got| serde_json::from_str::<Value>(&got.body).unwrap()["type"].clone()).collect();
        assert_eq!(types, ["com.kobliat.message.received.v1", "com.kobliat.message.noted.v1"]);
        assert!(receiver.got()[0].is_signed_by(endpoint["secret"].as_str().unwrap()));
        app.stop().await;
    }

    async fn a_receiver_that_fails_gets_it_when_it_recovers(mode: Mode) {
        if kobliat_e2e::skipped("our event broker") {
            return;
        }
        let (app, receiver) = (TestApp::start_with(mode, &TRIAL).await, Receiver::start().await);
        let endpoint = endpoint(&app, &receiver).await;
        receiver.answers(500);
        app.webhook_bytes(SAMPLE).await.expect(200);
        eventually("the receiver has failed", async || (!receiver.got().is_empty()).then_some(())).await;
        receiver.answers(204);
        until_taken(&receiver, 1).await;
        let got = receiver.got();
        let ids: Vec<&String> = got.iter().map(|got| &got.headers["webhook-id"]).collect();
        assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
        let path = format!("/api/v1/webhook-endpoints/{}/attempts", endpoint["id"].as_str().unwrap());
        eventually("the log says so", async || {
            (app.get(&path).await.expect(200)["data"][0]["status"] == "succeeded").then_some(())
        })
        .await;
        app.stop().await;
    }

    async fn after_a_rotation_both_secrets_sign(mode: Mode) {
        if kobliat_e2e::skipped("our event broker") {
            return;
        }
        let (app, receiver) = (TestApp::start_with(mode, &TRIAL).await, Receiver::start().await);
        let endpoint = endpoint(&app, &receiver).await;
        let path = format!("/api/v1/webhook-endpoints/{}", endpoint["id"].as_str().unwrap());
        let rotated = app.post(&format!("{path}/rotate-secret"), &json!({})).await.expect(200);
        app.post(&format!("{path}/test"), &json!({})).await.expect(202);
        until_taken(&receiver, 1).await;
        for secret in [&endpoint["secret"], &rotated["secret"]] {
            assert!(receiver.got()[0].is_signed_by(secret.as_str().unwrap()));
        }
        assert_ne!(endpoint["secret"], rotated["secret"]);
        app.stop().await;
    }

    /// Nobody said that private networks may be reached.
    async fn a_private_address_is_refused(mode: Mode) {
        if kobliat_e2e::skipped("our event broker") {
            return;
        }
        let (app, receiver) = (TestApp::start(mode).await, Receiver::start().await);
        let wanted = json!({ "url": receiver.url(), "events": ["*"] });
        app.post("/api/v1/webhook-endpoints", &wanted).await.expect(422);
        app.stop().await;
    }
}

/// The endpoint is from a trial; the host looks at the addresses when it connects.
#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_leads_into_a_private_network_is_not_connected_to_once_the_trial_is_over() {
    if kobliat_e2e::skipped("our event broker") {
        return;
    }
    let (trial, receiver) = (TestApp::start_with(Mode::Links, &TRIAL).await, Receiver::start().await);
    let url = receiver.url().replace("127.0.0.1", "localhost");
    let wanted = json!({ "url": url, "events": ["*"] });
    let endpoint = trial.post("/api/v1/webhook-endpoints", &wanted).await.expect(201);
    let path = format!("/api/v1/webhook-endpoints/{}", endpoint["id"].as_str().unwrap());
    trial.post(&format!("{path}/test"), &json!({})).await.expect(202);
    until_taken(&receiver, 1).await;
    let app = TestApp::start_on(trial.stop().await, Mode::Links).await;
    app.post(&format!("{path}/test"), &json!({})).await.expect(202);
    eventually("the attempt was refused", async || {
        let attempts = app.get(&format!("{path}/attempts")).await.expect(200);
        (attempts["data"][0]["status"] == "failed").then_some(())
    })
    .await;
    assert_eq!(receiver.got().len(), 1, "nothing came after the trial");
    app.stop().await;
}
