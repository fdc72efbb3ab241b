//! What the command line decides; everything below it is told, and reads no environment of its own.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

#[derive(Clone, Debug)]
pub struct Options {
    /// spin.toml, or the directory that it is in.
    pub manifest: PathBuf,
    pub listen: SocketAddr,
    /// The admin surface by TCP, beside its unix socket.
    pub admin_listen: Option<SocketAddr>,
    /// Overrides the runtime config's; by default `.kobliat` beside the manifest.
    pub state_dir: Option<PathBuf>,
    /// By default `runtime-config.toml` beside the manifest, where there is one.
    pub runtime_config: Option<PathBuf>,
    /// `--variable name=value`.
    pub variables: BTreeMap<String, String>,
    /// `--key-value key=value`: written into the default store at start.
    pub key_values: Vec<(String, String)>,
    /// The process environment, in which variables are looked up.
    pub environment: BTreeMap<String, String>,
    /// Where `.env` is looked for.
    pub working_dir: PathBuf,
    /// Off composes every dependency statically, as Spin does.
    pub links: bool,
    /// How long a shutdown waits for the requests that run.
    pub drain: Duration,
    /// Told in a line what takes a while.
    pub progress: fn(&str),
}

impl Options {
    pub fn new(manifest: impl Into<PathBuf>) -> Self {
        Self {
            manifest: manifest.into(),
            listen: SocketAddr::from(([127, 0, 0, 1], 3000)),
            admin_listen: None,
            state_dir: None,
            runtime_config: None,
            variables: BTreeMap::new(),
            key_values: Vec::new(),
            environment: BTreeMap::new(),
            working_dir: PathBuf::from("."),
            links: true,
            drain: Duration::from_secs(30),
            progress: |_| (),
        }
    }
}
