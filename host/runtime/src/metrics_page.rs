//! The page that Prometheus scrapes: what was counted on the way, and what is read now of pools and databases.

use crate::factors::Factors;
use crate::live::Live;
use http::Method;
use kobliat_admin::{AdminRequest, Answer, Reply, RouteGroup};
use kobliat_events::Broker;
use kobliat_factor_sqlite::SqliteFactor;
use kobliat_telemetry::{DatabaseReading, Family, Metrics, Readings, SubscriptionReading, prometheus};
use std::sync::{Arc, OnceLock};
use tracing::warn;

/// `GET /metrics` of the admin surface answers with [`MetricsPage::text`].
pub struct MetricsPage {
    metrics: Arc<Metrics>,
    live: Arc<Live>,
    databases: Arc<SqliteFactor>,
    broker: OnceLock<Arc<Broker>>,
}

impl MetricsPage {
    /// What the text is, for its `Content-Type`.
    pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

    pub(crate) fn new(metrics: Arc<Metrics>, live: Arc<Live>, factors: &Factors) -> Self {
        Self { metrics, live, databases: factors.sqlite(), broker: OnceLock::new() }
    }

    /// The broker is opened after the page.
    pub(crate) fn show_broker(&self, broker: &Arc<Broker>) {
        drop(self.broker.set(Arc::clone(broker)));
    }

    pub fn text(&self) -> String {
        prometheus::encode(self.families())
    }

    /// All metrics, now.
    pub fn families(&self) -> Vec<Family> {
        let pools = self.live.targets().pools().map(|pool| pool.reading()).collect();
        self.metrics.families(&Readings {
            pools,
            databases: self.databases(),
            subscriptions: self.subscriptions(),
            published: self.broker.get().map(|broker| broker.published()).unwrap_or_default(),
        })
    }

    fn subscriptions(&self) -> Vec<SubscriptionReading> {
        let backlog = self.broker.get().map(|broker| broker.backlog()).unwrap_or_default().into_iter();
        let readings = backlog.map(|one| SubscriptionReading {
            subscription: one.subscription,
            pending: one.waiting,
            oldest_seconds: one.oldest.as_secs_f64(),
            dead_letters: one.dead,
            delivered: one.delivered,
            retried: one.retried,
            dead_lettered: one.dead_lettered,
        });
        readings.collect()
    }

    fn databases(&self) -> Vec<DatabaseReading> {
        let statistics = self.databases.statistics().into_iter();
        let readings = statistics.map(|(database, statistics)| DatabaseReading {
            database,
            commits: statistics.commits,
            commit_errors: statistics.commit_errors,
            jobs: statistics.jobs,
            largest_batch: statistics.largest_batch,
            refused_busy: statistics.refused_busy,
            checkpoints: statistics.checkpoints,
        });
        readings.collect()
    }
}

impl RouteGroup for MetricsPage {
    fn prefix(&self) -> &'static str {
        "metrics"
    }

    fn handle(&self, request: AdminRequest) -> Answer<'_> {
        Box::pin(async move {
            match (&request.method, request.segments().as_slice()) {
                (&Method::GET, []) => {
                    if let Some(broker) = self.broker.get()
                        && let Err(error) = broker.observe().await
                    {
                        warn!("the backlog of events is as it was at the last look: {error}");
                    }
                    Ok(Reply::text(Self::CONTENT_TYPE, self.text()))
                }
                _ => Err(Reply::unknown()),
            }
        })
    }
}
