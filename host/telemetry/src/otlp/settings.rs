//! Where to, with what, and how often: OpenTelemetry's own names and defaults.

use http::{HeaderMap, HeaderName, HeaderValue, Uri};
use std::time::Duration;

/// What `OTEL_*` says. Without an endpoint nothing is sent.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// `OTEL_SDK_DISABLED` turns it off.
    pub enabled: bool,
    /// The collector; each signal's path is appended to it.
    pub endpoint: Option<String>,
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
    /// Where one would look for what is sent.
    pub fn shown_endpoint(&self) -> Option<&str> {
        let special = self.traces.endpoint.as_deref().or(self.metrics.endpoint.as_deref());
        self.endpoint.as_deref().or(special)
    }

    /// Everything goes to this collector from now on, or nowhere.
    pub fn redirect(&mut self, endpoint: Option<String>) {
        self.endpoint = endpoint;
        (self.traces.endpoint, self.metrics.endpoint) = (None, None);
    }

    /// Refuses an endpoint or a header that can not be used.
    pub fn check(&self) -> Result<(), String> {
        self.for_traces()?;
        self.for_metrics().map(drop)
    }

    pub(crate) fn for_traces(&self) -> Result<Option<Destination>, String> {
        self.destination(&self.traces, "/v1/traces")
    }

    pub(crate) fn for_metrics(&self) -> Result<Option<Destination>, String> {
        self.destination(&self.metrics, "/v1/metrics")
    }

    fn destination(&self, signal: &Signal, path: &str) -> Result<Option<Destination>, String> {
        let base = self.endpoint.as_ref().map(|base| format!("{}{path}", base.trim_end_matches('/')));
        let url = signal.endpoint.clone().or(base).filter(|_| self.enabled && signal.exported);
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
    fn refuses_what_is_no_url() {
        for bad in ["", "collector:4318", "ftp://x", "http://", "/v1"] {
            let settings = Settings { endpoint: Some(bad.into()), ..Settings::default() };
            assert!(settings.check().is_err(), "{bad}");
        }
    }
}
