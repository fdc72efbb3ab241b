//! The chat simulator against the whole platform: runs through an unkind provider, an exchange with an agent, an adapter's report.

use crate::people::text;
use kobliat_e2e::{Outside, TestApp, eventually, in_both_modes};
use serde_json::{Value, json};

/// A platform whose WhatsApp is the emulator.
async fn platform(mode: kobliat_e2e::Mode) -> TestApp {
    let variables = [
        ("simulator", "on"),
        ("whatsapp_api_base_url", "http://chat-simulator.spin.internal"),
        ("whatsapp_access_token", "emulated"),
        ("outbound_retry_ms", "50,50,50,50,50,50"),
        ("event_sink", "http://event-relay.spin.internal/"),
        ("event_subscribers", r#"[{"component":"outbound-gateway","types":["com.kobliat.message.queued.v1"]}]"#),
    ];
    TestApp::start_with(mode, &variables).await
}

async fn run(outside: &Outside, order: &Value) -> Value {
    let started = outside.post("/api/v1/simulate/run", order).await;
    assert!(matches!(started.status, 200 | 202), "{}", started.text());
    let path = format!("/api/v1/simulate/runs/{}", text(&started.json(), "id"));
    eventually("the run is done", async || {
        let told = outside.get(&path).await.expect(200);
        (told["status"] == "done").then_some(told)
    })
    .await
}

in_both_modes! {
    async fn a_run_through_an_unkind_provider_loses_and_doubles_nothing(mode: Mode) {
        let app = platform(mode).await;
        let told = run(&app, &json!({"customers": 10, "messages": 100, "chaos": 0.3, "seed": 7})).await;
        assert_eq!(told["sent"], 100, "{told}");
        for fault in ["lost", "doubled", "altered", "order_violations", "rejected", "unacknowledged"] {
            assert_eq!(told[fault], 0, "{fault}: {told}");
        }
        assert!(told["duplicates"].as_u64().unwrap() > 0, "{told}");

        // The world sees the same, and knows the simulated ones by their numbers.
        let messages = app.messages().await;
        assert_eq!(messages.len(), 100);
        let prefix = text(&told["customers"], "external_id_prefix");
        let customers = app.walk("/api/v1/customers?external_type=whatsapp").await;
        assert!(customers.iter().all(|customer| text(customer, "external_id").starts_with(&prefix)));
        app.stop().await;
    }

    async fn a_persona_and_an_agent_talk_through_the_emulator(mode: Mode) {
        let app = platform(mode).await;
        let hello = json!({"scenario": "angry_customer", "seed": 7, "answers": 1, "pace": 0});
        let told = app.post("/api/v1/simulate", &hello).await.expect(200);
        assert_eq!((&told["status"], &told["source"]), (&json!("success"), &json!("engine")), "{told}");
        let conversation = app.conversations().await.remove(0);
        assert_eq!(app.messages_of(&conversation).await[0]["body"], told["generated_message"]);

        // Most calls are refused for now: the platform tries again, and the message arrives once.
        let unkind = json!({"seed": 1, "error_rate": 0.5, "errors": ["131016"], "report_min_ms": 0, "report_max_ms": 10, "duplicate_rate": 1, "reorder_rate": 0.5});
        app.put("/api/v1/simulate/emulator", &unkind).await.expect(200);
        let reply = json!({"conversation_id": conversation["id"], "direction": "outbound", "body": "We are so sorry!"});
        let sent = app.post("/api/v1/messages", &reply).await.expect(201);
        let path = format!("/api/v1/messages/{}", text(&sent, "id"));
        eventually("the message is read", async || (app.get(&path).await.expect(200)["status"] == "read").then_some(())).await;
        let taken = app.get("/api/v1/simulate/emulator/messages").await.expect(200)["data"].clone();
        assert_eq!((taken.as_array().unwrap().len(), &taken[0]["text"]), (1, &json!("We are so sorry!")));

        let messages = eventually("the persona answers", async || {
            let messages = app.messages_of(&conversation).await;
            (messages.len() == 3).then_some(messages)
        })
        .await;
        assert_eq!(messages[0]["direction"], "inbound");
        app.stop().await;
    }

    async fn the_adapters_conform(mode: Mode) {
        let app = platform(mode).await;
        for channel in ["whatsapp", "sms"] {
            let report = app.post(&format!("/api/v1/simulate/conformance/{channel}"), &json!({})).await.expect(200);
            let failed: Vec<&Value> = report["checks"].as_array().unwrap().iter().filter(|check| check["passed"] == false).collect();
            assert!(failed.is_empty(), "{channel}: {failed:#?}");
        }
        app.stop().await;
    }

    async fn it_is_off_unless_it_is_switched_on(mode: Mode) {
        let app = TestApp::start(mode).await;
        app.post("/api/v1/simulate", &json!({"scenario": "curious_shopper"})).await.expect_problem(403, "simulator_off");
        assert!(app.conversations().await.is_empty());
        app.stop().await;
    }
}
