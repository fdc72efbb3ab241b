//! The language model behind simulated customers: a loopback server that answers as Google documents it, well and badly.

use kobliat_e2e::provider::{Mood, Provider};
use kobliat_e2e::{TestApp, in_both_modes};
use serde_json::{Value, json};

const KEY: &str = "AIza-a-key-that-nobody-may-see";

async fn say(app: &TestApp) -> Value {
    app.post("/api/v1/simulate", &json!({"scenario": "curious_shopper", "seed": 7})).await.expect(200)
}

fn error(status: u16, word: &str, details: &Value) -> Mood {
    let error =
        json!({"code": status, "message": format!("something about {KEY}"), "status": word, "details": details});
    Mood::Answers(status, json!({"error": error}))
}

in_both_modes! {
    async fn gemini_words_what_is_said_and_the_engine_does_when_it_does_not(mode: Mode) {
        let model = Provider::start().await;
        let variables = [
            ("simulator", "on"),
            ("gemini_api_key", KEY),
            ("gemini_api_base_url", &model.url()),
            ("gemini_timeout_ms", "1000"),
        ];
        let app = TestApp::start_with(mode, &variables).await;
        let parts = json!([{"text": "Is the lamp still there?"}]);
        let candidate = json!({"content": {"parts": parts, "role": "model"}, "finishReason": "STOP", "index": 0});
        model.is(Mood::Answers(200, json!({"candidates": [candidate], "modelVersion": "gemini-2.5-flash"})));
        let told = say(&app).await;
        assert_eq!((&told["source"], &told["generated_message"]), (&json!("gemini"), &json!("Is the lamp still there?")), "{told}");
        let call = model.calls().remove(0);
        assert_eq!(call.path, "/v1beta/models/gemini-2.5-flash:generateContent");
        assert!(call.head.contains(&format!("x-goog-api-key: {}", KEY.to_lowercase())), "{}", call.head);
        assert_eq!(call.head.matches(&KEY.to_lowercase()).count(), 1, "in its header, and not in the address");

        let invalid = json!([{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}]);
        let later = json!([{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "60s"}]);
        for (mood, reason) in [
            (error(400, "INVALID_ARGUMENT", &invalid), "answered 400: INVALID_ARGUMENT (API_KEY_INVALID)"),
            (error(503, "UNAVAILABLE", &json!([])), "answered 503: UNAVAILABLE"),
            (Mood::Answers(200, json!({"promptFeedback": {"blockReason": "SAFETY"}})), "the prompt was blocked: SAFETY"),
            (Mood::Answers(200, json!({"candidates": [{"finishReason": "RECITATION"}]})), "the answer was withheld: RECITATION"),
            (Mood::Babbles, "the answer has no text"),
            (Mood::Hangs, "no answer in time"),
            (error(429, "RESOURCE_EXHAUSTED", &later), "the quota is used up"),
        ] {
            model.is(mood);
            let told = say(&app).await;
            assert_eq!((&told["source"], &told["status"]), (&json!("engine"), &json!("success")), "{told}");
            assert_eq!(told["fallback_reason"], reason);
        }
        if !kobliat_e2e::skipped("logs of components") {
            assert!(!app.logs().contains(KEY));
        }
        app.stop().await;
    }
}
