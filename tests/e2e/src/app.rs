//! A platform on a state directory and a port of its own: our host in this process, or a foreign one as its own.

use crate::{Command, Mode, Outside, TestProcess, compiled, foreign, guests, secrets};
use kobliat_runtime::{Options, Runtime};
use std::net::SocketAddr;
use std::ops::Deref;
use std::path::Path;
use std::sync::Arc;
use tempfile::TempDir;

/// A running platform. What it is asked from outside is asked through [`Outside`].
pub struct TestApp {
    host: Host,
    outside: Outside,
    state: Arc<TempDir>,
}

enum Host {
    Ours(Box<Runtime>),
    Foreign(Box<TestProcess>),
}

impl Host {
    /// For what a story asks our host itself. Such a story skips foreign ones.
    fn ours(&self) -> &Runtime {
        match self {
            Host::Ours(runtime) => runtime,
            Host::Foreign(_) => panic!("this can only be asked of our own host: begin the story with `skipped`"),
        }
    }
}

impl TestApp {
    pub async fn start(mode: Mode) -> Self {
        Self::start_on(Arc::new(tempfile::tempdir().unwrap()), mode).await
    }

    /// With these application variables, too.
    pub async fn start_with(mode: Mode, variables: &[(&str, &str)]) -> Self {
        Self::start_there(Arc::new(tempfile::tempdir().unwrap()), mode, variables).await
    }

    /// On a state directory that another platform may have used before.
    pub async fn start_on(state: Arc<TempDir>, mode: Mode) -> Self {
        Self::start_there(state, mode, &[]).await
    }

    async fn start_there(state: Arc<TempDir>, mode: Mode, variables: &[(&str, &str)]) -> Self {
        if let Some(binary) = foreign::binary() {
            return Self::start_command(Command::foreign(binary).variables(variables), state).await;
        }
        guests::build();
        compiled::stock(state.path(), mode).await;
        let runtime = start(state.path(), mode, variables).await;
        let outside = Outside::new(runtime.address());
        Self { host: Host::Ours(Box::new(runtime)), outside, state }
    }

    /// By a command, from outside only.
    pub async fn start_command(command: Command, state: Arc<TempDir>) -> Self {
        let process = command.start(&state).await;
        Self { outside: process.outside().clone(), host: Host::Foreign(Box::new(process)), state }
    }

    /// For tasks that outlive a borrow of this.
    pub fn outside(&self) -> Outside {
        self.outside.clone()
    }

    /// Instances alive now, all components together.
    pub fn instances(&self) -> usize {
        self.host.ours().instances()
    }

    /// Requests and calls that run now.
    pub fn running(&self) -> usize {
        self.host.ours().running()
    }

    /// What all components wrote to their standard output and error.
    pub fn logs(&self) -> String {
        let files = std::fs::read_dir(self.host.ours().log_dir().unwrap()).unwrap().flatten();
        files.map(|file| String::from_utf8_lossy(&std::fs::read(file.path()).unwrap()).into_owned()).collect()
    }

    pub fn state_dir(&self) -> &Path {
        self.state.path()
    }

    /// Stops in order; the state directory is there for the next one.
    pub async fn stop(self) -> Arc<TempDir> {
        match self.host {
            Host::Ours(runtime) => runtime.shutdown().await,
            Host::Foreign(process) => {
                process.terminate();
                process.ended().await;
            }
        }
        self.state
    }
}

impl Deref for TestApp {
    type Target = Outside;

    fn deref(&self) -> &Outside {
        &self.outside
    }
}

pub(crate) async fn start(state_dir: &Path, mode: Mode, variables: &[(&str, &str)]) -> Runtime {
    let options = Options {
        listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        state_dir: Some(state_dir.to_path_buf()),
        variables: secrets::VARIABLES
            .iter()
            .chain(variables)
            .map(|(name, value)| ((*name).into(), (*value).into()))
            .collect(),
        // No `.env` of the person who runs the tests.
        working_dir: state_dir.to_path_buf(),
        links: mode.has_links(),
        ..Options::new(guests::root().join("spin.toml"))
    };
    Runtime::start(options).await.unwrap_or_else(|error| panic!("the platform did not start: {error}"))
}
