//! All metrics as JSON, counted since the last reset. What Prometheus and the collector see is not reset: their counters
//! never go back.

use crate::metrics_page::MetricsPage;
use kobliat_events::clock::{rfc3339, wall_now};
use kobliat_telemetry::{Family, MetricValue, Sample};
use serde_json::{Map, Value, json};
use std::sync::{Arc, Mutex, PoisonError};

pub struct Numbers {
    page: Arc<MetricsPage>,
    since: Mutex<Since>,
}

struct Since {
    time: String,
    families: Vec<Family>,
}

impl Numbers {
    pub fn new(page: Arc<MetricsPage>) -> Self {
        let since = Since { time: rfc3339(wall_now()), families: Vec::new() };
        Self { page, since: Mutex::new(since) }
    }

    pub fn reset(&self) {
        let since = Since { time: rfc3339(wall_now()), families: self.page.families() };
        *self.since.lock().unwrap_or_else(PoisonError::into_inner) = since;
    }

    pub fn show(&self) -> Value {
        let since = self.since.lock().unwrap_or_else(PoisonError::into_inner);
        let families = self.page.families().into_iter().map(|family| {
            let name = family.name;
            let family = family.since(since.families.iter().find(|then| then.name == name));
            (name.to_owned(), family.samples.iter().map(sample).collect())
        });
        json!({ "since": since.time, "metrics": families.collect::<Map<String, Value>>() })
    }
}

/// The labels, and the value beside them.
fn sample(sample: &Sample) -> Value {
    let labels = sample.labels.iter().map(|(key, value)| ((*key).to_owned(), Value::from(value.as_str())));
    let mut shown: Map<String, Value> = labels.collect();
    match &sample.value {
        MetricValue::Count(count) => drop(shown.insert("value".to_owned(), (*count).into())),
        MetricValue::Seconds(seconds) => drop(shown.insert("value".to_owned(), (*seconds).into())),
        MetricValue::Histogram(reading) => {
            shown.insert("count".to_owned(), reading.count().into());
            shown.insert("sum_seconds".to_owned(), reading.sum_seconds.into());
            shown.insert(
                "buckets".to_owned(),
                reading.bounded().map(|(le, count)| json!({ "le": le, "count": count })).collect(),
            );
        }
    }
    Value::Object(shown)
}
