//! The running platform against its own OpenAPI document: schemathesis sends what the document allows, and what it does not.
//!
//! It runs where its virtual environment is, and says so where it is not, because plain `cargo test` fetches nothing from the internet:
//! `python3 -m venv target/contract && target/contract/bin/pip install -r tests/e2e/contract/requirements.txt`

use kobliat_e2e::{Mode, TestApp, root, secrets};

/// Requests per operation: a run is a few minutes, and CI has its own time for more.
const EXAMPLES: &str = "15";
/// The two rows that are driven by their own tests alone: one takes components out of service, so that the others would be answered with
/// 503 in their names; the other has the host send what it measures to whatever place was made up.
const ELSEWHERE: [&str; 2] = ["stopService", "updateTelemetryConfig"];

#[tokio::test(flavor = "multi_thread")]
async fn the_platform_keeps_the_contract_of_its_document() {
    if kobliat_e2e::skipped("our HTTP server") {
        return;
    }
    let schemathesis = root().join("target/contract/bin/schemathesis");
    if !schemathesis.exists() {
        println!("skipped: there is no {}; the head of this file says how to make it", schemathesis.display());
        return;
    }
    let app = TestApp::start_with(Mode::Links, &[("simulator", "on")]).await;
    let output = tokio::process::Command::new(schemathesis)
        .arg("--config-file")
        .arg(root().join("tests/e2e/contract/schemathesis.toml"))
        .arg("run")
        .arg(format!("http://{}/openapi.json", app.address()))
        .args(["--header", &format!("X-API-Key: {}", secrets::API_KEY)])
        .args(ELSEWHERE.iter().flat_map(|operation| ["--exclude-operation-id", *operation]))
        .args(["--max-examples", EXAMPLES, "--seed", "1", "--no-color"])
        .output()
        .await
        .unwrap();
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{out}{err}");
    app.stop().await;
}
