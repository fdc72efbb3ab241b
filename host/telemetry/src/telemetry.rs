//! What is sent to a collector, changed while the host runs.

use crate::metrics::Family;
use crate::otlp::{Client, Line, Origin, Settings, Spans, send_metrics, send_spans};
use crate::span::now_ns;
use crate::trace::Tracer;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::warn;

/// What a stop waits for a collector.
const FAREWELL: Duration = Duration::from_secs(5);

/// The spans' and the metrics' way out of the host.
pub struct Telemetry {
    tracer: Arc<Tracer>,
    client: Client,
    gather: Arc<dyn Fn() -> Vec<Family> + Send + Sync>,
    application: String,
    began_ns: u64,
    tasks: TaskTracker,
    /// Ends what sends by the settings of now.
    stop: Mutex<CancellationToken>,
}

impl Telemetry {
    /// Sends nothing until [`Telemetry::apply`]. `gather` reads all metrics; `tls` is for collectors behind https.
    pub fn new(
        application: &str,
        tls: rustls::ClientConfig,
        gather: impl Fn() -> Vec<Family> + Send + Sync + 'static,
    ) -> Self {
        Self {
            tracer: Arc::default(),
            client: Client::new(tls),
            gather: Arc::new(gather),
            application: application.to_owned(),
            began_ns: now_ns(),
            tasks: TaskTracker::new(),
            stop: Mutex::default(),
        }
    }

    /// What begins traces.
    pub fn tracer(&self) -> &Arc<Tracer> {
        &self.tracer
    }

    /// From now on this is sent there. What was gathered for the collector before is still sent to it.
    pub fn apply(&self, settings: &Settings) -> Result<(), String> {
        let (traces, metrics) = (settings.for_traces()?, settings.for_metrics()?);
        let stop = CancellationToken::new();
        let origin = self.origin(settings);
        let line = |to, what| Line { client: self.client.clone(), to, what, broken: false };
        if let Some(to) = metrics {
            let (line, gather) = (line(to, "metrics"), Arc::clone(&self.gather));
            self.tasks.spawn(send_metrics(line, origin.clone(), gather, settings.metrics_every, stop.clone()));
        }
        let recording = traces.map(|to| {
            let (spans, records) = Spans::new();
            let sending =
                send_spans(line(to, "spans"), origin, Arc::clone(&spans), records, settings.spans_every, stop.clone());
            self.tasks.spawn(sending);
            (settings.sampler, spans)
        });
        self.tracer.record(recording);
        let before = std::mem::replace(&mut *self.stop.lock().unwrap_or_else(PoisonError::into_inner), stop);
        before.cancel();
        Ok(())
    }

    fn origin(&self, settings: &Settings) -> Origin {
        let name = settings.service_name.clone().or_else(|| {
            let named = settings.resource.iter().find(|(key, _)| key == "service.name");
            named.map(|(_, value)| value.clone())
        });
        let own = [
            ("service.name".to_owned(), name.unwrap_or_else(|| self.application.clone())),
            ("telemetry.sdk.name".to_owned(), "kobliat".to_owned()),
            ("telemetry.sdk.language".to_owned(), "rust".to_owned()),
        ];
        let said = settings.resource.iter().filter(|(key, _)| key != "service.name").cloned();
        Origin::new(own.into_iter().chain(said), self.began_ns)
    }

    /// Sends what is gathered, as far as the collector takes it in time.
    pub async fn close(&self) {
        self.tracer.record(None);
        self.stop.lock().unwrap_or_else(PoisonError::into_inner).cancel();
        self.tasks.close();
        if tokio::time::timeout(FAREWELL, self.tasks.wait()).await.is_err() {
            warn!("the last spans and metrics did not reach the collector within {} s", FAREWELL.as_secs());
        }
    }
}

impl Drop for Telemetry {
    fn drop(&mut self) {
        self.tracer.record(None);
        self.stop.lock().unwrap_or_else(PoisonError::into_inner).cancel();
    }
}
