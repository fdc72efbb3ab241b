//! Runs of the simulator that outlive what they run on: components are replaced under them, the host is killed.

use crate::simulator::{begun, is_without_fault, over};
use crate::swaps::version;
use kobliat_admin::Client;
use kobliat_e2e::{Mode, Outside, TestApp, eventually};
use serde_json::{Value, json};
use std::sync::Arc;

const VARIABLES: [(&str, &str); 3] = [
    ("simulator", "on"),
    ("whatsapp_api_base_url", "http://chat-simulator.spin.internal"),
    ("whatsapp_access_token", "emulated"),
];

async fn told(outside: &Outside, id: &str) -> Value {
    outside.get(&format!("/api/v1/simulate/runs/{id}")).await.expect(200)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_goes_on_while_its_components_are_replaced() {
    if kobliat_e2e::skipped("hot swap") {
        return;
    }
    let app = TestApp::start_with(Mode::Links, &VARIABLES).await;
    let admin = Client::in_state_dir(app.state_dir());
    let id = begun(&app, &json!({"customers": 50, "messages": 1500, "chaos": 0.3, "seed": 7})).await;
    for (number, component) in (1..).zip(["chat-simulator", "inbound-gateway", "messaging", "chat-simulator"]) {
        let before = told(&app, &id).await["webhooks_sent"].as_u64().unwrap();
        let answer = admin.post(&format!("/components/{component}/swap"), version(component, number)).await.unwrap();
        assert_eq!(answer["outcome"], "switched", "{answer}");
        eventually("the run goes on", async || {
            let told = told(&app, &id).await;
            (told["webhooks_sent"].as_u64().unwrap() > before || told["status"] != "sending").then_some(())
        })
        .await;
    }
    let told = over(&app, &id).await;
    assert_eq!(told["status"], "done", "{told}");
    is_without_fault(&told);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_goes_on_after_its_host_was_killed() {
    if kobliat_e2e::skipped("our durability") {
        return;
    }
    let state = Arc::new(tempfile::tempdir().unwrap());
    let host = crate::up().variables(&VARIABLES).start(&state).await;
    let id = begun(host.outside(), &json!({"customers": 50, "messages": 1000, "chaos": 0.3, "seed": 7})).await;
    let before = told(host.outside(), &id).await;
    host.kill().await;
    let host = crate::up().variables(&VARIABLES).start(&state).await;
    let told = over(host.outside(), &id).await;
    assert_eq!((&told["status"], &told["sent"]), (&json!("done"), &json!(1000)), "{told}");
    assert!(before["webhooks_sent"].as_u64() <= told["webhooks_sent"].as_u64());
    is_without_fault(&told);
    host.terminate();
    assert!(host.ended().await.status.success());
}
