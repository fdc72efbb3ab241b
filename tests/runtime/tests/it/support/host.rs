//! One running host per test: an application, with a port and a state directory of its own.

use std::io::Write;
use std::net::SocketAddr;
use std::ops::Deref;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, Mutex, Once};
use std::time::{Duration, Instant};

use kobliat_runtime::{Options, Runtime, TlsOptions};
use tempfile::TempDir;
use tokio::sync::{OwnedRwLockReadGuard, OwnedRwLockWriteGuard, RwLock};
use tokio::task::JoinHandle;

use super::client::{Answer, Client, PATIENCE};
use super::guests;

/// Derefs to its client.
pub struct Host {
    pub runtime: Runtime,
    state: TempDir,
    client: Client,
    _turn: Turn,
}

/// Tests that use up the machine run alone: the others' time limits are not made for that.
enum Turn {
    #[expect(dead_code, reason = "held, not read")]
    Shared(OwnedRwLockReadGuard<()>),
    #[expect(dead_code, reason = "held, not read")]
    Alone(OwnedRwLockWriteGuard<()>),
}

static TURNS: LazyLock<Arc<RwLock<()>>> = LazyLock::new(|| Arc::new(RwLock::new(())));

/// What differs from the plain start of a folder's application.
pub struct Start {
    options: Options,
    alone: bool,
}

impl Start {
    /// The application of `tests/runtime/<behaviour>`.
    pub fn behaviour(behaviour: &str) -> Self {
        Self::at(Path::new(env!("CARGO_MANIFEST_DIR")).join(behaviour))
    }

    pub fn at(manifest: PathBuf) -> Self {
        guests::folder();
        let mut options = Options::new(manifest);
        options.listen = SocketAddr::from(([127, 0, 0, 1], 0));
        Self { options, alone: false }
    }

    pub fn alone(mut self) -> Self {
        self.alone = true;
        self
    }

    /// Back to the manifest's versions.
    pub fn reset(mut self) -> Self {
        self.options.reset = true;
        self
    }

    pub fn links(mut self, links: bool) -> Self {
        self.options.links = links;
        self
    }

    pub fn tls(mut self, tls: TlsOptions) -> Self {
        self.options.tls = Some(tls);
        self
    }

    pub fn listen(mut self, address: SocketAddr) -> Self {
        self.options.listen = address;
        self
    }

    pub fn find_free_port(mut self) -> Self {
        self.options.find_free_port = true;
        self
    }

    pub fn variable(mut self, name: &str, value: impl ToString) -> Self {
        self.options.variables.insert(name.to_owned(), value.to_string());
        self
    }

    /// Any other option of the command line.
    pub fn options(mut self, change: impl FnOnce(&mut Options)) -> Self {
        change(&mut self.options);
        self
    }

    pub fn key_value(mut self, key: &str, value: &str) -> Self {
        self.options.key_values.push((key.to_owned(), value.to_owned()));
        self
    }

    pub async fn start(self) -> Host {
        let turns = Arc::clone(&TURNS);
        let turn =
            if self.alone { Turn::Alone(turns.write_owned().await) } else { Turn::Shared(turns.read_owned().await) };
        self.in_state(new_state(), turn).await
    }

    async fn in_state(self, state: TempDir, turn: Turn) -> Host {
        let runtime = run(self.options, &state).await.unwrap_or_else(|reason| panic!("{reason}"));
        Host { client: Client::new(runtime.address()), runtime, state, _turn: turn }
    }

    /// Why this application does not start.
    pub async fn refusal(self) -> String {
        match run(self.options, &new_state()).await {
            Ok(_) => panic!("it started"),
            Err(reason) => reason,
        }
    }
}

fn new_state() -> TempDir {
    let state = tempfile::tempdir().unwrap();
    share_compiled_components(state.path());
    state
}

async fn run(mut options: Options, state: &TempDir) -> Result<Runtime, String> {
    LOGGING.call_once(log_to_memory);
    options.state_dir = Some(state.path().to_owned());
    Runtime::start(options).await.map_err(|error| error.to_string())
}

/// All tests run the same few components: compiled once, loaded by each.
fn share_compiled_components(state: &Path) {
    let shared = Path::new(env!("CARGO_TARGET_TMPDIR")).join("compiled");
    std::fs::create_dir_all(&shared).unwrap();
    symlink(shared, state.join("cache")).unwrap();
}

impl Host {
    pub async fn start(behaviour: &str) -> Self {
        Start::behaviour(behaviour).start().await
    }

    /// Stops it, and starts `next` in the same state directory.
    pub async fn restart(self, next: Start) -> Self {
        self.runtime.shutdown().await;
        next.in_state(self.state, self._turn).await
    }

    /// Stops it in order; what it leaves is in its state directory.
    pub async fn stop(self) -> TempDir {
        self.runtime.shutdown().await;
        self.state
    }

    /// What a component has written to stdout so far.
    pub fn stdout_of(&self, component: &str) -> String {
        self.output(&format!("{component}_stdout.txt"))
    }

    pub fn output(&self, file: &str) -> String {
        std::fs::read_to_string(self.state.path().join("logs").join(file)).unwrap_or_default()
    }

    /// Sends a request that takes a while, and comes back when so many requests and calls run.
    pub async fn started(&self, path: &'static str, running: usize) -> JoinHandle<Answer> {
        let client = self.client.clone();
        let request = tokio::spawn(async move { client.get(path).await });
        self.runs(running).await;
        request
    }

    /// Waits until so many requests and calls run.
    pub async fn runs(&self, count: usize) {
        eventually(&format!("{count} run"), || self.runtime.running() == count).await;
    }
}

impl Deref for Host {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

/// Waits for a fact.
pub async fn eventually(fact: &str, mut holds: impl FnMut() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < PATIENCE, "never: {fact}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// An application that is written in the test, with `GUESTS` for the folder of the built guests.
pub fn application(spin_toml: &str) -> (Start, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let guests = guests::folder().to_str().unwrap();
    std::fs::write(folder.path().join("spin.toml"), spin_toml.replace("GUESTS", guests)).unwrap();
    (Start::at(folder.path().to_owned()), folder)
}

static LOGGING: Once = Once::new();
static LOG: Mutex<Vec<u8>> = Mutex::new(Vec::new());

fn log_to_memory() {
    let subscriber =
        tracing_subscriber::fmt().with_max_level(tracing::Level::INFO).with_ansi(false).with_writer(|| Log);
    tracing::subscriber::set_global_default(subscriber.finish()).unwrap();
}

struct Log;

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        LOG.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// What the hosts of all tests have logged so far.
pub fn log() -> String {
    String::from_utf8_lossy(&LOG.lock().unwrap()).into_owned()
}
