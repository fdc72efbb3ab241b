//! Saved files become what runs, by builds of the test's own.

use super::manifest::write;
use super::support::{get, version};
use crate::support::host::{Host, application, eventually};
use kobliat_admin::Client;
use kobliat_build::{Environment, Options as BuildOptions};
use std::path::Path;
use std::sync::{Arc, Mutex};
use tempfile::TempDir;
use tokio::task::JoinHandle;

/// Its build copies a file, and fails when that says so.
const MANIFEST: &str = r#"
    spin_manifest_version = 2
    [application]
    name = "watched"
    [[trigger.http]]
    route = "/v/..."
    component = "one"
    [component.one]
    source = "built.wasm"
    [component.one.build]
    command = "! grep -q mistake saved.txt && cp saved.wasm built.wasm"
    watch = ["saved.*"]
"#;

struct Watched {
    host: Host,
    folder: TempDir,
    said: Arc<Mutex<String>>,
    watching: JoinHandle<()>,
}

impl Watched {
    /// How often something was said.
    fn said(&self, words: &str) -> usize {
        self.said.lock().unwrap().matches(words).count()
    }

    async fn says(&self, words: &str, more_than: usize) {
        eventually(words, || self.said(words) > more_than).await;
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.watching.abort();
    }
}

async fn start() -> Watched {
    let (start, folder) = application(MANIFEST);
    save(folder.path(), 1);
    std::fs::write(folder.path().join("built.wasm"), version(1, "good")).unwrap();
    let host = start.start().await;
    let root = folder.path().to_path_buf();
    let said = Arc::new(Mutex::new(String::new()));
    let options = kobliat_watch::Options {
        manifest: root.join("spin.toml"),
        runtime_config: None,
        build: BuildOptions {
            root,
            environment: Environment::for_guests(std::env::vars_os()),
            toolchain: None,
            quiet: true,
        },
        client: Client::in_state_dir(host.runtime.state_dir()),
        say: Arc::new({
            let said = Arc::clone(&said);
            move |line: &str| said.lock().unwrap().push_str(&format!("{line}\n"))
        }),
    };
    let watching = tokio::spawn(async { kobliat_watch::watch(options).await.unwrap() });
    let watched = Watched { host, folder, said, watching };
    watched.says("Watching 4 files", 0).await;
    watched
}

fn save(folder: &Path, number: u32) {
    std::fs::write(folder.join("saved.wasm"), version(number, "good")).unwrap();
    std::fs::write(folder.join("saved.txt"), "fine").unwrap();
}

async fn answers(host: &Host, answer: &str) {
    while host.get("/v/").await.expect(200) != answer {}
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_saved_is_built_and_runs() {
    let watched = start().await;
    let Watched { host, folder, .. } = &watched;
    assert_eq!(host.get("/v/").await.expect(200), "0001");
    save(folder.path(), 2);
    answers(host, "0002").await;
    watched.says("after it was saved", 0).await;

    std::fs::write(folder.path().join("saved.txt"), "a mistake").unwrap();
    watched.says("failed to build component `one`", 0).await;
    assert_eq!(host.get("/v/").await.expect(200), "0002");
    save(folder.path(), 3);
    answers(host, "0003").await;
    assert_eq!(get(host, "/components/one").await["follows_manifest"], true);

    // Built by somebody else.
    std::fs::write(folder.path().join("built.wasm"), version(4, "good")).unwrap();
    answers(host, "0004").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_saved_manifest_is_taken_over_with_what_is_new_in_it() {
    let watched = start().await;
    let Watched { host, folder, .. } = &watched;
    let more = r#"
        [[trigger.http]]
        route = "/more/..."
        component = "two"
        [component.two]
        source = "two.wasm"
        [component.two.build]
        command = "cp saved.wasm two.wasm"
        watch = ["saved.wasm"]
    "#;
    write(folder.path(), &format!("{MANIFEST}{more}"));
    while host.get("/more/").await.status == 404 {}
    assert_eq!(host.get("/more/").await.expect(200), "0001");
    save(folder.path(), 5);
    answers(host, "0005").await;
    while host.get("/more/").await.expect(200) != "0005" {}

    write(folder.path(), "[[trigger");
    watched.says("the manifest is not valid", 0).await;
    std::fs::write(folder.path().join("runtime-config.toml"), "log_dir = \"elsewhere\"\n").unwrap();
    write(folder.path(), MANIFEST);
    watched.says("needs a restart", 0).await;
    assert_eq!(host.get("/more/").await.expect(200), "0005");
    std::fs::remove_file(folder.path().join("runtime-config.toml")).unwrap();
    while host.get("/more/").await.status != 404 {}
}
