//! The business begins: a template to somebody who never wrote, the answer in the same conversation, and until when it is free.

use crate::people::text;
use kobliat_e2e::provider::{Mood, Provider};
use kobliat_e2e::whatsapp::{ACCOUNT, contact, delivery, message};
use kobliat_e2e::{Outside, TestApp, eventually, in_both_modes};
use serde_json::{Value, json};
use std::time::{SystemTime, UNIX_EPOCH};

const NUMBER: &str = "16505550111";

/// A conversation with somebody who never wrote, opened on no channel; its id, the customer's and the agent's.
async fn opened(outside: &Outside) -> (String, String, String) {
    let customer = json!({"external_type": "whatsapp", "external_id": NUMBER, "name": "Cleo"});
    let customer = text(&outside.post("/api/v1/customers", &customer).await.expect(201), "id");
    let agent = json!({"external_type": "agent", "external_id": "agent-1"});
    let agent = text(&outside.post("/api/v1/customers", &agent).await.expect(201), "id");
    let new = json!({"type": "direct", "participants": [customer, agent]});
    (text(&outside.post("/api/v1/conversations", &new).await.expect(201), "id"), customer, agent)
}

async fn writes(outside: &Outside, id: &str, words: &str) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs().to_string();
    let mut inbound = message(id, NUMBER, "text", json!({"body": words}));
    inbound["timestamp"] = json!(now);
    let body = delivery(json!({"contacts": [contact(NUMBER, "Cleo")], "messages": [inbound]}));
    assert_eq!(outside.webhook(&body).await.expect(200)["accepted"], 1);
}

async fn reaches(outside: &Outside, id: &str, status: &str) -> Value {
    eventually(&format!("the message is {status}"), async || {
        let message = outside.get(&format!("/api/v1/messages/{id}")).await.expect(200);
        (message["status"] == status).then_some(message)
    })
    .await
}

in_both_modes! {
    async fn a_template_opens_a_conversation_in_which_the_answer_arrives(mode: Mode) {
        if kobliat_e2e::skipped("our event broker") {
            return;
        }
        let provider = Provider::start().await;
        let variables = [
            ("whatsapp_api_base_url", provider.url()),
            ("whatsapp_access_token", "e2e-access-token".to_owned()),
            ("outbound_retry_ms", "50,50,50".to_owned()),
        ];
        let variables: Vec<(&str, &str)> = variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let app = TestApp::start_with(mode, &variables).await;
        let (conversation, customer, agent) = opened(&app).await;
        let path = format!("/api/v1/conversations/{conversation}");
        let new = json!({
            "conversation_id": conversation, "direction": "outbound", "channel": "whatsapp", "channel_account_id": ACCOUNT,
            "sender_customer_id": agent, "content_type": "template", "metadata": {"template": {"name": "hello_world", "language": "en_US"}},
        });
        let template = app.post("/api/v1/messages", &new).await.expect(201);
        assert_eq!(template["body"], Value::Null);
        reaches(&app, &text(&template, "id"), "sent").await;
        let calls = provider.calls();
        assert_eq!((&calls[0].body["to"], &calls[0].body["template"]["name"]), (&json!(NUMBER), &json!("hello_world")));
        assert!(calls[0].head.contains("user-agent: kobliat/"), "{}", calls[0].head);
        assert!(!calls[0].head.contains("traceparent"), "{}", calls[0].head);
        let shown = app.get(&path).await.expect(200);
        assert_eq!((&shown["channel"], &shown["channel_account_id"]), (&json!("whatsapp"), &json!(ACCOUNT)));
        assert_eq!(shown["last_message_preview"], "[template: hello_world]");
        assert_eq!(shown["reply_window"], json!({"closes_at": null}), "who never wrote may not be written to freely");

        writes(&app, "wamid.answer", "Who is there?").await;
        let messages = app.get(&format!("{path}/messages")).await.expect(200);
        let said: Vec<_> = messages["data"].as_array().unwrap().iter().map(|one| &one["direction"]).collect();
        assert_eq!(said, ["inbound", "outbound"]);
        assert_eq!(messages["data"][0]["sender_customer_id"], json!(customer));
        assert_eq!(app.conversations().await.len(), 1, "no other one was opened");
        let shown = app.get(&path).await.expect(200);
        assert!(shown["reply_window"]["closes_at"].is_string(), "{shown}");

        // A plain reply names no sender: it goes to the customer, not to the agent.
        let reply = app.post(&format!("{path}/reply"), &json!({"body": "It is us"})).await.expect(201);
        reaches(&app, &text(&reply, "id"), "sent").await;
        assert_eq!(provider.calls().last().unwrap().body["to"], NUMBER);

        // The window is the customer's: another conversation on the same account may use it.
        let colleague = json!({"external_type": "agent", "external_id": "agent-2"});
        let colleague = text(&app.post("/api/v1/customers", &colleague).await.expect(201), "id");
        let new = json!({"type": "direct", "participants": [customer, colleague], "channel": "whatsapp", "channel_account_id": ACCOUNT});
        let second = text(&app.post("/api/v1/conversations", &new).await.expect(201), "id");
        let shown = app.get(&format!("/api/v1/conversations/{second}")).await.expect(200);
        assert!(shown["reply_window"]["closes_at"].is_string(), "{shown}");
        let free = app.post(&format!("/api/v1/conversations/{second}/reply"), &json!({"body": "And I am her colleague"})).await.expect(201);
        reaches(&app, &text(&free, "id"), "sent").await;
        writes(&app, "wamid.second", "Hello colleague").await;
        let messages = app.get(&format!("/api/v1/conversations/{second}/messages")).await.expect(200);
        assert_eq!(messages["data"][0]["body"], "Hello colleague", "it arrives where the business wrote last");
        app.stop().await;
    }

    async fn an_unexplained_5xx_is_uncertain_and_not_repeated(mode: Mode) {
        if kobliat_e2e::skipped("our event broker") {
            return;
        }
        let provider = Provider::start().await;
        let variables = [
            ("whatsapp_api_base_url", provider.url()),
            ("whatsapp_access_token", "e2e-access-token".to_owned()),
            ("outbound_retry_ms", "50,50,50".to_owned()),
        ];
        let variables: Vec<(&str, &str)> = variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let app = TestApp::start_with(mode, &variables).await;
        writes(&app, "wamid.hello", "hello?").await;
        let conversation = text(&app.conversations().await[0], "id");
        provider.is(Mood::Answers(500, json!({"oops": true})));
        let reply = app.post(&format!("/api/v1/conversations/{conversation}/reply"), &json!({"body": "once"})).await.expect(201);
        let unknown = reaches(&app, &text(&reply, "id"), "unknown").await;
        assert_eq!(unknown["metadata"]["failure"]["code"], "http_500");
        assert_eq!(provider.calls_with("once"), 1);
        app.stop().await;
    }
}
