//! The page that Prometheus scrapes: what was counted on the way, and what is read now of pools and databases.

use crate::factors::Factors;
use crate::live::Live;
use http::Method;
use kobliat_admin::{AdminRequest, Answer, Reply, RouteGroup};
use kobliat_factor_sqlite::SqliteFactor;
use kobliat_telemetry::{DatabaseReading, Family, Metrics, Readings, prometheus};
use std::sync::Arc;

/// `GET /metrics` of the admin surface answers with [`MetricsPage::text`].
pub struct MetricsPage {
    metrics: Arc<Metrics>,
    live: Arc<Live>,
    databases: Arc<SqliteFactor>,
}

impl MetricsPage {
    /// What the text is, for its `Content-Type`.
    pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

    pub(crate) fn new(metrics: Arc<Metrics>, live: Arc<Live>, factors: &Factors) -> Self {
        Self { metrics, live, databases: factors.sqlite() }
    }

    pub fn text(&self) -> String {
        prometheus::encode(self.families())
    }

    /// All metrics, now.
    pub fn families(&self) -> Vec<Family> {
        let pools = self.live.targets().pools().map(|pool| pool.reading()).collect();
        self.metrics.families(&Readings { pools, databases: self.databases() })
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
                (&Method::GET, []) => Ok(Reply::text(Self::CONTENT_TYPE, self.text())),
                _ => Err(Reply::unknown()),
            }
        })
    }
}
