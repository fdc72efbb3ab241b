//! A webhook becomes a customer, a conversation and a message, once.

use http::Method;
use kobliat_e2e::whatsapp::{self, SAMPLE, SAMPLE_ID};
use kobliat_e2e::{TestApp, in_both_modes, secrets};
use serde_json::json;

in_both_modes! {
    /// Meta's own sample, byte for byte: listed, told in detail, found by the customer's number; a repetition changes nothing.
    async fn a_signed_text_becomes_a_conversation(mode: Mode) {
        let app = TestApp::start(mode).await;

        let answer = app.webhook_bytes(SAMPLE).await.expect(200);
        assert_eq!(answer, json!({"status": "received", "processed": true, "accepted": 1, "duplicates": 0, "ignored": 0}));

        let listed = app.get("/api/v1/conversations").await.expect(200);
        let conversation = &listed["data"][0];
        assert_eq!(listed["data"].as_array().unwrap().len(), 1);
        assert_eq!(conversation["participants"][0]["name"], "Sheena Nelson");
        assert_eq!(conversation["participants"][0]["external_id"], "16505551234");
        assert_eq!(conversation["last_message_preview"], "Does it come in another color?");
        assert_eq!(conversation["last_message_at"], "2025-06-08T20:59:43.000Z");
        assert_eq!(conversation["unread_count"], 1);
        assert_eq!((&conversation["channel"], &conversation["type"]), (&json!("whatsapp"), &json!("direct")));

        let id = conversation["id"].as_str().unwrap();
        let details = app.get(&format!("/api/v1/conversations/{id}/details")).await.expect(200);
        assert_eq!(details["conversation"]["id"], id);
        assert_eq!(details["participants"][0]["name"], "Sheena Nelson");
        assert_eq!(details["messages"][0]["sender_name"], "Sheena Nelson");
        assert_eq!(details["message_count"], 1);
        assert_eq!(details["warnings"], json!([]));

        let messages = app.get(&format!("/api/v1/conversations/{id}/messages")).await.expect(200);
        let message = &messages["data"][0];
        assert_eq!(message["body"], "Does it come in another color?");
        assert_eq!(message["external_message_id"], SAMPLE_ID);
        assert_eq!(message["sent_at"], "2025-06-08T20:59:43.000Z");
        assert_eq!(message["direction"], "inbound");

        let customer = app.get("/api/v1/customers/external/whatsapp/16505551234").await.expect(200);
        assert_eq!(customer["name"], "Sheena Nelson");
        assert_eq!(customer["id"], message["sender_customer_id"]);
        app.stop().await;
    }

    async fn a_repeated_webhook_is_a_duplicate(mode: Mode) {
        let app = TestApp::start(mode).await;
        app.webhook_bytes(SAMPLE).await.expect(200);

        let again = app.webhook_bytes(SAMPLE).await.expect(200);
        assert_eq!((&again["accepted"], &again["duplicates"]), (&json!(0), &json!(1)));

        let conversations = app.conversations().await;
        assert_eq!(conversations.len(), 1);
        assert_eq!(conversations[0]["unread_count"], 1);
        assert_eq!(app.messages_of(&conversations[0]).await.len(), 1);
        app.stop().await;
    }

    async fn meta_verifies_its_webhook(mode: Mode) {
        let app = TestApp::start(mode).await;
        let verify = async |mode: &str, token: &str| {
            let query = format!("?hub.mode={mode}&hub.challenge=1158201444&hub.verify_token={token}");
            app.send(Method::GET, &format!("{}{query}", whatsapp::PATH), &[], "").await
        };
        let answer = verify("subscribe", secrets::VERIFY_TOKEN).await;
        assert_eq!((answer.status, answer.text().as_str()), (200, "1158201444"));
        verify("subscribe", "wrong").await.expect_problem(403, "forbidden");
        verify("unsubscribe", secrets::VERIFY_TOKEN).await.expect_problem(403, "forbidden");
        app.stop().await;
    }
}
