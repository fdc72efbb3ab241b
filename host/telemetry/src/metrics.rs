//! Which metrics there are, what they are called, and all of them at one moment.

use crate::histogram::HistogramReading;
use crate::pool::{Kind, Limit, Outcome, PoolMetrics};
use crate::readings::{DatabaseReading, PoolReading, Readings, SubscriptionReading};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// The counters of one host: what each pool of instances holds a part of.
#[derive(Debug, Default)]
pub struct Metrics {
    pools: Mutex<BTreeMap<(String, &'static str), Arc<PoolMetrics>>>,
}

/// One metric at one moment, without the `kobliat_` that its name begins with.
#[derive(Clone, Debug, PartialEq)]
pub struct Family {
    pub name: &'static str,
    pub help: &'static str,
    pub shape: Shape,
    pub samples: Vec<Sample>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Only grows.
    Counter,
    Gauge,
    Histogram,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    pub labels: Labels,
    pub value: Value,
}

pub type Labels = Vec<(&'static str, String)>;

#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Count(u64),
    Seconds(f64),
    Histogram(HistogramReading),
}

impl Metrics {
    /// The counters of a component's pool: the same for every version of the component.
    pub fn pool(&self, component: &str, kind: Kind) -> Arc<PoolMetrics> {
        let mut pools = self.pools.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(pools.entry((component.to_owned(), kind.as_str())).or_default())
    }

    /// What was counted on the way, and what was read now.
    pub fn families(&self, readings: &Readings) -> Vec<Family> {
        let mut families = self.counted();
        families.extend(of_pools(&readings.pools));
        families.extend(of_databases(&readings.databases));
        families.extend(of_subscriptions(&readings.subscriptions));
        families.push(of_types(&readings.published));
        families
    }

    fn counted(&self) -> Vec<Family> {
        use Shape::{Counter, Histogram};
        let mut requests = family("requests", "Requests and typed calls by how they ended", Counter);
        let mut duration =
            family("request_duration_seconds", "Time to the answer (of a response: to its head)", Histogram);
        let mut limits = family("limit_breaches", "How often a component reached a limit", Counter);
        let mut started = family("instances_started", "Instances started", Counter);
        let mut cpu = family("component_cpu_seconds", "Time that instances held a thread", Counter);
        let mut breaches: BTreeMap<String, [u64; Limit::ALL.len()]> = BTreeMap::new();
        for ((component, kind), pool) in self.pools.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            let labels = || vec![("component", component.clone()), ("kind", (*kind).to_owned())];
            for outcome in Outcome::ALL {
                let mut labels = labels();
                labels.push(("outcome", outcome.as_str().to_owned()));
                requests.add(labels, Value::Count(pool.outcome(outcome)));
            }
            duration.add(labels(), Value::Histogram(pool.duration()));
            started.add(labels(), Value::Count(pool.started()));
            cpu.add(labels(), Value::Seconds(pool.cpu_seconds()));
            let sums = breaches.entry(component.clone()).or_default();
            sums.iter_mut().zip(Limit::ALL).for_each(|(sum, limit)| *sum += pool.count(limit));
        }
        for (component, sums) in breaches {
            for (sum, limit) in sums.into_iter().zip(Limit::ALL) {
                let labels = vec![("component", component.clone()), ("limit", limit.as_str().to_owned())];
                limits.add(labels, Value::Count(sum));
            }
        }
        vec![requests, duration, limits, started, cpu]
    }
}

fn family(name: &'static str, help: &'static str, shape: Shape) -> Family {
    Family { name, help, shape, samples: Vec::new() }
}

impl Family {
    fn add(&mut self, labels: Labels, value: Value) {
        self.samples.push(Sample { labels, value });
    }

    /// What happened after `earlier`, which is the same metric at an earlier moment. A gauge has no past.
    pub fn since(mut self, earlier: Option<&Self>) -> Self {
        let Some(earlier) = earlier.filter(|_| self.shape != Shape::Gauge) else { return self };
        for sample in &mut self.samples {
            if let Some(then) = earlier.samples.iter().find(|then| then.labels == sample.labels) {
                sample.value = sample.value.since(&then.value);
            }
        }
        self
    }
}

impl Value {
    fn since(&self, earlier: &Self) -> Self {
        match (self, earlier) {
            (Self::Count(now), Self::Count(then)) => Self::Count(now.saturating_sub(*then)),
            (Self::Seconds(now), Self::Seconds(then)) => Self::Seconds((now - then).max(0.0)),
            (Self::Histogram(now), Self::Histogram(then)) => Self::Histogram(now.since(then)),
            (now, _) => now.clone(),
        }
    }
}

fn of_pools(pools: &[PoolReading]) -> Vec<Family> {
    let labels =
        |pool: &PoolReading| vec![("component", pool.component.clone()), ("kind", pool.kind.as_str().to_owned())];
    // A version on trial has pools beside those of the one that it may replace.
    let gauge = |name, help, value: fn(&PoolReading) -> u64| {
        let mut sums: BTreeMap<Labels, u64> = BTreeMap::new();
        pools.iter().for_each(|pool| *sums.entry(labels(pool)).or_default() += value(pool));
        summed(family(name, help, Shape::Gauge), sums)
    };
    let by_version = |name, help, value: fn(&PoolReading) -> u64| {
        let mut sums: BTreeMap<Labels, u64> = BTreeMap::new();
        for pool in pools {
            let mut labels = labels(pool);
            labels.push(("version", pool.version.clone()));
            *sums.entry(labels).or_default() += value(pool);
        }
        summed(family(name, help, Shape::Counter), sums)
    };
    vec![
        by_version(
            "version_requests",
            "Requests and typed calls that a version served since it was put in place",
            |pool| pool.requests,
        ),
        by_version("version_errors", "Those of them that failed", |pool| pool.errors),
        gauge("instances", "Instances alive", |pool| pool.instances as u64),
        gauge("jobs_running", "Requests and calls that run", |pool| pool.running as u64),
        gauge("jobs_queued", "Requests and calls that wait for an instance", |pool| pool.queued as u64),
        gauge("component_memory_bytes", "Linear memory of all instances", |pool| pool.memory_bytes),
    ]
}

fn summed(mut family: Family, sums: BTreeMap<Labels, u64>) -> Family {
    sums.into_iter().for_each(|(labels, sum)| family.add(labels, Value::Count(sum)));
    family
}

fn of_databases(databases: &[DatabaseReading]) -> Vec<Family> {
    let family = |name, help, shape, value: fn(&DatabaseReading) -> u64| {
        let mut family = family(name, help, shape);
        for database in databases {
            family.add(vec![("database", database.database.clone())], Value::Count(value(database)));
        }
        family
    };
    let counter = |name, help, value| family(name, help, Shape::Counter, value);
    vec![
        counter("sqlite_commits", "Commits that reached the disk", |one| one.commits),
        counter("sqlite_commit_errors", "Commits that failed", |one| one.commit_errors),
        counter("sqlite_commit_jobs", "Writes in those commits; by commits: the mean batch", |one| one.jobs),
        family("sqlite_largest_batch", "Most writes in one commit", Shape::Gauge, |one| one.largest_batch),
        counter("sqlite_refused_busy", "Statements refused because too many waited", |one| one.refused_busy),
        counter("sqlite_checkpoints", "Checkpoints", |one| one.checkpoints),
    ]
}

fn of_subscriptions(subscriptions: &[SubscriptionReading]) -> Vec<Family> {
    use Shape::{Counter, Gauge};
    let family = |name, help, shape, value: fn(&SubscriptionReading) -> Value| {
        let mut family = family(name, help, shape);
        for one in subscriptions {
            family.add(vec![("subscription", one.subscription.clone())], value(one));
        }
        family
    };
    vec![
        family("events_pending", "Events that wait to be delivered", Gauge, |one| Value::Count(one.pending)),
        family("events_oldest_age_seconds", "How long the oldest of them has waited", Gauge, |one| {
            Value::Seconds(one.oldest_seconds)
        }),
        family("events_dead_letters", "Dead letters that are kept", Gauge, |one| Value::Count(one.dead_letters)),
        family("events_delivered", "Events delivered", Counter, |one| Value::Count(one.delivered)),
        family("events_retried", "Attempts that failed and are repeated", Counter, |one| Value::Count(one.retried)),
        family("events_dead_lettered", "Events given up as dead letters", Counter, |one| {
            Value::Count(one.dead_lettered)
        }),
    ]
}

/// What happened in the application, as its components publish it: messages received, conversations opened, and so on.
fn of_types(published: &[(String, u64)]) -> Family {
    let mut family = family("events_published", "Events published, by type", Shape::Counter);
    for (kind, count) in published {
        family.add(vec![("type", kind.clone())], Value::Count(*count));
    }
    family
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn versions_are_counted_apart_and_instances_together() {
        let pool = |version: &str, requests| PoolReading {
            component: "hello".into(),
            kind: Kind::Http,
            instances: 2,
            running: 0,
            queued: 0,
            memory_bytes: 1,
            version: version.into(),
            requests,
            errors: 1,
        };
        let readings = Readings { pools: vec![pool("a", 5), pool("b", 7)], ..Readings::default() };
        let families = Metrics::default().families(&readings);
        let values = |name: &str| {
            let family = families.iter().find(|family| family.name == name).unwrap();
            family.samples.iter().map(|sample| sample.value.clone()).collect::<Vec<_>>()
        };
        assert_eq!(values("version_requests"), [Value::Count(5), Value::Count(7)]);
        assert_eq!(values("instances"), [Value::Count(4)]);
    }

    #[test]
    fn what_happened_since_is_told_without_what_was_before() {
        let metrics = Metrics::default();
        let pool = metrics.pool("hello", Kind::Http);
        pool.ended(Outcome::Ok, Duration::from_millis(3));
        let before = metrics.families(&Readings::default());
        pool.ended(Outcome::Ok, Duration::from_millis(3));
        pool.ended(Outcome::Ok, Duration::from_millis(3));
        let of = |name: &str, families: &[Family]| families.iter().find(|family| family.name == name).cloned();
        let now = metrics.families(&Readings::default());
        let requests = of("requests", &now).unwrap().since(of("requests", &before).as_ref());
        assert_eq!(requests.samples[0].value, Value::Count(2));
        let duration = of("request_duration_seconds", &now).unwrap();
        let duration = duration.since(of("request_duration_seconds", &before).as_ref());
        let Value::Histogram(reading) = &duration.samples[0].value else { panic!("a histogram") };
        assert_eq!(reading.count(), 2);
        assert_eq!(of("requests", &now).unwrap().since(None).samples[0].value, Value::Count(3));
    }
}
