//! `/metrics`: what the platform does for its business, in the text format of Prometheus. What the host measures is at the host's own `/metrics`.

use std::fmt::Write;
use std::time::Duration;

use bytes::Bytes;
use futures::future::join_all;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Request, Response};
use http_body_util::{BodyExt, Limited};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::{Action, Doc, Route, Service};
use crate::call::Call;
use crate::clients::{Body, Outside};
use crate::deadline::within;
use crate::reply::whole;
use sdk::context::OPERATOR;
use sdk::query::Query;
use sdk::{Problem, response};

pub const ROUTES: &[Route] = &[Route::get(
    "/metrics",
    &[OPERATOR],
    Action::Metrics,
    Doc::new("getMetrics", "What the platform does, in the text format of Prometheus", &[(200, None)]),
)];

/// The services that count.
const COUNTING: [Service; 3] = [Service::Conversation, Service::Messaging, Service::Notification];
const DEADLINE: Duration = Duration::from_secs(2);
/// A thousand samples, of 200 bytes each.
const MAX_BYTES: usize = 256 * 1024;

/// What each metric is; a metric that is not here is shown without words.
const HELP: &[(&str, &str)] = &[
    ("messages_total", "Messages that were stored, by channel and direction."),
    ("message_status_total", "Changes of the status of outbound messages, by channel and new status."),
    ("conversations", "Conversations by status."),
    ("webhook_attempts_total", "Attempts to deliver a webhook to a tenant's endpoint, by outcome."),
];

#[derive(Deserialize)]
struct Sample {
    name: String,
    labels: Map<String, Value>,
    value: i64,
}

pub async fn act<B: Outside>(outside: &B, call: &Call<'_>) -> Result<Response<Body>, Problem> {
    Query::parse(call.query)?.allow(&[])?;
    let counted = join_all(COUNTING.map(|service| samples(outside, service))).await;
    let mut text = String::from("# HELP kobliat_counting Whether the service told what it counts.\n# TYPE kobliat_counting gauge\n");
    for (service, samples) in COUNTING.iter().zip(&counted) {
        let _ = writeln!(text, "kobliat_counting{{service=\"{}\"}} {}", service.id(), u8::from(samples.is_some()));
    }
    counted.iter().flatten().for_each(|samples| write(&mut text, samples));
    let mut answer = response::bytes(http::StatusCode::OK, "text/plain", text.into_bytes());
    let format = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    answer.headers_mut().insert(CONTENT_TYPE, format);
    Ok(whole(answer))
}

/// `None` while the service does not answer.
async fn samples<B: Outside>(outside: &B, service: Service) -> Option<Vec<Sample>> {
    let uri = format!("http://{}.spin.internal{}", service.id(), sdk::metrics::PATH);
    let request = Request::get(uri).body(Bytes::new()).ok()?;
    let read = async {
        let answer = outside.fetch(request).await.ok().filter(|answer| answer.status().is_success())?;
        let body = Limited::new(answer.into_body(), MAX_BYTES).collect().await.ok()?.to_bytes();
        serde_json::from_slice(&body).ok()
    };
    within(outside, DEADLINE, read).await.flatten()
}

/// The samples of one service, which come in the order of their names.
fn write(text: &mut String, samples: &[Sample]) {
    let mut last = "";
    for Sample { name, labels, value } in samples.iter().filter(|sample| is_name(&sample.name)) {
        if name != last {
            let help = HELP.iter().find(|(known, _)| known == name).map_or("", |(_, help)| help);
            let kind = if name.ends_with("_total") { "counter" } else { "gauge" };
            let _ = write!(text, "# HELP kobliat_{name} {help}\n# TYPE kobliat_{name} {kind}\n");
            last = name;
        }
        let labels: Vec<String> = labels.iter().filter(|(label, _)| is_name(label)).map(label).collect();
        let _ = writeln!(text, "kobliat_{name}{{{}}} {value}", labels.join(","));
    }
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
}

fn label((name, value): (&String, &Value)) -> String {
    let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    format!("{name}=\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n"))
}
