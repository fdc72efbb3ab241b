//! `/customers` and `/stats/channels`.

use crate::people::{self, text};
use kobliat_e2e::whatsapp::SAMPLE;
use kobliat_e2e::{TestApp, in_both_modes};
use serde_json::json;

in_both_modes! {
    async fn a_customer_is_made_found_and_changed(mode: Mode) {
        let app = TestApp::start(mode).await;
        let new = json!({"external_id": " 4711 ", "external_type": "crm", "name": "Ann", "metadata": {"tier": "gold"}});
        let made = app.post("/api/v1/customers", &new).await.expect(201);
        assert_eq!((&made["external_id"], &made["name"]), (&json!("4711"), &json!("Ann")), "strings are trimmed");
        assert_eq!(made["metadata"], json!({"tier": "gold"}));

        let again = app.post("/api/v1/customers", &json!({"external_id": "4711", "external_type": "crm"})).await.expect(200);
        assert_eq!(again["id"], made["id"], "an upsert, not a second customer");

        let path = format!("/api/v1/customers/{}", text(&made, "id"));
        assert_eq!(app.get(&path).await.expect(200)["name"], "Ann");
        assert_eq!(app.get("/api/v1/customers/external/crm/4711").await.expect(200)["id"], made["id"]);

        let changed = app.put(&path, &json!({"name": "Ann B"})).await.expect(200);
        assert_eq!((&changed["name"], &changed["metadata"]), (&json!("Ann B"), &json!({"tier": "gold"})));
        assert_eq!(app.get(&path).await.expect(200), changed);
        app.stop().await;
    }

    async fn customers_are_listed_by_type_and_counted_by_channel(mode: Mode) {
        let app = TestApp::start(mode).await;
        app.webhook_bytes(SAMPLE).await.expect(200);
        people::customer(&app, "one").await;
        people::customer(&app, "two").await;

        let all = app.get("/api/v1/customers").await.expect(200);
        assert_eq!(all["data"].as_array().unwrap().len(), 3);
        assert_eq!(all["meta"], json!({"limit": 20, "next_cursor": null, "has_more": false}));
        let web = app.get("/api/v1/customers?external_type=web").await.expect(200);
        let names: Vec<_> = web["data"].as_array().unwrap().iter().map(|it| text(it, "external_id")).collect();
        assert_eq!(names, ["two", "one"], "newest first");

        let mut bars = app.get("/api/v1/stats/channels").await.expect(200);
        bars.as_array_mut().unwrap().sort_by_key(|bar| text(bar, "name"));
        assert_eq!(bars, json!([{"name": "Web", "value": 2}, {"name": "Whatsapp", "value": 1}]));
        app.stop().await;
    }

    async fn the_conversations_of_a_customer_are_its_own(mode: Mode) {
        let app = TestApp::start(mode).await;
        app.webhook_bytes(SAMPLE).await.expect(200);
        let made = people::conversation(&app).await;
        let of_ann = app.get(&format!("/api/v1/customers/{}/conversations", made.ann)).await.expect(200);
        assert_eq!(of_ann["data"].as_array().unwrap().len(), 1);
        assert_eq!(of_ann["data"][0]["id"], made.id);
        let stranger = "/api/v1/customers/01a204a4-0000-7000-8000-000000000000/conversations";
        app.get(stranger).await.expect_problem(404, "not_found");
        app.stop().await;
    }

    /// What the webhook made and what the API makes is the same person.
    async fn the_api_and_the_webhook_agree_on_who_is_who(mode: Mode) {
        let app = TestApp::start(mode).await;
        let new = json!({"external_id": "16505551234", "external_type": "whatsapp", "name": "Known Before"});
        let made = app.post("/api/v1/customers", &new).await.expect(201);
        app.webhook_bytes(SAMPLE).await.expect(200);
        let conversations = app.conversations().await;
        assert_eq!(conversations[0]["participants"][0]["customer_id"], made["id"]);
        assert_eq!(conversations[0]["participants"][0]["name"], "Known Before");
        app.stop().await;
    }
}
