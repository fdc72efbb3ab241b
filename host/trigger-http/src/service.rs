//! One request from outside: checked, routed, handed to its component, and an answer whatever happens.

use crate::answers::{self, empty, problem, static_response, text};
use crate::client::Client;
use crate::drain::Drained;
use crate::headers;
use crate::router::{Destination, Match};
use crate::site::Site;
use crate::traced;
use http::header::{CONNECTION, CONTENT_TYPE, EXPECT, HOST};
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, Uri};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use kobliat_engine::{Body, CallContext, Target, trace};
use kobliat_telemetry::{SpanKind, Tracer};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use wasmtime_wasi_http::Error as BodyError;

/// Request line and headers together, unless the command line says otherwise.
pub const MAX_HEAD_BYTES: usize = 32 << 10;

/// By which a client names its request, and the log, too.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// What `/.well-known/spin/info` tells.
#[derive(Clone, Debug)]
pub struct AppInfo {
    pub name: String,
    pub version: Option<String>,
}

/// Answers requests by the table that is in force.
pub struct Service {
    site: Arc<Site>,
    tracer: Arc<Tracer>,
    max_head: usize,
    requests: AtomicU64,
}

impl Service {
    /// Without `max_head`, it is [`MAX_HEAD_BYTES`].
    pub fn new(site: Arc<Site>, tracer: Arc<Tracer>, max_head: Option<usize>) -> Arc<Self> {
        let max_head = max_head.unwrap_or(MAX_HEAD_BYTES);
        Arc::new(Self { site, tracer, max_head, requests: AtomicU64::new(0) })
    }

    /// Bytes of the longest head that is served.
    pub(crate) fn max_head(&self) -> usize {
        self.max_head
    }

    /// Never fails: what goes wrong is a response.
    pub async fn handle(&self, request: Request<Incoming>, client: &Client, scheme: &Scheme) -> Response<Body> {
        // A tunnel through this host leads nowhere, and a success would take the connection out of HTTP.
        if request.method() == Method::CONNECT {
            return text(StatusCode::METHOD_NOT_ALLOWED, "this is no proxy");
        }
        if head_bytes(&request) > self.max_head {
            return head_too_large(self.max_head);
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
        client: &Client,
    ) -> Response<Body> {
        let (mut parts, body) = request.into_parts();
        headers::strip_external(&mut parts.headers);
        headers::add_external(&mut parts.headers, found, &uri, client.header.clone());
        let route = &found.entry.route.raw;
        let said = trace::of(&parts.headers);
        let mut span = self.tracer.begin(said, SpanKind::Server, || format!("{} {route}", parts.method));
        traced::describe(&mut span, &parts.method, &uri, route, client.address);
        trace::tell(&span, &mut parts.headers);
        parts.uri = uri;
        let request_id = self.request_id(&parts.headers);
        let context = CallContext::external(target.timeout(), &request_id).in_trace(span.trace());
        let body = body.map_err(BodyError::from).boxed_unsync();
        let answer = match target.http(context, Request::from_parts(parts, body)).await {
            Ok(response) => response,
            Err(failure) => answers::failure(target, &request_id, &failure),
        };
        traced::answered(span, answer)
    }

    /// The client's id where it can be logged as it is, else one of ours.
    fn request_id(&self, headers: &HeaderMap) -> String {
        let given = headers.get(REQUEST_ID).and_then(|id| id.to_str().ok());
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

/// The connection ends with it, as when hyper says so.
fn head_too_large(most: usize) -> Response<Body> {
    let detail = format!("the request line and the headers together are longer than {most} bytes");
    let mut answer = problem(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, &detail);
    answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    answer
}

/// As they are written in HTTP/1.1, to some bytes.
fn head_bytes<B>(request: &Request<B>) -> usize {
    let path = request.uri().path_and_query().map_or(0, |path| path.as_str().len());
    let headers = request.headers().iter().map(|(name, value)| name.as_str().len() + value.len() + ": \r\n".len());
    path + headers.sum::<usize>()
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
