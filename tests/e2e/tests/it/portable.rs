//! The way by which a foreign host runs the journeys (`KOBLIAT_E2E_BINARY`), gone with our own command, so that it is known to lead somewhere.

use kobliat_e2e::whatsapp::{SAMPLE, one_text};
use kobliat_e2e::{Command, TestApp, skipped};
use std::sync::Arc;

#[tokio::test(flavor = "multi_thread")]
async fn a_journey_by_nothing_but_the_flags_of_stock_spin() {
    if skipped("our own command") {
        return;
    }
    let state = Arc::new(tempfile::tempdir().unwrap());
    let command = || Command::foreign(env!("CARGO_BIN_EXE_kobliat-e2e-host"));
    let app = TestApp::start_command(command(), state).await;
    app.webhook_bytes(SAMPLE).await.expect(200);
    app.webhook(&one_text("wamid.portable", "15550001111", "hello")).await.expect(200);
    assert_eq!(app.conversations().await.len(), 2);
    let again = app.webhook_bytes(SAMPLE).await.expect(200);
    assert_eq!(again["duplicates"], 1);

    let state = app.stop().await;
    let app = TestApp::start_command(command(), state).await;
    assert_eq!(app.messages().await.len(), 2, "and it is there for the next start");
    app.stop().await;
}
