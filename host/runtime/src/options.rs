//! What the command line decides; everything below it is told, and reads no environment of its own.

use crate::log::Log;
use kobliat_registry::Access;
use kobliat_telemetry::otlp::Settings as TelemetrySettings;
use kobliat_trigger_http::TlsOptions;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::ops::Range;
use std::path::PathBuf;
use std::time::Duration;

#[derive(Clone, Debug)]
pub struct Options {
    /// spin.toml, or the directory that it is in; or a component, which then serves every path.
    pub manifest: PathBuf,
    pub listen: SocketAddr,
    /// The admin surface by TCP, beside its unix socket.
    pub admin_listen: Option<SocketAddr>,
    /// When the port is taken, one of the next ones will do.
    pub find_free_port: bool,
    /// Without it, the listener speaks plain HTTP.
    pub tls: Option<TlsOptions>,
    /// The longest head of a request, in bytes; by default [`kobliat_trigger_http::MAX_HEAD_BYTES`].
    pub max_head: Option<usize>,
    /// Overrides the runtime config's; by default `.kobliat` beside the manifest.
    pub state_dir: Option<PathBuf>,
    /// By default `runtime-config.toml` beside the manifest, where there is one.
    pub runtime_config: Option<PathBuf>,
    /// `--variable name=value`.
    pub variables: BTreeMap<String, String>,
    /// `-e NAME=VALUE`: for all components, over what the manifest says.
    pub guest_environment: Vec<(String, String)>,
    /// `-c ID`: only their triggers; empty means all.
    pub components: Vec<String>,
    pub instances: InstanceOptions,
    /// `--log-dir`: over the runtime config's; `""` turns the components' logs off.
    pub log_dir: Option<PathBuf>,
    /// `--temp`: where the copies of `files` are made instead of the state directory.
    pub temp_dir: Option<PathBuf>,
    /// `--truncate-logs`: logs begin anew.
    pub truncate_logs: bool,
    /// `--direct-mounts`: `files` are the application's own folders, not copies.
    pub direct_mounts: bool,
    /// `--allow-transient-write`: components may write into the copies of their files.
    pub allow_transient_write: bool,
    /// `--disable-pooling` turns it off: instances are made one by one.
    pub pooling: bool,
    /// `--disable-cache`: components are compiled at each start.
    pub compile_cache: bool,
    /// `--cache`: where compiled components are kept instead of the state directory.
    pub compiled_dir: Option<PathBuf>,
    /// `--cache-dir`: where fetched components are kept instead of the state directory.
    pub cache_dir: Option<PathBuf>,
    /// How registries are asked for components.
    pub registries: Access,
    /// `--key-value key=value`: written into the default store at start.
    pub key_values: Vec<(String, String)>,
    /// `--sqlite`, in the order given.
    pub sqlite: Vec<SqlitePreset>,
    /// `--profile`: the variant of the components that is run.
    pub profile: Option<String>,
    /// The process environment, in which variables are looked up.
    pub environment: BTreeMap<String, String>,
    /// Where `.env` is looked for.
    pub working_dir: PathBuf,
    /// Off composes every dependency statically, as Spin does.
    pub links: bool,
    /// How long a shutdown waits for the requests that run.
    pub drain: Duration,
    /// Run the manifest's versions again, whatever was swapped in.
    pub reset: bool,
    /// The program that compiles what is swapped in, as a child with limits; without one the host does it itself.
    pub compiler: Option<PathBuf>,
    /// The collector that spans and metrics are sent to.
    pub telemetry: TelemetrySettings,
    /// What an operator may change of the log.
    pub log: Log,
    /// Told in a line what takes a while.
    pub progress: fn(&str),
}

/// What the command line says of all components' instances, over their `limits`.
#[derive(Clone, Debug, Default)]
pub struct InstanceOptions {
    /// Bytes.
    pub max_memory: Option<u64>,
    /// Requests and calls that an instance serves. Of a range, here and below, each instance gets one number.
    pub reuse: Option<Range<u32>>,
    /// Requests and calls at once in one instance.
    pub concurrency: Option<Range<u32>>,
    /// Each component gets one number at each start: a request has its deadline before it has an instance.
    pub timeout: Option<Range<Duration>>,
    /// How long an unused instance is kept.
    pub idle: Option<Range<Duration>>,
}

/// `--sqlite`: statements that are run before anything serves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SqlitePreset {
    pub label: String,
    pub sql: String,
}

impl Options {
    pub fn new(manifest: impl Into<PathBuf>) -> Self {
        Self {
            manifest: manifest.into(),
            listen: SocketAddr::from(([127, 0, 0, 1], 3000)),
            admin_listen: None,
            find_free_port: false,
            tls: None,
            max_head: None,
            state_dir: None,
            runtime_config: None,
            variables: BTreeMap::new(),
            guest_environment: Vec::new(),
            components: Vec::new(),
            instances: InstanceOptions::default(),
            log_dir: None,
            temp_dir: None,
            truncate_logs: false,
            direct_mounts: false,
            allow_transient_write: false,
            pooling: true,
            compile_cache: true,
            compiled_dir: None,
            cache_dir: None,
            registries: Access::default(),
            key_values: Vec::new(),
            sqlite: Vec::new(),
            profile: None,
            environment: BTreeMap::new(),
            working_dir: PathBuf::from("."),
            links: true,
            drain: Duration::from_secs(30),
            reset: false,
            compiler: None,
            telemetry: TelemetrySettings::default(),
            log: Log::default(),
            progress: |_| (),
        }
    }
}
