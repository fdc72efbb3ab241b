//! The settings from the variables that OpenTelemetry has for them. What the process environment is, the caller says.

use super::settings::{Settings, Signal};
use crate::Sampler;
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use std::collections::BTreeMap;
use std::str::FromStr;
use std::time::Duration;

type Environment = BTreeMap<String, String>;

impl Settings {
    /// An empty variable counts as none (OpenTelemetry). The error names the variable that can not be used.
    pub fn from_environment(environment: &Environment) -> Result<Self, String> {
        let default = Self::default();
        let milliseconds =
            |name: &str, default| Ok::<_, String>(number(environment, name)?.map_or(default, Duration::from_millis));
        let settings = Self {
            enabled: !is_true(environment, "OTEL_SDK_DISABLED"),
            endpoint: get(environment, "OTEL_EXPORTER_OTLP_ENDPOINT").map(str::to_owned),
            allowed_endpoints: Vec::new(),
            traces: signal(environment, "TRACES")?,
            metrics: signal(environment, "METRICS")?,
            service_name: get(environment, "OTEL_SERVICE_NAME").map(str::to_owned),
            resource: pairs(environment, "OTEL_RESOURCE_ATTRIBUTES")?,
            sampler: sampler(environment)?,
            metrics_every: milliseconds("OTEL_METRIC_EXPORT_INTERVAL", default.metrics_every)?.max(SHORTEST),
            spans_every: milliseconds("OTEL_BSP_SCHEDULE_DELAY", default.spans_every)?.max(SHORTEST),
        };
        if settings.enabled && settings.shown_endpoint().is_some() {
            for name in ["", "TRACES_", "METRICS_"] {
                refuse_other_protocols(environment, &format!("OTEL_EXPORTER_OTLP_{name}PROTOCOL"))?;
            }
        }
        settings.check()?;
        Ok(settings)
    }
}

/// `name=value,other=value`: pairs as these variables have them.
pub fn pairs_text<'p>(pairs: impl IntoIterator<Item = (&'p String, &'p String)>) -> String {
    let encode = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    let pairs = pairs.into_iter().map(|(name, value)| format!("{}={}", encode(name), encode(value)));
    pairs.collect::<Vec<_>>().join(",")
}

/// More often would be work without end.
const SHORTEST: Duration = Duration::from_millis(10);

fn get<'e>(environment: &'e Environment, name: &str) -> Option<&'e str> {
    environment.get(name).map(|value| value.trim()).filter(|value| !value.is_empty())
}

fn is_true(environment: &Environment, name: &str) -> bool {
    get(environment, name).is_some_and(|value| value.eq_ignore_ascii_case("true"))
}

fn number<T: FromStr>(environment: &Environment, name: &str) -> Result<Option<T>, String> {
    let Some(text) = get(environment, name) else { return Ok(None) };
    text.parse().map(Some).map_err(|_| format!("`{name}={text}` is no number that it can be"))
}

/// What is said of the signal alone, else what is said of both.
fn signal(environment: &Environment, signal: &str) -> Result<Signal, String> {
    let own = |what: &str| format!("OTEL_EXPORTER_OTLP_{signal}_{what}");
    let timeout = match number(environment, &own("TIMEOUT"))? {
        Some(own) => Some(own),
        None => number(environment, "OTEL_EXPORTER_OTLP_TIMEOUT")?,
    };
    let mut headers = pairs(environment, "OTEL_EXPORTER_OTLP_HEADERS")?;
    for (name, value) in pairs(environment, &own("HEADERS"))? {
        headers.retain(|(other, _)| !other.eq_ignore_ascii_case(&name));
        headers.push((name, value));
    }
    let default = Signal::default();
    Ok(Signal {
        exported: get(environment, &format!("OTEL_{signal}_EXPORTER")) != Some("none"),
        endpoint: get(environment, &own("ENDPOINT")).map(str::to_owned),
        headers,
        timeout: timeout.map_or(default.timeout, Duration::from_millis),
    })
}

/// `name=value,other=value`, percent-encoded.
fn pairs(environment: &Environment, name: &str) -> Result<Vec<(String, String)>, String> {
    let text = get(environment, name).unwrap_or_default();
    let pairs = text.split(',').filter(|pair| !pair.trim().is_empty()).map(|pair| {
        let (key, value) = pair.split_once('=')?;
        Some((decode(key)?, decode(value)?))
    });
    pairs.collect::<Option<_>>().ok_or_else(|| format!("`{name}` is written as name=value,other=value"))
}

fn decode(text: &str) -> Option<String> {
    Some(percent_decode_str(text.trim()).decode_utf8().ok()?.into_owned())
}

fn sampler(environment: &Environment) -> Result<Sampler, String> {
    const ARGUMENT: &str = "OTEL_TRACES_SAMPLER_ARG";
    let share = || {
        let rate = number(environment, ARGUMENT)?.unwrap_or(1.0);
        if (0.0..=1.0).contains(&rate) { Ok(rate) } else { Err(format!("`{ARGUMENT}={rate}` is not within 0 and 1")) }
    };
    let sampler = |rate, parent_based| Ok(Sampler { rate, parent_based });
    match get(environment, "OTEL_TRACES_SAMPLER").unwrap_or("parentbased_always_on") {
        "always_on" => sampler(1.0, false),
        "always_off" => sampler(0.0, false),
        "traceidratio" => sampler(share()?, false),
        "parentbased_always_on" => sampler(1.0, true),
        "parentbased_always_off" => sampler(0.0, true),
        "parentbased_traceidratio" => sampler(share()?, true),
        other => Err(format!(
            "`OTEL_TRACES_SAMPLER={other}` is not a sampler of this host: always_on, always_off, traceidratio, or one of them after `parentbased_`"
        )),
    }
}

fn refuse_other_protocols(environment: &Environment, name: &str) -> Result<(), String> {
    match get(environment, name) {
        None | Some("http/protobuf") => Ok(()),
        Some(other) => Err(format!(
            "`{name}={other}`: this host speaks http/protobuf with a collector, usually at port 4318; leave `{name}` out"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<Settings, String> {
        let pairs = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Settings::from_environment(&pairs.collect())
    }

    #[test]
    fn nothing_said_is_nothing_sent() {
        assert_eq!(read(&[]), Ok(Settings::default()));
        assert_eq!(read(&[("OTEL_EXPORTER_OTLP_ENDPOINT", "")]), Ok(Settings::default()));
    }

    #[test]
    fn what_is_said_of_one_signal_comes_before_what_is_said_of_both() {
        let settings = read(&[
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318"),
            ("OTEL_EXPORTER_OTLP_HEADERS", "Authorization=Bearer%20a, x=1"),
            ("OTEL_EXPORTER_OTLP_METRICS_HEADERS", "authorization=b"),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "500"),
            ("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "700"),
            ("OTEL_METRICS_EXPORTER", "none"),
            ("OTEL_SERVICE_NAME", "platform"),
            ("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=test,a=b%2Cc"),
        ])
        .unwrap();
        assert_eq!(settings.traces.headers[0], ("Authorization".to_owned(), "Bearer a".to_owned()));
        assert_eq!(settings.metrics.headers[1], ("authorization".to_owned(), "b".to_owned()));
        assert_eq!(settings.traces.timeout, Duration::from_millis(700));
        assert_eq!(settings.metrics.timeout, Duration::from_millis(500));
        assert!(settings.traces.exported && !settings.metrics.exported);
        assert_eq!(settings.service_name.as_deref(), Some("platform"));
        assert_eq!(settings.resource[1], ("a".to_owned(), "b,c".to_owned()));
    }

    #[test]
    fn the_samplers_are_those_of_the_specification() {
        let sampler = |name, argument| {
            read(&[("OTEL_TRACES_SAMPLER", name), ("OTEL_TRACES_SAMPLER_ARG", argument)]).map(|read| read.sampler)
        };
        assert_eq!(sampler("traceidratio", "0.5"), Ok(Sampler { rate: 0.5, parent_based: false }));
        assert_eq!(sampler("parentbased_traceidratio", ""), Ok(Sampler { rate: 1.0, parent_based: true }));
        assert_eq!(sampler("parentbased_always_off", "7"), Ok(Sampler { rate: 0.0, parent_based: true }));
        assert!(sampler("traceidratio", "2").is_err());
        assert!(sampler("xray", "").is_err());
    }

    #[test]
    fn refuses_what_it_can_not_do() {
        let endpoint = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4317");
        assert!(read(&[endpoint, ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")]).unwrap_err().contains("http/protobuf"));
        assert!(read(&[("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")]).is_ok(), "nobody sends anything");
        assert!(read(&[endpoint, ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"), ("OTEL_SDK_DISABLED", "true")]).is_ok());
        assert!(read(&[("OTEL_EXPORTER_OTLP_ENDPOINT", "collector")]).is_err());
        assert!(read(&[("OTEL_EXPORTER_OTLP_HEADERS", "a")]).is_err());
        assert!(read(&[("OTEL_EXPORTER_OTLP_TIMEOUT", "1s")]).is_err());
    }
}
