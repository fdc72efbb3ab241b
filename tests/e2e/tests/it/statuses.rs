//! Receipts: what the provider reports of a message, in whatever order, becomes one status.

use crate::people::{self, text};
use kobliat_e2e::whatsapp::{ACCOUNT, delivery, status};
use kobliat_e2e::{TestApp, in_both_modes};
use serde_json::{Value, json};

/// An outbound message that the provider knows under this id; its path.
async fn outbound(app: &TestApp, external_id: &str) -> String {
    let conversation = people::conversation(app).await;
    let message = app.post("/api/v1/messages", &outbound_in(&conversation.id, external_id)).await.expect(201);
    format!("/api/v1/messages/{}", text(&message, "id"))
}

fn outbound_in(conversation: &str, external_id: &str) -> Value {
    json!({
        "conversation_id": conversation, "direction": "outbound", "body": "On its way",
        "channel": "whatsapp", "channel_account_id": ACCOUNT, "external_message_id": external_id,
    })
}

async fn report(app: &TestApp, external_id: &str, words: &[&str]) {
    let statuses: Vec<Value> = words.iter().map(|word| status(external_id, word)).collect();
    let answer = app.webhook(&delivery(json!({"statuses": statuses}))).await.expect(200);
    assert_eq!(answer["processed"], true, "{answer}");
}

async fn status_of(app: &TestApp, path: &str) -> String {
    text(&app.get(path).await.expect(200), "status")
}

in_both_modes! {
    async fn a_status_only_moves_forward(mode: Mode) {
        let app = TestApp::start(mode).await;
        let message = outbound(&app, "wamid.out").await;
        for (word, shown) in [("sent", "sent"), ("read", "read"), ("delivered", "read"), ("sent", "read"), ("failed", "read")] {
            report(&app, "wamid.out", &[word]).await;
            assert_eq!(status_of(&app, &message).await, shown, "after `{word}`");
        }
        app.stop().await;
    }

    async fn a_failure_is_cleared_by_a_later_delivery(mode: Mode) {
        let app = TestApp::start(mode).await;
        let message = outbound(&app, "wamid.out").await;
        for (word, shown) in [("sent", "sent"), ("failed", "failed"), ("sent", "failed"), ("delivered", "delivered")] {
            report(&app, "wamid.out", &[word]).await;
            assert_eq!(status_of(&app, &message).await, shown, "after `{word}`");
        }
        app.stop().await;
    }

    async fn statuses_may_come_before_their_message(mode: Mode) {
        let app = TestApp::start(mode).await;
        report(&app, "wamid.early", &["delivered", "sent"]).await;
        let message = outbound(&app, "wamid.early").await;
        assert_eq!(status_of(&app, &message).await, "delivered");
        report(&app, "wamid.early", &["read"]).await;
        assert_eq!(status_of(&app, &message).await, "read");
        app.stop().await;
    }

    async fn a_repeated_status_is_a_duplicate(mode: Mode) {
        let app = TestApp::start(mode).await;
        let message = outbound(&app, "wamid.out").await;
        let body = delivery(json!({"statuses": [status("wamid.out", "delivered")]}));
        assert_eq!(app.webhook(&body).await.expect(200)["accepted"], 1);
        let again = app.webhook(&body).await.expect(200);
        assert_eq!((&again["accepted"], &again["duplicates"]), (&json!(0), &json!(1)));
        assert_eq!(status_of(&app, &message).await, "delivered");
        app.stop().await;
    }

    /// All orders of the four words end in the same status, as those of another number's message change nothing.
    async fn every_order_converges(mode: Mode) {
        let app = TestApp::start(mode).await;
        let conversation = people::conversation(&app).await;
        for (n, order) in orders(&["sent", "failed", "delivered", "read"]).iter().enumerate() {
            let id = format!("wamid.{n}");
            let (early, late) = order.split_at(n % 5);
            report(&app, &id, early).await;
            let message = app.post("/api/v1/messages", &outbound_in(&conversation.id, &id)).await.expect(201);
            report(&app, &id, late).await;
            assert_eq!(status_of(&app, &format!("/api/v1/messages/{}", text(&message, "id"))).await, "read", "{order:?}");
        }
        app.stop().await;
    }
}

fn orders<'a>(words: &[&'a str]) -> Vec<Vec<&'a str>> {
    if words.is_empty() {
        return vec![Vec::new()];
    }
    let mut all = Vec::new();
    for (at, word) in words.iter().enumerate() {
        let rest: Vec<&str> = words.iter().enumerate().filter(|(i, _)| *i != at).map(|(_, word)| *word).collect();
        all.extend(orders(&rest).into_iter().map(|order| [vec![*word], order].concat()));
    }
    all
}
