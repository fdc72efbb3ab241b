//! `/conversations`: opening them, listing them, and what belongs to one.

use crate::people::{self, text};
use kobliat_e2e::whatsapp::SAMPLE;
use kobliat_e2e::{TestApp, in_both_modes};
use serde_json::json;

const NOBODY: &str = "01a204a4-0000-7000-8000-000000000000";

in_both_modes! {
    async fn a_direct_conversation_of_the_same_two_is_the_same_one(mode: Mode) {
        let app = TestApp::start(mode).await;
        let first = people::conversation(&app).await;
        let again = app.post("/api/v1/conversations", &json!({"participants": [first.bob, first.ann]})).await.expect(200);
        assert_eq!(again["id"], first.id);
        assert_eq!(app.conversations().await.len(), 1);
        app.stop().await;
    }

    async fn a_group_keeps_everybody(mode: Mode) {
        let app = TestApp::start(mode).await;
        let made = people::conversation(&app).await;
        let carol = people::customer(&app, "carol").await;
        let group = json!({"type": "group", "subject": "Lunch", "participants": [made.ann, made.bob, carol]});
        let group = app.post("/api/v1/conversations", &group).await.expect(201);
        assert_eq!((&group["type"], &group["subject"]), (&json!("group"), &json!("Lunch")));
        let details = app.get(&format!("/api/v1/conversations/{}/details", text(&group, "id"))).await.expect(200);
        let mut names: Vec<_> = details["participants"].as_array().unwrap().iter().map(|it| text(it, "name")).collect();
        names.sort();
        assert_eq!(names, ["Person ann", "Person bob", "Person carol"]);
        app.stop().await;
    }

    async fn participants_must_exist_and_be_different(mode: Mode) {
        let app = TestApp::start(mode).await;
        let ann = people::customer(&app, "ann").await;
        let refused = async |body| app.post("/api/v1/conversations", &body).await.expect_problem(422, "invalid");
        let problem = refused(json!({"participants": [ann, NOBODY]})).await;
        assert_eq!(problem["errors"][0]["pointer"], "/participants/1");
        let problem = refused(json!({"participants": [ann, ann]})).await;
        assert_eq!(problem["errors"][0]["pointer"], "/participants/1");
        refused(json!({"participants": [ann]})).await;
        refused(json!({"participants": []})).await;
        refused(json!({})).await;
        assert_eq!(app.conversations().await.len(), 0);
        app.stop().await;
    }

    async fn conversations_are_listed_by_last_activity_and_filtered(mode: Mode) {
        let app = TestApp::start(mode).await;
        let made = people::conversation(&app).await;
        app.webhook_bytes(SAMPLE).await.expect(200);
        let message = json!({"conversation_id": made.id, "direction": "inbound", "sender_customer_id": made.ann, "body": "hi"});
        app.post("/api/v1/messages", &message).await.expect(201);

        let all = app.conversations().await;
        assert_eq!((all.len(), text(&all[0], "id")), (2, made.id.clone()));
        let only = async |query: &str| app.walk(&format!("/api/v1/conversations?{query}")).await.len();
        assert_eq!((only("channel=whatsapp").await, only("channel=sms").await), (1, 0));
        assert_eq!((only("status=open").await, only("status=closed").await), (2, 0));
        assert_eq!(only(&format!("customer_id={}", made.ann)).await, 1);
        assert_eq!(only("sort=-last_message_at").await, 2);
        app.stop().await;
    }

    async fn what_belongs_to_an_unknown_conversation_is_not_found(mode: Mode) {
        let app = TestApp::start(mode).await;
        for rest in ["", "/details", "/messages"] {
            app.get(&format!("/api/v1/conversations/{NOBODY}{rest}")).await.expect_problem(404, "not_found");
        }
        app.stop().await;
    }
}
