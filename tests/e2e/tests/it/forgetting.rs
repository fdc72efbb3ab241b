//! One person in many spellings, and forgotten in all services.

use crate::people::text;
use http::Method;
use kobliat_e2e::whatsapp::{contact, delivery, message};
use kobliat_e2e::{Outside, TestApp, eventually, in_both_modes};
use serde_json::{Value, json};

async fn writes(outside: &Outside, id: &str, number: &str, words: &str) {
    let body = delivery(json!({
        "contacts": [contact(number, "Ann Field")],
        "messages": [message(id, number, "text", json!({"body": words}))],
    }));
    outside.webhook(&body).await.expect(200);
}

/// The report, when all services are done.
async fn erased(outside: &Outside, customer: &str) -> Value {
    eventually("the customer is forgotten", async || {
        let report = outside.get(&format!("/api/v1/customers/{customer}/erasure")).await.expect(200);
        report["completed_at"].is_string().then_some(report)
    })
    .await
}

in_both_modes! {
    async fn who_answers_is_the_customer_whom_the_crm_knew(mode: Mode) {
        let app = TestApp::start(mode).await;
        for (n, (written, comes)) in [
            ("+1 (650) 555-1234", "16505551234"),
            ("+52 55 1234 5678", "5215512345678"),
            ("+55 11 98765-4321", "551187654321"),
        ].into_iter().enumerate() {
            let made = json!({"external_type": "whatsapp", "external_id": written, "name": "From the CRM"});
            let made = app.post("/api/v1/customers", &made).await.expect(201);
            writes(&app, &format!("wamid.{n}"), comes, "it is me").await;
            let conversations = app.walk(&format!("/api/v1/customers/{}/conversations", text(&made, "id"))).await;
            assert_eq!((conversations.len(), &conversations[0]["unread_count"]), (1, &json!(1)), "{written}");
        }
        assert_eq!(app.walk("/api/v1/customers").await.len(), 3);
        assert_eq!(app.walk("/api/v1/customers?q=5512&sort=created_at").await.len(), 2, "650 555-1234 and 52 5512 345678");
        app.stop().await;
    }

    async fn a_person_is_forgotten_with_what_was_said(mode: Mode) {
        let app = TestApp::start(mode).await;
        writes(&app, "wamid.1", "16505551234", "我的订单 secret words").await;
        let before = app.conversations().await.remove(0);
        let (id, ann) = (text(&before, "id"), text(&before["participants"][0], "customer_id"));
        let found = app.get("/api/v1/messages?q=%E8%AE%A2%E5%8D%95").await.expect(200);
        assert_eq!(found["data"].as_array().unwrap().len(), 1);
        let path = format!("/api/v1/customers/{ann}?messages=erase");
        assert_eq!(app.api(Method::DELETE, &path, &[], "").await.status, 204);
        let report = erased(&app, &ann).await;
        let of = |service: &str| {
            report["services"].as_array().unwrap().iter().find(|one| one["service"] == service).unwrap()["removed"].clone()
        };
        assert_eq!((&of("messaging")["messages"], &of("conversation")["previews"]), (&json!(1), &json!(1)), "{report}");
        let messages = app.walk(&format!("/api/v1/conversations/{id}/messages")).await;
        assert_eq!((messages.len(), &messages[0]["body"]), (1, &Value::Null));
        assert_eq!(app.conversations().await[0]["last_message_preview"], Value::Null);
        for q in ["secret", "%E8%AE%A2%E5%8D%95"] {
            assert!(app.get(&format!("/api/v1/messages?q={q}")).await.expect(200)["data"].as_array().unwrap().is_empty());
        }
        app.stop().await;
    }
}
