//! The limit of a request's body: what announces too much is refused, what grows too large ends with an error.

use crate::http_client::Body;
use crate::job::HttpFailure;
use crate::worker::ComponentSpec;
use http_body::Body as HttpBody;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use kobliat_telemetry::Limit;
use std::sync::Arc;
use tracing::warn;
use wasmtime_wasi_http::Error;

pub(super) fn bound(spec: &ComponentSpec, request: http::Request<Body>) -> Result<http::Request<Body>, HttpFailure> {
    let Some(limit) = spec.limits.body else { return Ok(request) };
    if request.body().size_hint().lower() > limit {
        return Err(HttpFailure::BodyTooLarge);
    }
    let (metrics, id) = (Arc::clone(&spec.metrics), Arc::clone(&spec.id));
    Ok(request.map(|body| {
        let limited = Limited::new(body, usize::try_from(limit).unwrap_or(usize::MAX));
        let too_large = move |error: Box<dyn std::error::Error + Send + Sync>| {
            if error.is::<LengthLimitError>() {
                metrics.reached(Limit::Body);
                warn!(component = %id, "a request's body to component `{id}` grew over {limit} bytes");
                return Error::HttpRequestBodySize(Some(limit));
            }
            error.downcast::<Error>().map_or_else(|error| Error::InternalError(Some(error.to_string())), |error| *error)
        };
        limited.map_err(too_large).boxed_unsync()
    }))
}
