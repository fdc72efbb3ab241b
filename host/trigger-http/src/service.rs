//! One request from outside: checked, routed, handed to its component, and an answer whatever happens.

use crate::drain::Drained;
use crate::headers;
use crate::router::{Destination, Match};
use crate::site::Site;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, EXPECT, HOST, RETRY_AFTER};
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt, Empty, Full};
use hyper::body::Incoming;
use kobliat_engine::{Body, CallContext, HttpFailure, Target, trace};
use kobliat_manifest::StaticResponse;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use tracing::{debug, warn};
use wasmtime_wasi_http::Error as BodyError;

/// What `/.well-known/spin/info` tells.
#[derive(Clone, Debug)]
pub struct AppInfo {
    pub name: String,
    pub version: Option<String>,
}

/// Answers requests by the table that is in force.
pub struct Service {
    site: Arc<Site>,
    requests: AtomicU64,
}

impl Service {
    pub fn new(site: Arc<Site>) -> Arc<Self> {
        Arc::new(Self { site, requests: AtomicU64::new(0) })
    }

    /// Never fails: what goes wrong is a response.
    pub async fn handle(&self, request: Request<Incoming>, client: SocketAddr, scheme: &Scheme) -> Response<Body> {
        // A tunnel through this host leads nowhere, and a success would take the connection out of HTTP.
        if request.method() == Method::CONNECT {
            return text(StatusCode::METHOD_NOT_ALLOWED, "this is no proxy");
        }
        let client_waits = request.headers().contains_key(EXPECT);
        let request = request.map(|body| Drained::new(body, client_waits));
        let uri = match full_uri(&request, scheme) {
            Ok(uri) => uri,
            Err(reason) => return text(StatusCode::BAD_REQUEST, reason),
        };
        if let Some(path) = uri.path().strip_prefix("/.well-known/spin/") {
            return self.well_known(path);
        }
        let served = self.site.now();
        let Some(found) = served.router.find(uri.path()) else { return empty(StatusCode::NOT_FOUND) };
        match &found.entry.destination {
            Destination::Static(response) => static_response(response),
            Destination::Component(target) => self.call(target, &found, request, uri, client).await,
        }
    }

    async fn call(
        &self,
        target: &Arc<Target>,
        found: &Match<'_>,
        request: Request<Drained>,
        uri: Uri,
        client: SocketAddr,
    ) -> Response<Body> {
        let (mut parts, body) = request.into_parts();
        headers::strip_external(&mut parts.headers);
        headers::add_external(&mut parts.headers, found, &uri, client);
        parts.uri = uri;
        let request_id = self.request_id(&parts.headers);
        let context = CallContext::external(target.timeout(), &request_id).in_trace(trace::of(&parts.headers));
        let body = body.map_err(BodyError::from).boxed_unsync();
        match target.http(context, Request::from_parts(parts, body)).await {
            Ok(response) => response,
            Err(failure) => answer_failure(target, &request_id, &failure),
        }
    }

    /// The client's id where it can be logged as it is, else one of ours.
    fn request_id(&self, headers: &HeaderMap) -> String {
        let given = headers.get("x-request-id").and_then(|id| id.to_str().ok());
        match given.filter(|id| !id.is_empty() && id.len() <= 128) {
            Some(id) => id.to_string(),
            None => format!("host-{}", self.requests.fetch_add(1, Relaxed) + 1),
        }
    }

    fn well_known(&self, path: &str) -> Response<Body> {
        match path {
            "health" => text(StatusCode::OK, "OK"),
            "info" => {
                let mut response = text(StatusCode::OK, &info_json(&self.site.now().info));
                response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
                response
            }
            _ => empty(StatusCode::NOT_FOUND),
        }
    }
}

fn info_json(info: &AppInfo) -> String {
    match &info.version {
        Some(version) => serde_json::json!({ "name": info.name, "version": version }).to_string(),
        None => serde_json::json!({ "name": info.name }).to_string(),
    }
}

/// The URL that the client asked for. `Host` and the request line must agree: a proxy before us may have read either.
fn full_uri<B>(request: &Request<B>, scheme: &Scheme) -> Result<Uri, &'static str> {
    let mut hosts = request.headers().get_all(HOST).iter();
    let host = match (hosts.next(), hosts.next()) {
        (Some(host), None) => Some(host.to_str().map_err(|_| "the Host header is not readable")?),
        (None, _) => None,
        (Some(_), Some(_)) => return Err("the request has more than one Host header"),
    };
    let line = request.uri().authority().map(Authority::as_str);
    let authority = match (line, host) {
        (Some(line), Some(host)) if !line.eq_ignore_ascii_case(host) => {
            return Err("the Host header and the request line name different hosts");
        }
        (Some(authority), _) | (None, Some(authority)) => authority,
        (None, None) => return Err("the request names no host; HTTP/1.1 needs a Host header"),
    };
    let path = request.uri().path_and_query().cloned().unwrap_or_else(|| PathAndQuery::from_static("/"));
    let uri = Uri::builder().scheme(scheme.clone()).authority(authority).path_and_query(path).build();
    uri.map_err(|_| "the Host header is not a host")
}

/// The client learns the kind of failure, the log the rest.
fn answer_failure(target: &Target, request_id: &str, failure: &HttpFailure) -> Response<Body> {
    let component = target.component();
    let status = match failure {
        HttpFailure::Overloaded | HttpFailure::Stopped | HttpFailure::TooDeep => StatusCode::SERVICE_UNAVAILABLE,
        HttpFailure::BodyTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        HttpFailure::Timeout => StatusCode::GATEWAY_TIMEOUT,
        HttpFailure::Crashed | HttpFailure::Guest(_) | HttpFailure::Start(_) => StatusCode::INTERNAL_SERVER_ERROR,
    };
    // Under overload the answer is the host working as it should; one line a request would make it worse.
    if matches!(failure, HttpFailure::Overloaded) {
        debug!(%component, request_id, "component `{component}` has a full queue");
    } else {
        warn!(%component, request_id, status = status.as_u16(), "request `{request_id}` to component `{component}` failed: {failure}");
    }
    let mut response = empty(status);
    if status == StatusCode::SERVICE_UNAVAILABLE {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
    }
    response
}

pub(crate) fn static_response(response: &StaticResponse) -> Response<Body> {
    let body = response.body.clone().unwrap_or_default();
    let mut answer = full(StatusCode::from_u16(response.status_code).unwrap_or(StatusCode::OK), body);
    for (name, value) in &response.headers {
        if let (Ok(name), Ok(value)) = (http::HeaderName::try_from(name), HeaderValue::try_from(value)) {
            answer.headers_mut().insert(name, value);
        }
    }
    answer
}

pub(crate) fn text(status: StatusCode, text: &str) -> Response<Body> {
    let mut response = full(status, text.to_string());
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}

fn full(status: StatusCode, body: String) -> Response<Body> {
    let body = Full::new(Bytes::from(body)).map_err(|never| match never {}).boxed_unsync();
    with_status(status, body)
}

pub(crate) fn empty(status: StatusCode) -> Response<Body> {
    with_status(status, Empty::new().map_err(|never| match never {}).boxed_unsync())
}

fn with_status(status: StatusCode, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response
}
