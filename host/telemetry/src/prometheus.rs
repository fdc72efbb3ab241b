//! All metrics as the text that Prometheus scrapes (OpenMetrics).

use crate::histogram::BOUNDS;
use crate::metrics::{Family, Sample, Shape, Value};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, MetricEncoder, NoLabelSet, text};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Registry;
use std::fmt;

pub fn encode(families: Vec<Family>) -> String {
    let mut registry = Registry::with_prefix("kobliat");
    registry.register_collector(Box::new(Page(families)));
    let mut page = String::new();
    // Writing to a String can not fail.
    let _ = text::encode(&mut page, &registry);
    page
}

#[derive(Debug)]
struct Page(Vec<Family>);

impl Collector for Page {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        for family in &self.0 {
            let shape = match family.shape {
                Shape::Counter => MetricType::Counter,
                Shape::Gauge => MetricType::Gauge,
                Shape::Histogram => MetricType::Histogram,
            };
            let help = format!("{}.", family.help);
            let mut encoder = encoder.encode_descriptor(family.name, &help, None, shape)?;
            for sample in &family.samples {
                encode_sample(encoder.encode_family(&sample.labels)?, family.shape, sample)?;
            }
        }
        Ok(())
    }
}

fn encode_sample(mut encoder: MetricEncoder<'_>, shape: Shape, sample: &Sample) -> fmt::Result {
    match (&sample.value, shape) {
        (Value::Count(count), Shape::Counter) => encoder.encode_counter::<NoLabelSet, _, u64>(count, None),
        (Value::Count(level), _) => encoder.encode_gauge(&i64::try_from(*level).unwrap_or(i64::MAX)),
        (Value::Seconds(seconds), Shape::Gauge) => encoder.encode_gauge(seconds),
        (Value::Seconds(seconds), _) => encoder.encode_counter::<NoLabelSet, _, f64>(seconds, None),
        (Value::Histogram(reading), _) => {
            let bounds = BOUNDS.into_iter().chain([f64::INFINITY]);
            let buckets: Vec<_> = bounds.zip(reading.buckets.iter().copied()).collect();
            encoder.encode_histogram::<NoLabelSet>(reading.sum_seconds, reading.count(), &buckets, None)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{DatabaseReading, Kind, Limit, Metrics, Outcome, Readings, SubscriptionReading};
    use std::time::Duration;

    #[test]
    fn tells_what_was_counted_and_what_was_read() {
        let metrics = Metrics::default();
        let pool = metrics.pool("hello", Kind::Http);
        pool.ended(Outcome::Ok, Duration::from_millis(3));
        metrics.pool("hello", Kind::Http).ended(Outcome::Ok, Duration::from_millis(3));
        pool.reached(Limit::Cpu);
        metrics.pool("hello", Kind::Call).reached(Limit::Cpu);
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
        let subscription = SubscriptionReading {
            subscription: "notification".into(),
            pending: 7,
            oldest_seconds: 12.5,
            dead_letters: 3,
            delivered: 100,
            retried: 4,
            dead_lettered: 1,
        };
        let text = encode(metrics.families(&Readings {
            databases: vec![database],
            subscriptions: vec![subscription],
            published: vec![("com.kobliat.message.received.v1".into(), 9)],
            ..Readings::default()
        }));
        for line in [
            r#"kobliat_requests_total{component="hello",kind="http",outcome="ok"} 2"#,
            r#"kobliat_request_duration_seconds_bucket{le="0.005",component="hello",kind="http"} 2"#,
            r#"kobliat_request_duration_seconds_bucket{le="+Inf",component="hello",kind="http"} 2"#,
            r#"kobliat_limit_breaches_total{component="hello",limit="cpu"} 2"#,
            r#"kobliat_component_cpu_seconds_total{component="hello",kind="http"} 1.5"#,
            r#"kobliat_sqlite_commit_jobs_total{database="hello"} 10"#,
            r#"kobliat_sqlite_largest_batch{database="hello"} 8"#,
            r#"kobliat_events_pending{subscription="notification"} 7"#,
            r#"kobliat_events_oldest_age_seconds{subscription="notification"} 12.5"#,
            r#"kobliat_events_dead_letters{subscription="notification"} 3"#,
            r#"kobliat_events_published_total{type="com.kobliat.message.received.v1"} 9"#,
            r#"kobliat_events_delivered_total{subscription="notification"} 100"#,
            "# HELP kobliat_requests Requests and typed calls by how they ended.",
            "# EOF",
        ] {
            assert!(text.contains(line), "no `{line}` in\n{text}");
        }
    }

    #[test]
    fn a_request_that_was_turned_away_has_no_duration() {
        let metrics = Metrics::default();
        metrics.pool("hello", Kind::Http).ended(Outcome::Refused, Duration::ZERO);
        let text = encode(metrics.families(&Readings::default()));
        assert!(text.contains(r#"kobliat_request_duration_seconds_count{component="hello",kind="http"} 0"#), "{text}");
    }
}
