//! The example of the README, as a person runs it: the script signs with the generated secret and shows the conversation.

use kobliat_e2e::{TestProcess, in_both_modes, root};
use std::sync::Arc;

async fn run_example(host: &TestProcess, arguments: &[&str]) -> String {
    let output = tokio::process::Command::new("bash")
        .arg(root().join("examples/whatsapp-webhook/send.sh"))
        .args(["--url", &format!("http://{}", host.outside().address())])
        .arg("--state-dir")
        .arg(host.state_dir())
        .args(arguments)
        .env_remove("WHATSAPP_APP_SECRET")
        .env_remove("BOOTSTRAP_API_KEY")
        .output()
        .await
        .unwrap();
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "send.sh failed (it needs openssl and curl): {out}{err}");
    // With jq it is laid out, without it is not.
    out.split_whitespace().collect()
}

in_both_modes! {
    async fn the_example_shows_its_conversation(mode: Mode) {
        if kobliat_e2e::skipped("our start-up lines") {
            return;
        }
        let state = Arc::new(tempfile::tempdir().unwrap());
        let host = crate::up().mode(mode).without_variables().start(&state).await;

        let first = run_example(&host, &[]).await;
        assert!(first.contains(r#""processed":true,"accepted":1,"duplicates":0,"ignored":0"#), "{first}");
        assert!(first.contains(r#""name":"SheenaNelson""#), "{first}");
        assert!(first.contains(r#""last_message_preview":"Doesitcomeinanothercolor?""#), "{first}");

        let again = run_example(&host, &[]).await;
        assert!(again.contains(r#""accepted":0,"duplicates":1"#), "{again}");
        let new = run_example(&host, &["--new"]).await;
        assert!(new.contains(r#""accepted":1,"duplicates":0"#), "{new}");
        assert!(new.contains(r#""unread_count":2"#), "{new}");

        host.terminate();
        assert!(host.ended().await.status.success());
    }
}
