//! What was gathered, as OTLP's messages.

use crate::histogram::{BOUNDS, HistogramReading};
use crate::metrics::{Family, Sample, Shape, Value as MetricValue};
use crate::span::{Record, SpanKind, Value};
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue, any_value};
use opentelemetry_proto::tonic::metrics::v1::{
    AggregationTemporality, Gauge, Histogram, HistogramDataPoint, Metric, NumberDataPoint, ResourceMetrics,
    ScopeMetrics, Sum, metric, number_data_point,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status, span, status};

/// Who tells it.
#[derive(Clone, Debug)]
pub struct Origin {
    pub resource: Resource,
    pub began_ns: u64,
}

impl Origin {
    pub fn new(attributes: impl Iterator<Item = (String, String)>, began_ns: u64) -> Self {
        let attributes = attributes.map(|(key, value)| text(&key, &value)).collect();
        Self { resource: Resource { attributes, ..Resource::default() }, began_ns }
    }
}

fn scope() -> Option<InstrumentationScope> {
    let version = env!("CARGO_PKG_VERSION").to_owned();
    Some(InstrumentationScope { name: "kobliat".to_owned(), version, ..InstrumentationScope::default() })
}

pub fn traces(origin: &Origin, records: Vec<Record>) -> ExportTraceServiceRequest {
    let spans = records.into_iter().map(span).collect();
    let scope_spans = vec![ScopeSpans { scope: scope(), spans, schema_url: String::new() }];
    let resource = Some(origin.resource.clone());
    ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans { resource, scope_spans, schema_url: String::new() }],
    }
}

fn span(record: Record) -> Span {
    let kind = match record.kind {
        SpanKind::Internal => span::SpanKind::Internal,
        SpanKind::Server => span::SpanKind::Server,
        SpanKind::Client => span::SpanKind::Client,
        SpanKind::Consumer => span::SpanKind::Consumer,
    };
    let parent = if record.parent == 0 { Vec::new() } else { record.parent.to_be_bytes().to_vec() };
    Span {
        trace_id: record.context.trace_id.to_be_bytes().to_vec(),
        span_id: record.context.span_id.to_be_bytes().to_vec(),
        parent_span_id: parent,
        flags: u32::from(record.context.sampled),
        name: record.name,
        kind: kind.into(),
        start_time_unix_nano: record.began_ns,
        end_time_unix_nano: record.ended_ns,
        attributes: record.attributes.into_iter().map(|(key, value)| attribute(key, value)).collect(),
        status: record.error.map(|message| Status { message, code: status::StatusCode::Error.into() }),
        ..Span::default()
    }
}

fn attribute(key: &str, value: Value) -> KeyValue {
    let value = match value {
        Value::Text(text) => any_value::Value::StringValue(text),
        Value::Number(number) => any_value::Value::IntValue(number),
    };
    KeyValue { key: key.to_owned(), value: Some(AnyValue { value: Some(value) }), ..KeyValue::default() }
}

fn text(key: &str, value: &str) -> KeyValue {
    attribute(key, Value::from(value))
}

pub fn metrics(origin: &Origin, now_ns: u64, families: Vec<Family>) -> ExportMetricsServiceRequest {
    let at = Moment { began_ns: origin.began_ns, now_ns };
    // A metric of which there is nothing yet is left out.
    let families = families.into_iter().filter(|family| !family.samples.is_empty());
    let metrics = families.map(|family| at.metric(family)).collect();
    let scope_metrics = vec![ScopeMetrics { scope: scope(), metrics, schema_url: String::new() }];
    let resource = Some(origin.resource.clone());
    ExportMetricsServiceRequest {
        resource_metrics: vec![ResourceMetrics { resource, scope_metrics, schema_url: String::new() }],
    }
}

/// All counters count from the host's start.
struct Moment {
    began_ns: u64,
    now_ns: u64,
}

impl Moment {
    fn metric(&self, family: Family) -> Metric {
        let temporality = AggregationTemporality::Cumulative.into();
        let numbers = || family.samples.iter().filter_map(|sample| self.number(sample)).collect();
        let data = match family.shape {
            Shape::Counter => metric::Data::Sum(Sum {
                data_points: numbers(),
                aggregation_temporality: temporality,
                is_monotonic: true,
            }),
            Shape::Gauge => metric::Data::Gauge(Gauge { data_points: numbers() }),
            Shape::Histogram => metric::Data::Histogram(Histogram {
                data_points: family.samples.iter().filter_map(|sample| self.histogram(sample)).collect(),
                aggregation_temporality: temporality,
            }),
        };
        Metric {
            name: format!("kobliat.{}", family.name),
            description: family.help.to_owned(),
            unit: unit(family.name).to_owned(),
            metadata: Vec::new(),
            data: Some(data),
        }
    }

    fn number(&self, sample: &Sample) -> Option<NumberDataPoint> {
        let value = match &sample.value {
            MetricValue::Count(count) => number_data_point::Value::AsInt(i64::try_from(*count).unwrap_or(i64::MAX)),
            MetricValue::Seconds(seconds) => number_data_point::Value::AsDouble(*seconds),
            MetricValue::Histogram(_) => return None,
        };
        Some(NumberDataPoint {
            attributes: labels(sample),
            start_time_unix_nano: self.began_ns,
            time_unix_nano: self.now_ns,
            value: Some(value),
            ..NumberDataPoint::default()
        })
    }

    fn histogram(&self, sample: &Sample) -> Option<HistogramDataPoint> {
        let MetricValue::Histogram(HistogramReading { buckets, sum_seconds }) = &sample.value else { return None };
        Some(HistogramDataPoint {
            attributes: labels(sample),
            start_time_unix_nano: self.began_ns,
            time_unix_nano: self.now_ns,
            count: buckets.iter().sum(),
            sum: Some(*sum_seconds),
            bucket_counts: buckets.clone(),
            explicit_bounds: BOUNDS.to_vec(),
            ..HistogramDataPoint::default()
        })
    }
}

fn labels(sample: &Sample) -> Vec<KeyValue> {
    sample.labels.iter().map(|(key, value)| text(key, value)).collect()
}

/// As UCUM writes it; what is counted has none.
fn unit(name: &str) -> &'static str {
    match name.rsplit('_').next() {
        Some("seconds") => "s",
        Some("bytes") => "By",
        _ => "",
    }
}
