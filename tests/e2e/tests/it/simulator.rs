//! The chat simulator against the whole platform: runs through an unkind provider, an exchange with an agent, an adapter's report.

use crate::channels::{administrator, ask};
use crate::people::text;
use http::Method;
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
    let told = over(outside, &text(&started.json(), "id")).await;
    assert_eq!(told["status"], "done", "{told}");
    told
}

/// A run that is under way, by its id. Nobody waits for the answer to its order.
pub async fn begun(outside: &Outside, order: &Value) -> String {
    let (asking, order) = (outside.clone(), order.to_string());
    let key = [("x-api-key", kobliat_e2e::secrets::API_KEY)];
    tokio::spawn(async move { drop(asking.try_send(Method::POST, "/api/v1/simulate/run", &key, order).await) });
    eventually("the run has sent something", async || {
        let run = outside.get("/api/v1/simulate/runs").await.expect(200)["data"][0].clone();
        run["webhooks_sent"].as_u64().is_some_and(|sent| sent > 0).then(|| text(&run, "id"))
    })
    .await
}

/// The run, when it has come to its end.
pub async fn over(outside: &Outside, id: &str) -> Value {
    let path = format!("/api/v1/simulate/runs/{id}");
    eventually("the run is over", async || {
        let told = outside.get(&path).await.expect(200);
        told["ended_at"].is_string().then_some(told)
    })
    .await
}

pub fn is_without_fault(told: &Value) {
    for fault in ["lost", "doubled", "altered", "order_violations", "rejected", "unacknowledged"] {
        assert_eq!(told[fault], 0, "{fault}: {told}");
    }
}

in_both_modes! {
    async fn a_run_through_an_unkind_provider_loses_and_doubles_nothing(mode: Mode) {
        let app = platform(mode).await;
        let told = run(&app, &json!({"customers": 10, "messages": 100, "chaos": 0.3, "seed": 7})).await;
        assert_eq!(told["sent"], 100, "{told}");
        is_without_fault(&told);
        assert_eq!((&told["webhooks_sent"], &told["customers_checked"]), (&told["webhooks"], &json!(10)));
        assert_eq!(app.get("/api/v1/simulate/runs").await.expect(200)["data"], json!([told]));
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
        for channel in ["whatsapp", "sms", "telegram", "web", "email"] {
            let report = app.post(&format!("/api/v1/simulate/conformance/{channel}"), &json!({})).await.expect(200);
            let failed: Vec<&Value> = report["checks"].as_array().unwrap().iter().filter(|check| check["passed"] == false).collect();
            assert!(failed.is_empty(), "{channel}: {failed:#?}");
        }
        app.stop().await;
    }

    async fn a_tenant_s_customers_write_to_an_account_of_the_simulator_s_own(mode: Mode) {
        let app = platform(mode).await;
        let acme = administrator(&app, "acme").await;
        let hello = json!({"scenario": "angry_customer", "seed": 7, "answers": 1, "pace": 0});
        let told = ask(&app, &acme, Method::POST, "/api/v1/simulate", &hello).await.expect(200);
        assert_eq!(told["status"], "success", "{told}");
        let accounts = ask(&app, &acme, Method::GET, "/api/v1/channels", &Value::Null).await.expect(200);
        let account = told["conversation"]["channel_account_id"].clone();
        assert_eq!((accounts["data"].as_array().unwrap().len(), &accounts["data"][0]["provider_id"]), (1, &account));

        // The agent's answer goes out by that account, and comes back as reports that its secret signs.
        let conversation = ask(&app, &acme, Method::GET, "/api/v1/conversations", &Value::Null).await.expect(200)["data"][0].clone();
        let reply = json!({"conversation_id": conversation["id"], "direction": "outbound", "body": "We are so sorry!"});
        let sent = ask(&app, &acme, Method::POST, "/api/v1/messages", &reply).await.expect(201);
        let path = format!("/api/v1/messages/{}", text(&sent, "id"));
        eventually("the message is read", async || {
            (ask(&app, &acme, Method::GET, &path, &Value::Null).await.expect(200)["status"] == "read").then_some(())
        })
        .await;
        let path = format!("/api/v1/conversations/{}/messages", text(&conversation, "id"));
        eventually("the persona answers", async || {
            let messages = ask(&app, &acme, Method::GET, &path, &Value::Null).await.expect(200);
            (messages["data"].as_array().unwrap().len() == 3).then_some(())
        })
        .await;

        for channel in ["whatsapp", "sms", "telegram", "web", "email"] {
            let path = format!("/api/v1/simulate/conformance/{channel}");
            let report = ask(&app, &acme, Method::POST, &path, &json!({})).await.expect(200);
            let failed: Vec<&Value> = report["checks"].as_array().unwrap().iter().filter(|check| check["passed"] == false).collect();
            assert!(failed.is_empty(), "{channel}: {failed:#?}");
        }
        assert!(app.conversations().await.is_empty(), "the default tenant has none of it");
        app.stop().await;
    }

    async fn a_cancelled_run_ends_and_another_may_begin(mode: Mode) {
        let app = platform(mode).await;
        let order = json!({"customers": 200, "messages": 10_000, "chaos": 0.3, "seed": 7});
        let id = begun(&app, &order).await;
        app.post("/api/v1/simulate/run", &order).await.expect_problem(409, "conflict");
        let path = format!("/api/v1/simulate/runs/{id}/cancel");
        let told = app.post(&path, &json!({})).await.expect(200);
        assert_eq!((&told["status"], &told["lost"]), (&json!("cancelled"), &Value::Null), "{told}");
        is_without_fault(&run(&app, &json!({"customers": 2, "messages": 10, "seed": 1})).await);
        app.stop().await;
    }

    async fn it_is_off_unless_it_is_switched_on(mode: Mode) {
        let app = TestApp::start(mode).await;
        app.post("/api/v1/simulate", &json!({"scenario": "curious_shopper"})).await.expect_problem(403, "simulator_off");
        assert!(app.conversations().await.is_empty());
        app.stop().await;
    }
}
