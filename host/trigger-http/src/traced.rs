//! The span of a request from outside: from its head to the end of its answer.

use bytes::Bytes;
use http::{Method, Response, Uri};
use http_body::{Body as HttpBody, Frame, SizeHint};
use http_body_util::BodyExt;
use kobliat_engine::Body;
use kobliat_telemetry::Span;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use wasmtime_wasi_http::Error;

/// What OpenTelemetry calls the parts of a request. The route, not the path: a path may hold a secret or a person's number.
pub fn describe(span: &mut Span, method: &Method, uri: &Uri, route: &str, client: SocketAddr) {
    if !span.is_recorded() {
        return;
    }
    span.set("http.request.method", method.as_str());
    span.set("url.scheme", uri.scheme_str().unwrap_or("http"));
    span.set("http.route", route);
    span.set("server.address", uri.host().unwrap_or_default());
    span.set("client.address", client.ip().to_string());
}

/// Ends the span with the answer's body; one that is not recorded leaves the answer as it is.
pub fn answered(mut span: Span, response: Response<Body>) -> Response<Body> {
    if !span.is_recorded() {
        return response;
    }
    span.set("http.response.status_code", response.status().as_u16());
    if response.status().is_server_error() {
        span.fail(response.status());
    }
    response.map(|body| Traced { body, span }.boxed_unsync())
}

struct Traced {
    body: Body,
    span: Span,
}

impl HttpBody for Traced {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(context);
        if let Poll::Ready(Some(Err(error))) = &polled {
            self.span.fail(error);
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
