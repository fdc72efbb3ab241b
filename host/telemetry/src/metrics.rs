//! The registry: which metrics there are, what they are called, and how Prometheus reads them.

use crate::pool::{Kind, Limit, LimitLabels, Outcome, OutcomeLabels, PoolLabels, PoolMetrics};
use crate::readings::{DatabaseReading, PoolReading, Readings};
use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};

/// Seconds: from a component that only computes to one that waits for another service.
pub(crate) const BUCKETS: [f64; 14] =
    [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0];

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct DatabaseLabels {
    database: String,
}

type Cpu = Counter<f64, AtomicU64>;

/// All metrics of one host.
pub struct Metrics {
    registry: Registry,
    requests: Family<OutcomeLabels, Counter>,
    duration: Family<PoolLabels, Histogram, fn() -> Histogram>,
    limits: Family<LimitLabels, Counter>,
    started: Family<PoolLabels, Counter>,
    cpu: Family<PoolLabels, Cpu>,
    instances: Family<PoolLabels, Gauge>,
    running: Family<PoolLabels, Gauge>,
    queued: Family<PoolLabels, Gauge>,
    memory: Family<PoolLabels, Gauge>,
    databases: Databases,
    pools: Mutex<HashMap<(String, Kind), Arc<PoolMetrics>>>,
}

#[derive(Default)]
struct Databases {
    commits: Family<DatabaseLabels, Counter>,
    errors: Family<DatabaseLabels, Counter>,
    jobs: Family<DatabaseLabels, Counter>,
    largest: Family<DatabaseLabels, Gauge>,
    busy: Family<DatabaseLabels, Counter>,
    checkpoints: Family<DatabaseLabels, Counter>,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut metrics = Self {
            registry: Registry::with_prefix("kobliat"),
            requests: Family::default(),
            duration: Family::new_with_constructor(|| Histogram::new(BUCKETS)),
            limits: Family::default(),
            started: Family::default(),
            cpu: Family::default(),
            instances: Family::default(),
            running: Family::default(),
            queued: Family::default(),
            memory: Family::default(),
            databases: Databases::default(),
            pools: Mutex::default(),
        };
        metrics.register();
        metrics
    }
}

impl Metrics {
    fn register(&mut self) {
        let to = &mut self.registry;
        to.register("requests", "Requests and typed calls by how they ended", self.requests.clone());
        to.register(
            "request_duration_seconds",
            "Time to the answer (of a response: to its head)",
            self.duration.clone(),
        );
        to.register("limit_breaches", "How often a component reached a limit", self.limits.clone());
        to.register("instances_started", "Instances started", self.started.clone());
        to.register("component_cpu_seconds", "Time that instances held a thread", self.cpu.clone());
        to.register("instances", "Instances alive", self.instances.clone());
        to.register("jobs_running", "Requests and calls that run", self.running.clone());
        to.register("jobs_queued", "Requests and calls that wait for an instance", self.queued.clone());
        to.register("component_memory_bytes", "Linear memory of all instances", self.memory.clone());
        let databases = &self.databases;
        to.register("sqlite_commits", "Commits that reached the disk", databases.commits.clone());
        to.register("sqlite_commit_errors", "Commits that failed", databases.errors.clone());
        to.register(
            "sqlite_commit_jobs",
            "Writes in those commits; by commits: the mean batch",
            databases.jobs.clone(),
        );
        to.register("sqlite_largest_batch", "Most writes in one commit", databases.largest.clone());
        to.register("sqlite_refused_busy", "Statements refused because too many waited", databases.busy.clone());
        to.register("sqlite_checkpoints", "Checkpoints", databases.checkpoints.clone());
    }

    /// The handles of a component's pool: the same for every version of the component.
    pub fn pool(&self, component: &str, kind: Kind) -> Arc<PoolMetrics> {
        let mut pools = self.pools.lock().unwrap_or_else(PoisonError::into_inner);
        let pool = pools.entry((component.to_owned(), kind)).or_insert_with(|| self.new_pool(component, kind));
        Arc::clone(pool)
    }

    fn new_pool(&self, component: &str, kind: Kind) -> Arc<PoolMetrics> {
        let component = || component.to_owned();
        let labels = PoolLabels { component: component(), kind };
        let outcomes = Outcome::ALL
            .map(|outcome| self.requests.get_or_create_owned(&OutcomeLabels { component: component(), kind, outcome }));
        let limits =
            Limit::ALL.map(|limit| self.limits.get_or_create_owned(&LimitLabels { component: component(), limit }));
        Arc::new(PoolMetrics::new(
            outcomes,
            limits,
            self.duration.get_or_create_owned(&labels),
            self.started.get_or_create_owned(&labels),
            self.cpu.get_or_create_owned(&labels),
        ))
    }

    /// The text that Prometheus scrapes (OpenMetrics).
    pub fn encode(&self, readings: &Readings) -> String {
        readings.pools.iter().for_each(|pool| self.show_pool(pool));
        readings.databases.iter().for_each(|database| self.databases.show(database));
        let mut text = String::new();
        // Writing to a String can not fail.
        let _ = text::encode(&mut text, &self.registry);
        text
    }

    fn show_pool(&self, pool: &PoolReading) {
        let labels = PoolLabels { component: pool.component.clone(), kind: pool.kind };
        let set = |family: &Family<PoolLabels, Gauge>, value: u64| {
            family.get_or_create_owned(&labels).set(i64::try_from(value).unwrap_or(i64::MAX));
        };
        set(&self.instances, pool.instances as u64);
        set(&self.running, pool.running as u64);
        set(&self.queued, pool.queued as u64);
        set(&self.memory, pool.memory_bytes);
    }
}

impl Databases {
    fn show(&self, reading: &DatabaseReading) {
        let labels = DatabaseLabels { database: reading.database.clone() };
        let set = |family: &Family<DatabaseLabels, Counter>, value: u64| {
            family.get_or_create_owned(&labels).inner().store(value, Relaxed);
        };
        set(&self.commits, reading.commits);
        set(&self.errors, reading.commit_errors);
        set(&self.jobs, reading.jobs);
        set(&self.busy, reading.refused_busy);
        set(&self.checkpoints, reading.checkpoints);
        let largest = i64::try_from(reading.largest_batch).unwrap_or(i64::MAX);
        self.largest.get_or_create_owned(&labels).set(largest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn tells_what_was_counted_and_what_was_read() {
        let metrics = Metrics::default();
        let pool = metrics.pool("hello", Kind::http);
        pool.ended(Outcome::ok, Duration::from_millis(3));
        metrics.pool("hello", Kind::http).ended(Outcome::ok, Duration::from_millis(3));
        pool.reached(Limit::cpu);
        pool.computed(Duration::from_millis(1500));
        let database = DatabaseReading {
            database: "hello".into(),
            commits: 2,
            commit_errors: 0,
            jobs: 10,
            largest_batch: 8,
            refused_busy: 0,
            checkpoints: 1,
        };
        let text = metrics.encode(&Readings { pools: Vec::new(), databases: vec![database] });
        for line in [
            r#"kobliat_requests_total{component="hello",kind="http",outcome="ok"} 2"#,
            r#"kobliat_request_duration_seconds_bucket{le="0.005",component="hello",kind="http"} 2"#,
            r#"kobliat_limit_breaches_total{component="hello",limit="cpu"} 1"#,
            r#"kobliat_component_cpu_seconds_total{component="hello",kind="http"} 1.5"#,
            r#"kobliat_sqlite_commit_jobs_total{database="hello"} 10"#,
            "# EOF",
        ] {
            assert!(text.contains(line), "no `{line}` in\n{text}");
        }
    }

    #[test]
    fn a_request_that_was_turned_away_has_no_duration() {
        let metrics = Metrics::default();
        metrics.pool("hello", Kind::http).ended(Outcome::refused, Duration::ZERO);
        let text = metrics.encode(&Readings::default());
        assert!(text.contains(r#"kobliat_request_duration_seconds_count{component="hello",kind="http"} 0"#), "{text}");
    }
}
