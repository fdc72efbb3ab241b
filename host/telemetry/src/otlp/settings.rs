//! Where to, with what, and how often: OpenTelemetry's own names and defaults.

use http::{HeaderMap, HeaderName, HeaderValue, Uri};
use std::time::Duration;

/// OTLP's paths below a collector's endpoint.
const TRACES: &str = "/v1/traces";
const METRICS: &str = "/v1/metrics";

/// What `OTEL_*` says. Without an endpoint nothing is sent.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// `OTEL_SDK_DISABLED` turns it off.
    pub enabled: bool,
    /// The collector; each signal's path is appended to it.
    pub endpoint: Option<String>,
    /// Collectors that the host's administrator may choose while it runs, beside the configured one.
    pub allowed_endpoints: Vec<String>,
    pub traces: Signal,
    pub metrics: Signal,
    /// `OTEL_SERVICE_NAME`; without it the application's name is told.
    pub service_name: Option<String>,
    /// `OTEL_RESOURCE_ATTRIBUTES`
    pub resource: Vec<(String, String)>,
    pub sampler: crate::Sampler,
    /// `OTEL_METRIC_EXPORT_INTERVAL`
    pub metrics_every: Duration,
    /// `OTEL_BSP_SCHEDULE_DELAY`: how long a span may wait for others.
    pub spans_every: Duration,
}

/// What differs between traces and metrics.
#[derive(Clone, Debug, PartialEq)]
pub struct Signal {
    /// `OTEL_TRACES_EXPORTER=none` says no.
    pub exported: bool,
    /// The whole URL, over [`Settings::endpoint`].
    pub endpoint: Option<String>,
    pub headers: Vec<(String, String)>,
    pub timeout: Duration,
}

impl Default for Signal {
    fn default() -> Self {
        Self { exported: true, endpoint: None, headers: Vec::new(), timeout: Duration::from_secs(10) }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            enabled: true,
            endpoint: None,
            allowed_endpoints: Vec::new(),
            traces: Signal::default(),
            metrics: Signal::default(),
            service_name: None,
            resource: Vec::new(),
            sampler: crate::Sampler::default(),
            metrics_every: Duration::from_secs(60),
            spans_every: Duration::from_secs(5),
        }
    }
}

/// One signal's way to the collector.
#[derive(Clone, Debug)]
pub(crate) struct Destination {
    pub uri: Uri,
    pub headers: HeaderMap,
    pub timeout: Duration,
}

impl Settings {
    /// Where one would look for what is sent. A password in the URL is not shown.
    pub fn shown_endpoint(&self) -> Option<String> {
        let special = self.traces.endpoint.as_deref().or(self.metrics.endpoint.as_deref());
        self.endpoint.as_deref().or(special).map(without_user)
    }

    /// Whether the configuration names this collector.
    pub fn allows(&self, endpoint: &str) -> bool {
        let same = |named: &String| named.trim_end_matches('/') == endpoint.trim_end_matches('/');
        self.endpoint.iter().chain(&self.allowed_endpoints).any(same)
    }

    /// Everything goes to this collector from now on, or nowhere. The configured headers are for the configured collector:
    /// they never follow to another.
    pub fn redirect(&mut self, endpoint: Option<String>) {
        let before = [self.url(&self.traces, TRACES), self.url(&self.metrics, METRICS)];
        self.endpoint = endpoint;
        (self.traces.endpoint, self.metrics.endpoint) = (None, None);
        let now = [self.url(&self.traces, TRACES), self.url(&self.metrics, METRICS)];
        let signals = [&mut self.traces, &mut self.metrics];
        for (signal, _) in signals.into_iter().zip(before.iter().zip(&now)).filter(|(_, (before, now))| before != now) {
            signal.headers.clear();
        }
    }

    fn url(&self, signal: &Signal, path: &str) -> Option<String> {
        let base = self.endpoint.as_ref().map(|base| format!("{}{path}", base.trim_end_matches('/')));
        signal.endpoint.clone().or(base)
    }

    /// Refuses an endpoint or a header that can not be used.
    pub fn check(&self) -> Result<(), String> {
        self.for_traces()?;
        self.for_metrics().map(drop)
    }

    pub(crate) fn for_traces(&self) -> Result<Option<Destination>, String> {
        self.destination(&self.traces, TRACES)
    }

    pub(crate) fn for_metrics(&self) -> Result<Option<Destination>, String> {
        self.destination(&self.metrics, METRICS)
    }

    fn destination(&self, signal: &Signal, path: &str) -> Result<Option<Destination>, String> {
        let url = self.url(signal, path).filter(|_| self.enabled && signal.exported);
        let Some(url) = url else { return Ok(None) };
        let uri: Uri = url.parse().map_err(|_| not_a_url(&url))?;
        if !matches!(uri.scheme_str(), Some("http" | "https")) || uri.host().is_none_or(str::is_empty) {
            return Err(not_a_url(&url));
        }
        let mut headers = HeaderMap::new();
        for (name, value) in &signal.headers {
            let header = HeaderName::try_from(name).ok().zip(HeaderValue::try_from(value).ok());
            let (name, mut value) =
                header.ok_or_else(|| format!("the header `{name}` for the collector is not one"))?;
            value.set_sensitive(true);
            headers.append(name, value);
        }
        Ok(Some(Destination { uri, headers, timeout: signal.timeout }))
    }
}

fn without_user(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let end = rest.find('/').unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    format!("{scheme}://{host}{path}")
}

impl Destination {
    /// For the log: a path may hold a key, and the user part does.
    pub fn shown(&self) -> String {
        let authority = self.uri.authority().map_or("", |authority| authority.as_str());
        let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
        format!("{}://{host}", self.uri.scheme_str().unwrap_or("http"))
    }
}

fn not_a_url(url: &str) -> String {
    format!("the collector's endpoint `{url}` is no URL; write it as http://127.0.0.1:4318")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signal_s_own_endpoint_is_taken_as_it_is() {
        let mut settings = Settings { endpoint: Some("http://127.0.0.1:4318/".into()), ..Settings::default() };
        settings.metrics.endpoint = Some("https://metrics.example/in".into());
        assert_eq!(settings.for_traces().unwrap().unwrap().uri, "http://127.0.0.1:4318/v1/traces");
        assert_eq!(settings.for_metrics().unwrap().unwrap().uri, "https://metrics.example/in");
        settings.redirect(Some("http://other".into()));
        assert_eq!(settings.for_metrics().unwrap().unwrap().uri, "http://other/v1/metrics");
        settings.enabled = false;
        assert!(settings.for_metrics().unwrap().is_none());
    }

    #[test]
    fn headers_never_follow_to_another_collector() {
        let headers = vec![("authorization".to_owned(), "Bearer secret".to_owned())];
        let signal = Signal { headers: headers.clone(), ..Signal::default() };
        let configured = Settings {
            endpoint: Some("http://collector:4318".into()),
            traces: signal.clone(),
            metrics: Signal { endpoint: Some("http://metrics:1/in".into()), ..signal },
            ..Settings::default()
        };
        let redirected = |to: &str| {
            let mut settings = configured.clone();
            settings.redirect(Some(to.to_owned()));
            (settings.traces.headers, settings.metrics.headers)
        };
        assert_eq!(redirected("http://evil:4318"), (vec![], vec![]));
        assert_eq!(redirected("http://collector:4318/"), (headers, vec![]), "metrics went elsewhere before");
        assert!(configured.allows("http://collector:4318/") && !configured.allows("http://collector:4318.evil"));
    }

    #[test]
    fn no_password_is_shown() {
        let endpoint = Some("https://user:secret@collector.example:4318/key".to_owned());
        let settings = Settings { endpoint, ..Settings::default() };
        assert_eq!(settings.shown_endpoint().unwrap(), "https://collector.example:4318/key");
        assert_eq!(settings.for_traces().unwrap().unwrap().shown(), "https://collector.example:4318");
    }

    #[test]
    fn refuses_what_is_no_url() {
        for bad in ["", "collector:4318", "ftp://x", "http://", "/v1"] {
            let settings = Settings { endpoint: Some(bad.into()), ..Settings::default() };
            assert!(settings.check().is_err(), "{bad}");
        }
    }
}
