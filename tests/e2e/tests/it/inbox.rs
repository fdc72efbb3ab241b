//! A day at the inbox: found, answered, read, changed, and forgotten; as an agent does it through the API.

use crate::people::{self, text};
use http::Method;
use kobliat_e2e::whatsapp::{contact, delivery, message};
use kobliat_e2e::{Outside, TestApp, in_both_modes};
use serde_json::{Value, json};

/// Ann writes by WhatsApp; her conversation.
async fn ann_writes(outside: &Outside, words: &[&str]) -> Value {
    let messages: Vec<_> = words
        .iter()
        .enumerate()
        .map(|(n, words)| message(&format!("wamid.{n}"), "16505551234", "text", json!({"body": words})))
        .collect();
    let body = delivery(json!({"contacts": [contact("16505551234", "Ann")], "messages": messages}));
    outside.webhook(&body).await.expect(200);
    outside.conversations().await.remove(0)
}

/// The ids of what a list has.
async fn ids(outside: &Outside, path: &str) -> Vec<String> {
    outside.walk(path).await.iter().map(|one| text(one, "id")).collect()
}

in_both_modes! {
    async fn what_was_said_is_found_at_once_wherever_it_is_looked_for(mode: Mode) {
        let app = TestApp::start(mode).await;
        let conversation = ann_writes(&app, &["Where is my blue sweater?", "Hello?"]).await;
        let (id, ann) = (text(&conversation, "id"), text(&conversation["participants"][0], "customer_id"));
        let other = people::conversation(&app).await;
        let said = app.get("/api/v1/messages?q=blue%20swea").await.expect(200);
        assert_eq!((said["data"].as_array().unwrap().len(), &said["data"][0]["conversation_id"]), (1, &json!(id)));
        assert_eq!(app.walk(&format!("/api/v1/conversations/{id}/messages?q=sweater")).await.len(), 1);
        assert_eq!(app.walk(&format!("{}/messages?q=sweater", other.path)).await.len(), 0);
        for q in ["sweater", "ann", "650%20555%201234"] {
            assert!(ids(&app, &format!("/api/v1/conversations?q={q}")).await.contains(&id), "{q}");
        }
        assert_eq!(ids(&app, "/api/v1/customers?q=%2B1%20(650)%20555-1234").await, [ann]);
        let path = format!("/api/v1/messages/{}", text(&said["data"][0], "id"));
        app.put(&path, &json!({"body": "Where is my red coat?"})).await.expect(200);
        assert_eq!((ids(&app, "/api/v1/messages?q=sweater").await.len(), ids(&app, "/api/v1/messages?q=coat").await.len()), (0, 1));
        let history = app.get(&format!("{path}/history")).await.expect(200);
        assert_eq!(history["data"][0]["body"], "Where is my blue sweater?");
        app.get("/api/v1/messages?q=%22").await.expect(200);
        app.get("/api/v1/messages?status=sent").await.expect_problem(422, "invalid");
        app.stop().await;
    }

    async fn a_conversation_is_read_answered_and_closed(mode: Mode) {
        let app = TestApp::start(mode).await;
        let conversation = ann_writes(&app, &["one", "two", "three"]).await;
        let path = format!("/api/v1/conversations/{}", text(&conversation, "id"));
        assert_eq!(conversation["unread_count"], 3);
        let messages = app.walk(&format!("{path}/messages")).await;
        let read = async |message: &Value| {
            app.post(&format!("{path}/read"), &json!({"up_to": message["id"]})).await.expect(200)["unread_count"].clone()
        };
        assert_eq!((read(&messages[1]).await, read(&messages[2]).await), (json!(1), json!(1)), "never back");
        assert_eq!(app.conversations().await[0]["unread_count"], 1);

        let reply = app.post(&format!("{path}/reply"), &json!({"body": "On its way."})).await.expect(201);
        assert_eq!((&reply["direction"], &reply["channel"]), (&json!("outbound"), &json!("whatsapp")));
        assert_eq!(reply["channel_account_id"], conversation["channel_account_id"]);
        assert_eq!(app.get(&path).await.expect(200)["last_message_preview"], "On its way.");
        assert!(app.get(&format!("/api/v1/messages/{}/receipts", text(&reply, "id"))).await.expect(200)["data"].is_array());

        let seen = app.get(&path).await;
        let tag = seen.header("etag").unwrap().to_owned();
        let close = async |tag: &str| {
            let closed = json!({"status": "closed", "metadata": {"by": "kim"}}).to_string();
            app.api(Method::PATCH, &path, &[("if-match", tag)], closed).await
        };
        let closed = close(&tag).await.expect(200);
        assert_eq!((&closed["status"], &closed["metadata"]), (&json!("closed"), &json!({"by": "kim"})));
        close(&tag).await.expect_problem(412, "precondition_failed");
        assert_eq!(ids(&app, "/api/v1/conversations?status=closed&sort=created_at").await, [text(&conversation, "id")]);
        app.stop().await;
    }

    async fn somebody_joins_a_group_and_leaves_it(mode: Mode) {
        let app = TestApp::start(mode).await;
        let made = people::conversation(&app).await;
        let carol = people::customer(&app, "carol").await;
        let group = json!({"type": "group", "participants": [made.ann, made.bob]});
        let path = format!("/api/v1/conversations/{}", text(&app.post("/api/v1/conversations", &group).await.expect(201), "id"));
        let says = async || {
            let message = json!({"conversation_id": path.rsplit('/').next(), "direction": "inbound", "sender_customer_id": carol, "body": "hi"});
            app.post("/api/v1/messages", &message).await.status
        };
        assert_eq!(says().await, 422, "not in yet");
        let joined = app.post(&format!("{path}/participants"), &json!({"customer_id": carol})).await.expect(201);
        assert_eq!(says().await, 201);
        let place = format!("{path}/participants/{}", text(&joined, "id"));
        assert_eq!(app.api(Method::DELETE, &place, &[], "").await.status, 204);
        assert_eq!(says().await, 422, "not any more");
        let details = app.get(&format!("{path}/details")).await.expect(200);
        let left: Vec<_> = details["participants"].as_array().unwrap().iter().filter(|it| !it["left_at"].is_null()).collect();
        assert_eq!((left.len(), &left[0]["name"]), (1, &json!("Person carol")), "and is not forgotten");
        app.stop().await;
    }

    async fn a_person_is_forgotten_and_what_was_said_stays(mode: Mode) {
        let app = TestApp::start(mode).await;
        let before = ann_writes(&app, &["hello"]).await;
        let ann = text(&before["participants"][0], "customer_id");
        let customer = format!("/api/v1/customers/{ann}");
        let patch = app.api(Method::PATCH, &customer, &[], json!({"metadata": {"vip": true}}).to_string()).await.expect(200);
        assert_eq!(patch["metadata"]["vip"], true);
        assert_eq!(app.api(Method::DELETE, &customer, &[], "").await.status, 204);
        app.get(&customer).await.expect_problem(404, "not_found");
        assert!(ids(&app, "/api/v1/customers?q=ann").await.is_empty());
        let details = app.get(&format!("/api/v1/conversations/{}/details", text(&before, "id"))).await.expect(200);
        let nobody = &details["participants"][0];
        assert_eq!((&nobody["name"], &nobody["external_id"], &details["messages"][0]["body"]), (&Value::Null, &Value::Null, &json!("hello")));

        let body = delivery(json!({
            "contacts": [contact("16505551234", "Ann")],
            "messages": [message("wamid.again", "16505551234", "text", json!({"body": "it is me"}))],
        }));
        app.webhook(&body).await.expect(200);
        let again = app.walk("/api/v1/customers").await;
        assert_eq!((again.len(), &again[0]["name"]), (1, &json!("Ann")));
        assert_ne!(text(&again[0], "id"), ann, "somebody new");
        app.stop().await;
    }
}
