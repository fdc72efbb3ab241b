//! Requests between components: `http://<id>.spin.internal/…`, in process, on private routes too.

use crate::headers;
use http::Request;
use kobliat_engine::{Body, CallContext, HttpFailure, Target};
use std::sync::Arc;

/// Sends a request to a component on behalf of `caller`.
pub async fn request(
    target: Arc<Target>,
    caller: CallContext,
    mut request: Request<Body>,
) -> Result<http::Response<Body>, HttpFailure> {
    let context = target.nested_context(&caller)?;
    let uri = request.uri().clone();
    headers::strip_internal(request.headers_mut());
    headers::add_internal(request.headers_mut(), &uri);
    target.http(context, request).await
}
