//! HTTP requests that a component sends: body and answer in memory, bounded in time and size.

use std::{pin::pin, time::Duration};

use ::http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use futures::future::{Either, select};
use http_body_util::{BodyExt, Full, Limited};

use crate::Response;

/// A request, before it goes out.
#[derive(Clone, Debug)]
pub struct Outgoing {
    pub method: Method,
    pub url: String,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Outgoing {
    pub fn new(method: Method, url: &str, body: Vec<u8>) -> Self {
        Self { method, url: url.to_owned(), headers: HeaderMap::new(), body }
    }

    /// Sets a header; a value that no header can hold is left out.
    pub fn header(&mut self, name: HeaderName, value: &str) {
        self.headers.extend(HeaderValue::from_str(value).ok().map(|value| (name, value)));
    }
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    BadRequest(String),
    TimedOut,
    /// The host does not let the component go there: its allow-list, or an address in a private network.
    Denied(String),
    Failed(String),
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::BadRequest(reason) => write!(f, "no request can be made: {reason}"),
            Self::TimedOut => f.write_str("no answer in time"),
            Self::Denied(reason) => write!(f, "not allowed to connect: {reason}"),
            Self::Failed(reason) => write!(f, "no answer: {reason}"),
        }
    }
}

impl std::error::Error for Failure {}

/// Sends a request whose headers stand; the answer's head comes in this time, its body as it is read. Redirects are answers, not followed.
pub async fn open(request: ::http::Request<bytes::Bytes>, timeout: Duration) -> Result<Answer, Failure> {
    let exchange = pin!(spin_sdk::http::send(request.map(Full::new)));
    let alarm = pin!(spin_sdk::time::sleep(timeout));
    match select(exchange, alarm).await {
        Either::Left((answer, _)) => answer.map_err(|code| failure(&code)),
        Either::Right(_) => Err(Failure::TimedOut),
    }
}

/// An answer whose body is still to be read.
pub type Answer = ::http::Response<spin_sdk::wasip3::http_compat::IncomingResponseBody>;

/// Sends it and reads the answer, of which at most `limit_bytes` are kept. Redirects are answers, not followed.
pub async fn send(request: Outgoing, timeout: Duration, limit_bytes: usize) -> Result<Response, Failure> {
    let exchange = pin!(exchange(request, limit_bytes));
    let alarm = pin!(spin_sdk::time::sleep(timeout));
    match select(exchange, alarm).await {
        Either::Left((answer, _)) => answer,
        Either::Right(_) => Err(Failure::TimedOut),
    }
}

async fn exchange(request: Outgoing, limit_bytes: usize) -> Result<Response, Failure> {
    let Outgoing { method, url, headers, body } = request;
    let mut request = ::http::Request::builder().method(method).uri(url);
    if let Some(all) = request.headers_mut() {
        all.extend(headers);
        // Without it the body goes in chunks, which many receivers of webhooks do not read.
        all.insert(header::CONTENT_LENGTH, HeaderValue::from(body.len()));
    }
    let request = request.body(Full::new(bytes::Bytes::from(body))).map_err(|e| Failure::BadRequest(e.to_string()))?;
    let (parts, body) = spin_sdk::http::send(request).await.map_err(|code| failure(&code))?.into_parts();
    // An answer that is too long is cut: what it says at its start is enough.
    let body = match Limited::new(body, limit_bytes).collect().await {
        Ok(collected) => collected.to_bytes().into(),
        Err(_) => Vec::new(),
    };
    Ok(Response::from_parts(parts, body))
}

fn failure(code: &spin_sdk::wasip3::http::types::ErrorCode) -> Failure {
    use spin_sdk::wasip3::http::types::ErrorCode as Code;
    match code {
        Code::HttpRequestDenied | Code::DestinationIpProhibited => Failure::Denied(code.to_string()),
        Code::ConnectionTimeout | Code::HttpResponseTimeout | Code::ConnectionReadTimeout => Failure::TimedOut,
        code => Failure::Failed(code.to_string()),
    }
}

/// `Retry-After` in seconds; its other form, a date, is rare and passed over.
pub fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}
