//! `kobliat new`: what it makes is built by its own command, and answers.

use kobliat_e2e::{Command, Outside, root, skipped};
use std::path::Path;
use std::sync::Arc;
use tempfile::TempDir;

const HOST: &str = env!("CARGO_BIN_EXE_kobliat-e2e-host");

/// Makes and builds it. The crates that it needs are those of this repository, so that nothing is fetched and little is compiled.
async fn made(template: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let app = folder.path().join("my-app");
    run(folder.path(), &["new", "my-app", "--template", template]).await;
    std::fs::copy(root().join("Cargo.lock"), app.join("Cargo.lock")).unwrap();
    std::os::unix::fs::symlink(root().join("target/guests"), app.join("target")).unwrap();
    run(&app, &["build", "--quiet"]).await;
    folder
}

async fn run(folder: &Path, arguments: &[&str]) {
    let mut command = tokio::process::Command::new(HOST);
    let output = command.args(arguments).current_dir(folder).env("CARGO_NET_OFFLINE", "true").output().await.unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}

async fn text(outside: &Outside, path: &str) -> (u16, String) {
    let reply = outside.send(http::Method::GET, path, &[], "").await;
    (reply.status, String::from_utf8_lossy(&reply.body).into_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_template_builds_and_answers() {
    if skipped("our own command") {
        return;
    }
    let cases = [
        ("http-rust", "/x", "Hello from my-app: GET /x\n"),
        ("static-fileserver", "/", "<h1>my-app</h1>\n"),
        ("typed-service", "/world", "Hello, world!\n"),
    ];
    for (template, path, expected) in cases {
        let folder = made(template).await;
        let state = Arc::new(tempfile::tempdir().unwrap());
        let command = Command::application(HOST, folder.path().join("my-app/spin.toml"));
        let host = command.start(&state).await;
        let (status, body) = text(host.outside(), path).await;
        assert!(status == 200 && body.ends_with(expected), "{template}: {status} {body}");
        host.terminate();
        assert!(host.ended().await.status.success());
    }
}
