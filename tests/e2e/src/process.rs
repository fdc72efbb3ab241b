//! The command as a process: what it prints, the signals it gets, and how it ends.

use crate::{Mode, Outside, compiled, foreign, guests, secrets};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, BufReader};
use tokio::process::{Child, ChildStdout};
use tokio::task::JoinHandle;

/// `kobliat up`, before it runs.
pub struct Command {
    binary: PathBuf,
    manifest: PathBuf,
    listen: String,
    mode: Mode,
    variables: Vec<(String, String)>,
    needs: Needs,
    /// What a command takes that is not ours.
    flags: Vec<OsString>,
    environment: Vec<(String, String)>,
}

/// What is built before it runs.
enum Needs {
    /// The platform's components, which are kept compiled, too.
    Platform,
    TestComponents,
    /// The test has built what it runs.
    Nothing,
}

impl Command {
    /// `up` of any host, with the flags that stock Spin has. Dependencies are composed unless the host has a better way.
    pub fn foreign(binary: impl Into<PathBuf>) -> Self {
        let config = guests::root().join("runtime-config.toml");
        let config = [OsString::from("--runtime-config-file"), config.into_os_string()];
        let flags = config.into_iter().chain(foreign::flags().into_iter().map(OsString::from)).collect();
        Self { flags, ..Self::up(binary) }
    }

    /// Up, on a free port, with the tests' secrets.
    pub fn up(binary: impl Into<PathBuf>) -> Self {
        Self {
            binary: binary.into(),
            manifest: guests::root().join("spin.toml"),
            listen: "127.0.0.1:0".into(),
            mode: Mode::Links,
            flags: Vec::new(),
            variables: secrets::VARIABLES.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect(),
            needs: Needs::Platform,
            environment: Vec::new(),
        }
    }

    /// The application of `tests/runtime/<behaviour>` instead.
    pub fn behaviour(binary: impl Into<PathBuf>, behaviour: &str) -> Self {
        let manifest = guests::root().join("tests/runtime").join(behaviour).join("spin.toml");
        Self { manifest, needs: Needs::TestComponents, ..Self::up(binary).without_variables() }
    }

    /// An application that is built already.
    pub fn application(binary: impl Into<PathBuf>, manifest: impl Into<PathBuf>) -> Self {
        Self { manifest: manifest.into(), needs: Needs::Nothing, ..Self::up(binary).without_variables() }
    }

    #[must_use]
    pub fn manifest(self, manifest: impl Into<PathBuf>) -> Self {
        Self { manifest: manifest.into(), ..self }
    }

    #[must_use]
    pub fn listen(self, listen: impl Into<String>) -> Self {
        Self { listen: listen.into(), ..self }
    }

    #[must_use]
    pub fn mode(self, mode: Mode) -> Self {
        Self { mode, ..self }
    }

    /// With these on top.
    #[must_use]
    pub fn variables(mut self, variables: &[(&str, &str)]) -> Self {
        self.variables.extend(variables.iter().map(|(name, value)| ((*name).into(), (*value).into())));
        self
    }

    #[must_use]
    pub fn environment(mut self, variables: &[(&str, &str)]) -> Self {
        self.environment.extend(variables.iter().map(|(name, value)| ((*name).into(), (*value).into())));
        self
    }

    /// With the secrets that it makes itself.
    #[must_use]
    pub fn without_variables(self) -> Self {
        Self { variables: Vec::new(), ..self }
    }

    /// Waits until it serves.
    pub async fn start(self, state: &Arc<TempDir>) -> TestProcess {
        self.prepare(state.path()).await;
        let mut child = self.spawn(state.path());
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut stdout = String::new();
        let address = loop {
            let Some(line) = lines.next_line().await.unwrap() else {
                let ended = Ended::of(child, lines.into_inner()).await;
                panic!("the host ended before it served: {}", ended.stderr);
            };
            stdout.push_str(&format!("{line}\n"));
            if let Some(address) = line.strip_prefix("Serving http://") {
                break address.parse().unwrap();
            }
        };
        let stderr = drain(child.stderr.take().unwrap());
        let outside = Outside::new(address);
        TestProcess { child, outside, state: Arc::clone(state), announced: lines.into_inner(), stdout, stderr }
    }

    /// For a start that is to be refused.
    pub async fn run(self, state_dir: &Path) -> Ended {
        self.prepare(state_dir).await;
        let mut child = self.spawn(state_dir);
        let stdout = child.stdout.take().unwrap();
        Ended::of(child, BufReader::new(stdout)).await
    }

    async fn prepare(&self, state_dir: &Path) {
        match self.needs {
            Needs::Platform => {
                guests::build();
                compiled::stock(state_dir, self.mode).await;
            }
            Needs::TestComponents => guests::build_test_components(),
            Needs::Nothing => {}
        }
    }

    fn spawn(&self, state_dir: &Path) -> Child {
        let mut command = tokio::process::Command::new(&self.binary);
        command.arg("up").arg("--from").arg(&self.manifest).args(["--listen", &self.listen]);
        command.arg("--state-dir").arg(state_dir).current_dir(state_dir);
        command.args(&self.flags);
        for (name, value) in &self.variables {
            command.arg("--variable").arg(format!("{name}={value}"));
        }
        if !self.mode.has_links() {
            command.arg("--no-links");
        }
        // No variable of the person who runs the tests decides what the application does.
        command.env_clear().env("HOME", state_dir).envs(self.environment.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        command.spawn().unwrap()
    }
}

/// A running host.
pub struct TestProcess {
    child: Child,
    outside: Outside,
    state: Arc<TempDir>,
    announced: BufReader<ChildStdout>,
    stdout: String,
    stderr: JoinHandle<String>,
}

/// How it ended, and all that it said.
pub struct Ended {
    pub status: ExitStatus,
    pub stdout: String,
    pub stderr: String,
}

impl TestProcess {
    pub fn outside(&self) -> &Outside {
        &self.outside
    }

    pub fn state_dir(&self) -> &Path {
        self.state.path()
    }

    /// `kill -9`, at once.
    pub async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }

    /// SIGTERM, as an init system stops a service. [`TestProcess::ended`] waits for the end.
    pub fn terminate(&self) {
        let id = i32::try_from(self.child.id().unwrap()).unwrap();
        let process = rustix::process::Pid::from_raw(id).unwrap();
        rustix::process::kill_process(process, rustix::process::Signal::TERM).unwrap();
    }

    pub async fn ended(mut self) -> Ended {
        let status = self.child.wait().await.unwrap();
        self.announced.read_to_string(&mut self.stdout).await.unwrap();
        Ended { status, stdout: self.stdout, stderr: self.stderr.await.unwrap() }
    }
}

impl Ended {
    async fn of(mut child: Child, mut rest: BufReader<ChildStdout>) -> Self {
        let stderr = drain(child.stderr.take().unwrap());
        let mut stdout = String::new();
        rest.read_to_string(&mut stdout).await.unwrap();
        Self { status: child.wait().await.unwrap(), stdout, stderr: stderr.await.unwrap() }
    }
}

/// Reads on, so that the process never waits for a full pipe.
fn drain(mut stream: impl AsyncRead + Unpin + Send + 'static) -> JoinHandle<String> {
    tokio::spawn(async move {
        let mut text = String::new();
        drop(stream.read_to_string(&mut text).await);
        text
    })
}
