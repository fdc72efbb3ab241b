//! A collector of OpenTelemetry on this machine: keeps what it is sent.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value};
use opentelemetry_proto::tonic::metrics::v1::Metric;
use opentelemetry_proto::tonic::trace::v1::Span as Sent;
use prost::Message;
use tokio::net::TcpListener;

use super::host::eventually;

#[derive(Default)]
struct Kept {
    spans: Vec<Span>,
    metrics: Vec<Metric>,
    /// Of the last request.
    resource: HashMap<String, String>,
    headers: HashMap<String, String>,
}

/// A span, readable.
#[derive(Clone, Debug)]
pub struct Span {
    pub trace: String,
    pub id: String,
    /// Empty at a root.
    pub parent: String,
    pub name: String,
    pub attributes: HashMap<String, String>,
    pub error: Option<String>,
    pub took_ns: u64,
}

pub struct Collector {
    address: SocketAddr,
    kept: Arc<Mutex<Kept>>,
}

impl Collector {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, kept) = (listener.local_addr().unwrap(), Arc::new(Mutex::new(Kept::default())));
        let keep = Arc::clone(&kept);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let keep = Arc::clone(&keep);
                let service = service_fn(move |request| take(Arc::clone(&keep), request));
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
            }
        });
        Self { address, kept }
    }

    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The spans that were sent so far.
    pub fn spans(&self) -> Vec<Span> {
        self.kept.lock().unwrap().spans.clone()
    }

    pub fn metrics(&self) -> Vec<Metric> {
        self.kept.lock().unwrap().metrics.clone()
    }

    pub fn resource(&self) -> HashMap<String, String> {
        self.kept.lock().unwrap().resource.clone()
    }

    /// Of the last request.
    pub fn headers(&self) -> HashMap<String, String> {
        self.kept.lock().unwrap().headers.clone()
    }

    /// Waits for a span of this trace and name.
    pub async fn span(&self, trace: &str, name: &str) -> Span {
        let find = || self.spans().into_iter().find(|span| span.trace == trace && span.name == name);
        eventually(&format!("the span `{name}` of {trace}"), || find().is_some()).await;
        find().unwrap()
    }
}

async fn take(kept: Arc<Mutex<Kept>>, request: Request<Incoming>) -> Result<Response<Empty<Bytes>>, hyper::Error> {
    let (head, body) = request.into_parts();
    let body = body.collect().await?.to_bytes();
    assert_eq!(head.headers["content-type"], "application/x-protobuf");
    let headers = head.headers.iter().map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()));
    let mut kept = kept.lock().unwrap();
    kept.headers = headers.collect();
    match head.uri.path() {
        "/v1/traces" => {
            for resource in ExportTraceServiceRequest::decode(body).unwrap().resource_spans {
                kept.resource = text(&resource.resource.unwrap().attributes);
                kept.spans.extend(resource.scope_spans.into_iter().flat_map(|scope| scope.spans).map(readable));
            }
        }
        "/v1/metrics" => {
            for resource in ExportMetricsServiceRequest::decode(body).unwrap().resource_metrics {
                kept.metrics.extend(resource.scope_metrics.into_iter().flat_map(|scope| scope.metrics));
            }
        }
        other => panic!("a collector has no `{other}`"),
    }
    Ok(Response::new(Empty::new()))
}

fn readable(span: Sent) -> Span {
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    Span {
        trace: hex(&span.trace_id),
        id: hex(&span.span_id),
        parent: hex(&span.parent_span_id),
        name: span.name,
        attributes: text(&span.attributes),
        error: span.status.map(|status| status.message),
        took_ns: span.end_time_unix_nano.checked_sub(span.start_time_unix_nano).unwrap(),
    }
}

fn text(attributes: &[KeyValue]) -> HashMap<String, String> {
    let show = |value: &KeyValue| match value.value.as_ref().and_then(|any| any.value.as_ref()) {
        Some(any_value::Value::StringValue(text)) => text.clone(),
        Some(any_value::Value::IntValue(number)) => number.to_string(),
        other => panic!("not sent by this host: {other:?}"),
    };
    attributes.iter().map(|one| (one.key.clone(), show(one))).collect()
}
