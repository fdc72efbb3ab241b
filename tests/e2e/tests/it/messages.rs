//! `/messages`: writing, reading and changing them, and what their conversation shows then.

use crate::people::{self, text};
use kobliat_e2e::{TestApp, in_both_modes};
use serde_json::json;

const NOBODY: &str = "01a204a4-0000-7000-8000-000000000000";

in_both_modes! {
    async fn a_message_is_written_read_and_changed(mode: Mode) {
        let app = TestApp::start(mode).await;
        let made = people::conversation(&app).await;
        let new = json!({"conversation_id": made.id, "direction": "inbound", "sender_customer_id": made.ann, "body": "Hello there"});
        let message = app.post("/api/v1/messages", &new).await.expect(201);
        assert_eq!((&message["seq"], &message["direction"], &message["body"]), (&json!(1), &json!("inbound"), &json!("Hello there")));

        let path = format!("/api/v1/messages/{}", text(&message, "id"));
        assert_eq!(app.get(&path).await.expect(200), message);
        let conversation = app.get(&made.path).await.expect(200);
        assert_eq!((&conversation["last_message_preview"], &conversation["unread_count"]), (&json!("Hello there"), &json!(1)));

        let edited = app.put(&path, &json!({"body": "Hello, all"})).await.expect(200);
        assert_eq!(edited["body"], "Hello, all");
        let read = app.put(&path, &json!({"status": "read"})).await.expect(200);
        assert_eq!(read["status"], "read");
        app.put(&path, &json!({"status": "delivered"})).await.expect_problem(409, "conflict");
        assert_eq!(app.get(&path).await.expect(200)["body"], "Hello, all");
        app.stop().await;
    }

    async fn an_outbound_message_is_queued(mode: Mode) {
        let app = TestApp::start(mode).await;
        let made = people::conversation(&app).await;
        let new = json!({"conversation_id": made.id, "direction": "outbound", "body": "Good morning"});
        let message = app.post("/api/v1/messages", &new).await.expect(201);
        assert_eq!(message["status"], "queued");
        assert_eq!(app.get(&made.path).await.expect(200)["unread_count"], 0);
        app.stop().await;
    }

    async fn what_a_message_refers_to_must_exist(mode: Mode) {
        let app = TestApp::start(mode).await;
        let made = people::conversation(&app).await;
        let bad = json!({"conversation_id": NOBODY, "direction": "inbound", "sender_customer_id": NOBODY, "media_id": NOBODY, "body": "x"});
        let problem = app.post("/api/v1/messages", &bad).await.expect_problem(422, "invalid");
        let mut pointers: Vec<_> = problem["errors"].as_array().unwrap().iter().map(|it| text(it, "pointer")).collect();
        pointers.sort();
        assert_eq!(pointers, ["/conversation_id", "/media_id", "/sender_customer_id"], "all at once");
        assert!(app.walk(&format!("{}/messages", made.path)).await.is_empty());
        app.stop().await;
    }

    /// Fifty writers at once: every number once, none left out, and the conversation knows the last.
    async fn sequence_numbers_have_no_gaps_under_load(mode: Mode) {
        let app = TestApp::start(mode).await;
        let made = people::conversation(&app).await;
        let writers: Vec<_> = (0..50).map(|n| {
            let (outside, made) = (app.outside(), json!({
                "conversation_id": made.id, "direction": "inbound", "sender_customer_id": made.ann, "body": format!("no {n}"),
            }));
            tokio::spawn(async move { outside.post("/api/v1/messages", &made).await.expect(201) })
        }).collect();
        for writer in writers {
            writer.await.unwrap();
        }
        let messages = app.walk(&format!("{}/messages", made.path)).await;
        let seqs: Vec<u64> = messages.iter().map(|it| it["seq"].as_u64().unwrap()).collect();
        assert_eq!(seqs, (1..=50).rev().collect::<Vec<_>>());
        let conversation = app.get(&made.path).await.expect(200);
        assert_eq!((&conversation["last_seq"], &conversation["unread_count"]), (&json!(50), &json!(50)));
        app.stop().await;
    }

    async fn a_reader_catches_up_by_sequence_number(mode: Mode) {
        let app = TestApp::start(mode).await;
        let made = people::conversation(&app).await;
        for n in 1..=5 {
            let new = json!({"conversation_id": made.id, "direction": "system", "body": format!("no {n}")});
            app.post("/api/v1/messages", &new).await.expect(201);
        }
        let page = app.get(&format!("{}/messages?after=3", made.path)).await.expect(200);
        let seqs: Vec<_> = page["data"].as_array().unwrap().iter().map(|it| it["seq"].clone()).collect();
        assert_eq!(seqs, [json!(4), json!(5)], "oldest first");
        assert_eq!(page["meta"]["total"], 5);
        app.stop().await;
    }
}
