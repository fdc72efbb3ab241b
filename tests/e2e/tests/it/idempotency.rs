//! `Idempotency-Key`: the same request twice has one effect and one answer.

use crate::people::{self, text};
use http::Method;
use kobliat_e2e::{Reply, TestApp, in_both_modes};
use serde_json::{Value, json};

async fn post(app: &TestApp, path: &str, key: &str, body: &Value) -> Reply {
    app.api(Method::POST, path, &[("idempotency-key", key)], body.to_string()).await
}

in_both_modes! {
    async fn every_post_answers_a_repetition_as_it_answered_first(mode: Mode) {
        let app = TestApp::start(mode).await;
        let made = people::conversation(&app).await;
        let group = json!({"type": "group", "participants": [made.ann, made.bob]});
        let message = json!({"conversation_id": made.id, "direction": "outbound", "body": "once"});
        for (path, body) in [
            ("/api/v1/customers", json!({"external_id": "x", "external_type": "crm"})),
            ("/api/v1/conversations", group),
            ("/api/v1/messages", message),
        ] {
            let first = post(&app, path, "key-1", &body).await;
            assert_eq!((first.status, first.header("idempotency-replayed")), (201, None), "{path}: {}", first.text());
            // Quoted is the standard's form, bare what most clients send: one key.
            for key in ["key-1", "\"key-1\""] {
                let again = post(&app, path, key, &body).await;
                assert_eq!((again.status, again.header("idempotency-replayed")), (201, Some("true")), "{path}");
                assert_eq!(again.body, first.body, "{path}");
            }
            post(&app, path, "key-2", &body).await.json();
        }
        assert_eq!(app.walk(&format!("{}/messages", made.path)).await.len(), 2, "one for each key");
        app.stop().await;
    }

    async fn a_key_is_for_one_payload(mode: Mode) {
        let app = TestApp::start(mode).await;
        let made = people::conversation(&app).await;
        let message = |body: &str| json!({"conversation_id": made.id, "direction": "outbound", "body": body});
        post(&app, "/api/v1/messages", "k", &message("one")).await.expect(201);
        let other = post(&app, "/api/v1/messages", "k", &message("two")).await;
        assert_eq!(other.status, 422, "{}", other.text());
        assert_eq!(app.walk(&format!("{}/messages", made.path)).await.len(), 1);
        app.stop().await;
    }

    /// Twenty at once: one effect; each is told the answer or that it is still running.
    async fn a_race_of_repetitions_has_one_effect(mode: Mode) {
        let app = TestApp::start(mode).await;
        let made = people::conversation(&app).await;
        let body = json!({"conversation_id": made.id, "direction": "outbound", "body": "once"}).to_string();
        let racers: Vec<_> = (0..20).map(|_| {
            let (outside, body) = (app.outside(), body.clone());
            tokio::spawn(async move { outside.api(Method::POST, "/api/v1/messages", &[("idempotency-key", "race")], body).await })
        }).collect();
        let mut ids = Vec::new();
        for racer in racers {
            let answer = racer.await.unwrap();
            match answer.status {
                201 => ids.push(text(&answer.json(), "id")),
                _ => drop(answer.expect_problem(409, "in_flight")),
            }
        }
        ids.dedup();
        assert_eq!(ids.len(), 1);
        assert_eq!(app.walk(&format!("{}/messages", made.path)).await.len(), 1);
        app.stop().await;
    }
}
