//! kobliat.toml: what the deployment decides and runtime-config.toml can not say, because Spin refuses keys that it does not
//! know. Optional, beside runtime-config.toml; a table per concern; keys that nobody reads are refused.

mod http;

use crate::error::StartError;
pub use http::Http;
use kobliat_engine::stdio::LogBounds;
use kobliat_events::Options as EventsOptions;
use kobliat_telemetry::otlp::{Settings as TelemetrySettings, pairs_text};
use kobliat_trigger_http::TlsOptions;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::num::NonZeroU16;
use std::path::{Path, PathBuf};
use std::time::Duration;

#[derive(Debug, Default, Deserialize, PartialEq)]
#[serde(deny_unknown_fields, default)]
pub struct PlatformConfig {
    pub events: Events,
    pub http: Http,
    pub tls: Option<Tls>,
    pub telemetry: Option<Telemetry>,
    pub logs: Logs,
}

/// `[logs]`: how much of what components write to stdout and stderr is kept, per stream.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields, default)]
pub struct Logs {
    /// A file that is full is moved to `<name>.1`, and a new one is begun.
    pub max_file_mib: NonZeroU16,
    /// Earlier files that are kept beside the one that is written.
    pub kept_files: u8,
}

impl Default for Logs {
    fn default() -> Self {
        let LogBounds { file_bytes, kept_files } = LogBounds::default();
        let mebibytes = u16::try_from(file_bytes >> 20).ok().and_then(NonZeroU16::new);
        Self { max_file_mib: mebibytes.unwrap_or(NonZeroU16::MIN), kept_files }
    }
}

impl Logs {
    pub fn bounds(&self) -> LogBounds {
        LogBounds { file_bytes: u64::from(self.max_file_mib.get()) << 20, kept_files: self.kept_files }
    }
}

/// `[tls]`: serve HTTPS. Paths are relative to this file; the command line's certificate wins.
#[derive(Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// PEM, the leaf first.
    pub certificate: PathBuf,
    pub key: PathBuf,
    /// The authorities of clients' certificates; with it, clients without one are not served.
    pub client_authorities: Option<PathBuf>,
}

impl Tls {
    pub fn options(&self, dir: &Path) -> TlsOptions {
        TlsOptions {
            certificate: dir.join(&self.certificate),
            key: dir.join(&self.key),
            client_authorities: self.client_authorities.as_ref().map(|file| dir.join(file)),
        }
    }
}

/// `[telemetry]`: what `OTEL_*` say, for deployments that have no environment of their own; variables that are set win.
#[derive(Debug, Default, Deserialize, PartialEq)]
#[serde(deny_unknown_fields, default)]
pub struct Telemetry {
    pub enabled: Option<bool>,
    /// The collector, like `http://127.0.0.1:4318`.
    pub endpoint: Option<String>,
    /// Other collectors that the admin surface may choose while the host runs. They get none of the headers.
    pub allowed_endpoints: Vec<String>,
    pub headers: BTreeMap<String, String>,
    pub service_name: Option<String>,
    /// Attributes of the resource, like `deployment.environment.name`.
    pub resource: BTreeMap<String, String>,
    /// From 0 to 1, of the traces that begin here.
    pub sampling_rate: Option<f64>,
    pub metrics_interval_ms: Option<u64>,
}

impl Telemetry {
    /// With what the environment says instead.
    pub fn settings(&self, environment: &BTreeMap<String, String>) -> Result<TelemetrySettings, StartError> {
        if self.sampling_rate.is_some_and(|rate| !(0.0..=1.0).contains(&rate)) {
            return Err(StartError::new("kobliat.toml: `sampling_rate` in [telemetry] is a number from 0 to 1"));
        }
        let mut variables = self.variables();
        // The rate belongs to its sampler.
        if environment.contains_key("OTEL_TRACES_SAMPLER") {
            variables.remove("OTEL_TRACES_SAMPLER_ARG");
        }
        variables.extend(environment.iter().filter(|(_, value)| !value.trim().is_empty()).map(own));
        let wrong = |reason| StartError::new(format!("the telemetry of kobliat.toml and the environment: {reason}"));
        let mut settings = TelemetrySettings::from_environment(&variables).map_err(wrong)?;
        for endpoint in &self.allowed_endpoints {
            let alone = TelemetrySettings { endpoint: Some(endpoint.clone()), ..TelemetrySettings::default() };
            alone.check().map_err(|reason| {
                StartError::new(format!("kobliat.toml: `allowed_endpoints` in [telemetry]: {reason}"))
            })?;
        }
        settings.allowed_endpoints.clone_from(&self.allowed_endpoints);
        Ok(settings)
    }

    fn variables(&self) -> BTreeMap<String, String> {
        let pairs = |pairs: &BTreeMap<String, String>| (!pairs.is_empty()).then(|| pairs_text(pairs));
        let said = [
            ("OTEL_SDK_DISABLED", self.enabled.map(|enabled| (!enabled).to_string())),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", self.endpoint.clone()),
            ("OTEL_EXPORTER_OTLP_HEADERS", pairs(&self.headers)),
            ("OTEL_SERVICE_NAME", self.service_name.clone()),
            ("OTEL_RESOURCE_ATTRIBUTES", pairs(&self.resource)),
            ("OTEL_TRACES_SAMPLER", self.sampling_rate.map(|_| "parentbased_traceidratio".to_owned())),
            ("OTEL_TRACES_SAMPLER_ARG", self.sampling_rate.map(|rate| rate.to_string())),
            ("OTEL_METRIC_EXPORT_INTERVAL", self.metrics_interval_ms.map(|interval| interval.to_string())),
        ];
        said.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
    }
}

fn own((name, value): (&String, &String)) -> (String, String) {
    (name.clone(), value.clone())
}

/// `[events]`
#[derive(Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields, default)]
pub struct Events {
    pub engine: EventsEngine,
    /// Deliveries that may wait before publishers get 503.
    pub max_backlog: u64,
    /// How long a second copy of an event is recognised.
    pub retention_days: u16,
    /// Deliveries under way at once, per subscription.
    pub parallel: u16,
    /// How large the engine's file may grow; then publishers get 507. 0: as large as the disk.
    pub max_file_mib: u32,
    /// How long a dead letter waits for an operator.
    pub dead_letter_days: u16,
    /// Dead letters that are kept; beyond them the oldest are given up.
    pub max_dead_letters: u64,
}

/// What keeps the events.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum EventsEngine {
    /// `events.db` in the state directory.
    #[default]
    Sqlite,
}

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

impl Default for Events {
    fn default() -> Self {
        let EventsOptions { max_backlog, retention, parallel, dead_letter_retention, max_dead_letters } =
            EventsOptions::default();
        let days = |time: Duration| u16::try_from(time.as_secs() / DAY.as_secs()).unwrap_or(u16::MAX);
        Self {
            engine: EventsEngine::Sqlite,
            max_backlog,
            retention_days: days(retention),
            parallel: u16::try_from(parallel).unwrap_or(u16::MAX),
            // Eight times what the longest backlog of usual events takes.
            max_file_mib: 8192,
            dead_letter_days: days(dead_letter_retention),
            max_dead_letters,
        }
    }
}

impl Events {
    pub fn options(&self) -> EventsOptions {
        EventsOptions {
            max_backlog: self.max_backlog,
            retention: DAY * u32::from(self.retention_days),
            parallel: usize::from(self.parallel).max(1),
            dead_letter_retention: DAY * u32::from(self.dead_letter_days),
            max_dead_letters: self.max_dead_letters,
        }
    }

    pub fn max_file_bytes(&self) -> Option<u64> {
        (self.max_file_mib > 0).then(|| u64::from(self.max_file_mib) << 20)
    }
}

impl PlatformConfig {
    /// Reads `kobliat.toml` in this directory, where there is one.
    pub fn load(dir: &Path) -> Result<Self, StartError> {
        let path = dir.join("kobliat.toml");
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(StartError::because(format_args!("read `{}`", path.display()), error)),
        };
        toml::from_str(&text).map_err(|error| StartError::new(format!("{}: {error}", path.display())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_has_its_default() {
        let config: PlatformConfig = toml::from_str("[events]\nmax_backlog = 5\nmax_file_mib = 2\n").unwrap();
        let options = config.events.options();
        assert_eq!(options.max_backlog, 5);
        assert_eq!(config.events.max_file_bytes(), Some(2 << 20));
        assert_eq!(Events::default().max_file_bytes(), Some(8 << 30));
        assert_eq!(Events { max_file_mib: 0, ..Events::default() }.max_file_bytes(), None);
        assert_eq!(options.dead_letter_retention, EventsOptions::default().dead_letter_retention);
        assert_eq!(options.retention, EventsOptions::default().retention);
        assert_eq!(config.events.engine, EventsEngine::Sqlite);
    }

    #[test]
    fn logs_are_bounded_unless_the_file_says_otherwise() {
        assert_eq!(PlatformConfig::default().logs.bounds(), LogBounds::default());
        let config: PlatformConfig = toml::from_str("[logs]\nmax_file_mib = 2\nkept_files = 0\n").unwrap();
        assert_eq!(config.logs.bounds(), LogBounds { file_bytes: 2 << 20, kept_files: 0 });
    }

    #[test]
    fn certificates_are_beside_the_file_unless_they_say_where() {
        let text = "[tls]\ncertificate = \"tls/cert.pem\"\nkey = \"/etc/key.pem\"\n";
        let tls = toml::from_str::<PlatformConfig>(text).unwrap().tls.unwrap().options(Path::new("/app"));
        assert_eq!(tls.certificate, Path::new("/app/tls/cert.pem"));
        assert_eq!(tls.key, Path::new("/etc/key.pem"));
        assert_eq!(tls.client_authorities, None);
    }

    #[test]
    fn the_environment_wins_over_the_telemetry_of_the_file() {
        let text = "[telemetry]\nendpoint = \"http://file:4318\"\nservice_name = \"shop\"\nsampling_rate = 0.25\n\
                    headers = { authorization = \"Bearer a=b, c\" }\nmetrics_interval_ms = 1000\n";
        let telemetry = toml::from_str::<PlatformConfig>(text).unwrap().telemetry.unwrap();
        let settings = telemetry.settings(&BTreeMap::new()).unwrap();
        assert_eq!(settings.endpoint.as_deref(), Some("http://file:4318"));
        assert_eq!(settings.traces.headers, [("authorization".to_owned(), "Bearer a=b, c".to_owned())]);
        assert_eq!((settings.sampler.rate, settings.metrics_every), (0.25, Duration::from_secs(1)));
        let environment = [("OTEL_EXPORTER_OTLP_ENDPOINT", "http://env:4318"), ("OTEL_SERVICE_NAME", " ")];
        let environment = environment.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        let settings = telemetry.settings(&environment).unwrap();
        assert_eq!(settings.endpoint.as_deref(), Some("http://env:4318"));
        assert_eq!(settings.service_name.as_deref(), Some("shop"), "an empty variable counts as none");
        for bad in [
            Telemetry { sampling_rate: Some(2.0), ..Telemetry::default() },
            Telemetry { endpoint: Some("x".into()), ..Telemetry::default() },
            Telemetry { allowed_endpoints: vec!["collector".into()], ..Telemetry::default() },
        ] {
            assert!(bad.settings(&BTreeMap::new()).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn refuses_what_nobody_reads() {
        for bad in [
            "[event]\n",
            "[logs]\nmax_file_mib = 0\n",
            "[logs]\nkeep = 3\n",
            "[telemetry]\nurl = \"x\"\n",
            "[events]\nbacklog = 1\n",
            "[events]\nengine = \"kafka\"\n",
            "[tls]\ncertificate = \"c\"\n",
            "[http]\nproxies = []\n",
        ] {
            assert!(toml::from_str::<PlatformConfig>(bad).is_err(), "{bad}");
        }
    }
}
