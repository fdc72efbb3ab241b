//! A new version's first request, before anybody else's: in an instance of its own that can write to no database.

use crate::instances::{Instances, Runnable};
use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Empty, Limited};
use kobliat_engine::CallContext;
use kobliat_trigger_http::headers;
use std::time::Duration;

/// What asks for no more than the component's health.
const PATH: &str = "/health";

/// Of an answer: 64 KiB are more than any health says.
const MOST_SAID: usize = 64 << 10;

/// A version that is not healthy by then is not.
const PATIENCE: Duration = Duration::from_secs(10);

/// Starts an instance and asks it for its health; a component without an HTTP trigger must only start.
pub async fn probe(instances: &Instances, runnable: &Runnable) -> Result<(), String> {
    let declared = &runnable.declared;
    if !instances.targets.http.contains_key(&declared.id) {
        let started = instances.probe_spec(runnable).try_start().await;
        return started.map_err(|error| format!("an instance of it does not start: {:#}", error.root_cause()));
    }
    let named = declared.kobliat.swap.probe.as_deref();
    let path = named.unwrap_or(PATH);
    let pool = instances.probe_pool(runnable);
    let context = CallContext::external(PATIENCE.min(declared.kobliat.limits.timeout), "probe");
    let answer = match pool.http(context, request(&declared.id, path)).await {
        Ok(response) => Ok((response.status(), Limited::new(response.into_body(), MOST_SAID).collect().await.ok())),
        Err(failure) => Err(format!("its probe `GET {path}` failed: {failure}")),
    };
    pool.close();
    pool.end();
    match answer? {
        (status, None) => Err(format!("its probe `GET {path}` was answered with {status} and half a body")),
        (status, Some(_)) if is_healthy(status, named.is_some()) => Ok(()),
        (status, Some(said)) => {
            Err(format!("its probe `GET {path}` was answered with {status}{}", reason(&said.to_bytes())))
        }
    }
}

/// What a problem (RFC 9457) says besides its status.
fn reason(said: &[u8]) -> String {
    let problem: serde_json::Value = serde_json::from_slice(said).unwrap_or_default();
    problem
        .get("detail")
        .and_then(serde_json::Value::as_str)
        .map(|detail| format!(": {}", detail.escape_debug()))
        .unwrap_or_default()
}

/// A component need not have the default path; the one that the manifest names it has.
fn is_healthy(status: StatusCode, named: bool) -> bool {
    status.is_success() || (!named && !status.is_server_error())
}

fn request(id: &str, path: &str) -> Request<kobliat_engine::Body> {
    let mut request = Request::new(Empty::<Bytes>::new().map_err(|never| match never {}).boxed_unsync());
    *request.uri_mut() = format!("http://{id}.spin.internal{path}").parse().unwrap_or_default();
    let uri = request.uri().clone();
    headers::add_internal(request.headers_mut(), &uri);
    request
}
