//! One attempt to hand an event to its subscriber: a POST in binary mode, as the host sends it.

use crate::cloudevents::to_headers;
use crate::engine::Delivery;
use bytes::Bytes;
use futures::future::BoxFuture;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response};

/// Reaches components; what the runtime gives the broker.
pub trait Handler: Send + Sync + 'static {
    /// POSTs to the component within its own time limit. Of a long answer the beginning is enough.
    fn deliver<'a>(
        &'a self,
        component: &'a str,
        request: Request<Bytes>,
    ) -> BoxFuture<'a, Result<Response<Bytes>, Undelivered>>;
}

/// Why an event got no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Undelivered {
    /// The component is stopped or being replaced.
    #[error("the component is stopped")]
    Stopped,
    /// The host itself turned the request away: the component has not seen it.
    #[error("the component has more requests than it may queue")]
    Busy,
    /// It trapped, took too long, could not be started.
    #[error("{0}")]
    Failed(String),
}

/// The request, with what the host vouches for.
pub fn request(component: &str, delivery: &Delivery) -> Request<Bytes> {
    let event = &delivery.event;
    let mut headers = to_headers(event);
    put(&mut headers, "kobliat-tenant", event.tenant());
    put(&mut headers, "kobliat-principal", "host");
    put(&mut headers, "kobliat-scopes", "*");
    put(&mut headers, "kobliat-attempt", &(delivery.attempts + 1).to_string());
    put(&mut headers, "x-request-id", event.id());
    if let Some(trace) = event.get("traceparent") {
        put(&mut headers, "traceparent", trace);
    }
    let mut request = Request::new(event.data.clone());
    *request.method_mut() = Method::POST;
    *request.uri_mut() = format!("http://{component}.spin.internal/events").parse().unwrap_or_default();
    *request.headers_mut() = headers;
    request
}

/// A value that no header can hold is left out; the event's own attribute has it in any case.
fn put(headers: &mut HeaderMap, name: &'static str, value: &str) {
    headers.extend(HeaderValue::from_str(value).ok().map(|value| (HeaderName::from_static(name), value)));
}
