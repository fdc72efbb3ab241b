//! `http://events.kobliat.internal/`: a component publishes by a POST, in any mode of CloudEvents over HTTP.

use crate::broker::{Broker, Refused};
use crate::cloudevents;
use crate::engine::EngineError;
use crate::event::Event;
use crate::problem::{Problem, json_response};
use bytes::Bytes;
use http::header::{ALLOW, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use http_body::Body;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde_json::json;
use tracing::warn;

/// A whole publication: eight of the largest events.
pub const MAX_BODY: usize = 8 << 20;

/// More in one request would only keep others from their turn.
const MAX_BATCH: usize = 1000;

/// How soon a publisher should try again: its outbox keeps the events meanwhile.
const RETRY_AFTER_SECONDS: u32 = 5;

impl Broker {
    /// Answers a publication of the component `from`.
    pub async fn intake<B>(&self, from: &str, request: Request<B>) -> Response<Bytes>
    where
        B: Body<Data = Bytes>,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        match self.take(from, request).await {
            Ok(response) => response,
            Err(problem) => problem.into_response(),
        }
    }

    async fn take<B>(&self, from: &str, request: Request<B>) -> Result<Response<Bytes>, Problem>
    where
        B: Body<Data = Bytes>,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        if request.uri().path() != "/" {
            return Err(Problem::new(StatusCode::NOT_FOUND, "not_found", "events are published to `/`"));
        }
        if request.method() != Method::POST {
            return Ok(method_not_allowed());
        }
        let (head, body) = request.into_parts();
        let body = Limited::new(body, MAX_BODY).collect().await.map_err(|error| unreadable(error.as_ref()))?.to_bytes();
        let events = read(&head.headers, body)?;
        let published = self.publish(from, events).await.map_err(|refused| self.refusal(from, refused))?;
        let answer = json!({ "accepted": published.stored, "known": published.known.len() });
        Ok(json_response(StatusCode::ACCEPTED, &answer))
    }

    fn refusal(&self, from: &str, refused: Refused) -> Problem {
        let unavailable = |detail: &str| {
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", detail).retry_after(RETRY_AFTER_SECONDS)
        };
        match refused {
            Refused::Backlog => unavailable("too many events wait for their subscribers; keep this one for later"),
            Refused::Engine(EngineError::Full) => {
                Problem::new(StatusCode::INSUFFICIENT_STORAGE, "disk_full", "the disk of the events is full")
                    .retry_after(RETRY_AFTER_SECONDS)
            }
            Refused::Engine(error) => {
                warn!(component = from, "events of component `{from}` could not be stored: {error}");
                unavailable("the events could not be stored")
            }
        }
    }
}

fn method_not_allowed() -> Response<Bytes> {
    let problem = Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", "allowed here: POST");
    let mut response = problem.into_response();
    response.headers_mut().insert(ALLOW, HeaderValue::from_static("POST"));
    response
}

fn unreadable(error: &(dyn std::error::Error + Send + Sync + 'static)) -> Problem {
    if error.is::<LengthLimitError>() {
        return too_large(format!("a publication has at most {MAX_BODY} bytes"));
    }
    Problem::new(StatusCode::BAD_REQUEST, "unreadable", "the body ended early")
}

fn too_large(detail: String) -> Problem {
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", detail)
}

fn read(headers: &HeaderMap, body: Bytes) -> Result<Vec<Event>, Problem> {
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let mut parts = content_type.split(';').map(|part| part.trim().to_ascii_lowercase());
    let essence = parts.next().unwrap_or_default();
    if essence.starts_with("application/cloudevents") {
        let charset =
            parts.find_map(|part| part.strip_prefix("charset=").map(|name| name.trim_matches('"').to_owned()));
        if charset.is_some_and(|name| name != "utf-8") {
            return Err(unsupported("events are UTF-8"));
        }
    }
    match essence.as_str() {
        "application/cloudevents-batch+json" => {
            cloudevents::batch(&body, MAX_BATCH).map_err(|(index, why)| match index {
                Some(MAX_BATCH) => too_large(why),
                Some(index) => bad_event(index, why),
                None => Problem::new(StatusCode::BAD_REQUEST, "unreadable", why),
            })
        }
        "application/cloudevents+json" => one(cloudevents::one(&body)),
        other if other.starts_with("application/cloudevents") => {
            Err(unsupported("of the structured formats only JSON is taken"))
        }
        _ => match cloudevents::from_headers(headers, body) {
            Some(event) => one(event),
            None => Err(unsupported(
                "publish as application/cloudevents+json, as application/cloudevents-batch+json, or with ce- headers",
            )),
        },
    }
}

fn one(event: Result<Event, String>) -> Result<Vec<Event>, Problem> {
    event.map(|event| vec![event]).map_err(|why| bad_event(0, why))
}

fn bad_event(index: usize, why: String) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "bad_event", format!("event {index}: {why}")).with("index", index)
}

fn unsupported(detail: &str) -> Problem {
    Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", detail)
}
