//! One request from outside: checked, routed, handed to its component, and an answer whatever happens.

mod target_uri;

use crate::answers::{self, Asked, REQUEST_ID, problem, static_response, text};
use crate::client::Client;
use crate::dispatch::Dispatch;
use crate::drain::Drained;
use crate::router::Destination;
use crate::rules::Rules;
use crate::site::Site;
use http::header::{CONTENT_TYPE, EXPECT};
use http::uri::Scheme;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use kobliat_engine::Body;
use kobliat_telemetry::Tracer;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use target_uri::full_uri;

/// Request line and headers together, unless the command line says otherwise.
pub const MAX_HEAD_BYTES: usize = 32 << 10;

/// What `/.well-known/spin/info` tells.
#[derive(Clone, Debug)]
pub struct AppInfo {
    pub name: String,
    pub version: Option<String>,
}

/// Answers requests by the table that is in force.
pub struct Service {
    site: Arc<Site>,
    dispatch: Dispatch,
    max_head: usize,
    requests: AtomicU64,
}

impl Service {
    /// Without `max_head`, it is [`MAX_HEAD_BYTES`].
    pub fn new(site: Arc<Site>, tracer: Arc<Tracer>, max_head: Option<usize>, rules: Rules) -> Arc<Self> {
        let max_head = max_head.unwrap_or(MAX_HEAD_BYTES);
        Arc::new(Self { site, dispatch: Dispatch::new(tracer, rules), max_head, requests: AtomicU64::new(0) })
    }

    /// Bytes of the longest head that is served.
    pub(crate) fn max_head(&self) -> usize {
        self.max_head
    }

    pub(crate) fn rules(&self) -> &Rules {
        self.dispatch.rules()
    }

    /// Looks after slow clients, for ever.
    pub(crate) async fn watch_clients(&self) {
        self.dispatch.watch_clients(&self.site).await;
    }

    /// Never fails: what goes wrong is a response.
    pub async fn handle(&self, request: Request<Incoming>, client: &Client, scheme: &Scheme) -> Response<Body> {
        let (given, path) = (self.request_id(request.headers()), request.uri().path().to_owned());
        let asked = Asked { request_id: &given, path: &path };
        // A tunnel through this host leads nowhere, and a success would take the connection out of HTTP.
        if request.method() == Method::CONNECT {
            return problem(StatusCode::METHOD_NOT_ALLOWED, "CONNECT is not supported", asked);
        }
        // What the server as a whole can do: there is nothing to tell.
        if request.method() == Method::OPTIONS && request.uri().path() == "*" {
            return text(StatusCode::OK, "");
        }
        let head = head_bytes(&request);
        if head > self.max_head {
            return answers::head_too_large(self.max_head, asked);
        }
        let client_waits = request.headers().contains_key(EXPECT);
        let request = request.map(|body| Drained::new(body, client_waits));
        let uri = match full_uri(&request, scheme, client.local) {
            Ok(uri) => uri,
            Err(reason) => return problem(StatusCode::BAD_REQUEST, reason, asked),
        };
        if let Some(well_known) = uri.path().strip_prefix("/.well-known/spin/") {
            return self.well_known(well_known, asked);
        }
        let served = self.site.now();
        let Some(found) = served.router.find(uri.path()) else {
            return problem(StatusCode::NOT_FOUND, "no component has a route for this path", asked);
        };
        match &found.entry.destination {
            Destination::Static(response) => static_response(response),
            Destination::Component(target) => {
                let call = crate::dispatch::Call { target, found: &found, uri, client, asked, head, client_waits };
                self.dispatch.call(call, request).await
            }
        }
    }

    /// The client's id where it can be logged as it is, else one of ours.
    fn request_id(&self, headers: &HeaderMap) -> String {
        let given = headers.get(REQUEST_ID).and_then(|id| id.to_str().ok());
        match given.filter(|id| !id.is_empty() && id.len() <= 128) {
            Some(id) => id.to_string(),
            None => format!("host-{}", self.requests.fetch_add(1, Relaxed) + 1),
        }
    }

    fn well_known(&self, path: &str, asked: Asked<'_>) -> Response<Body> {
        match path {
            "health" => text(StatusCode::OK, "OK"),
            "info" => {
                let mut response = text(StatusCode::OK, &info_json(&self.site.now().info));
                response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
                response
            }
            _ => problem(StatusCode::NOT_FOUND, "the host has `health` and `info` here", asked),
        }
    }
}

fn info_json(info: &AppInfo) -> String {
    match &info.version {
        Some(version) => serde_json::json!({ "name": info.name, "version": version }).to_string(),
        None => serde_json::json!({ "name": info.name }).to_string(),
    }
}

/// As they are written in HTTP/1.1, to some bytes.
fn head_bytes<B>(request: &Request<B>) -> usize {
    let path = request.uri().path_and_query().map_or(0, |path| path.as_str().len());
    let headers = request.headers().iter().map(|(name, value)| name.as_str().len() + value.len() + ": \r\n".len());
    path + headers.sum::<usize>()
}
