//! A call to the store: signed anew for every attempt, tried again when the store is at fault, and its refusals in words for the log.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Limited};
use sdk::{Error, outgoing::Failure, query::percent_encode, sql::Driver};
use spin_sdk::http::BoxBody;

use super::{Objects, sigv4::sha256_hex};
use crate::app::Platform;

/// For one attempt: 5 MiB by a slow line.
const PATIENCE: Duration = Duration::from_secs(30);
/// Before another attempt, after a fault of the store. Whoever waits for the answer soon is told to come again.
const PAUSES: [Duration; 2] = [Duration::from_millis(200), Duration::from_secs(1)];
/// Of the documents that the store answers.
const MAX_DOCUMENT_BYTES: usize = 256 << 10;

pub struct Call {
    method: Method,
    key: String,
    query: Vec<(&'static str, String)>,
    headers: Vec<(HeaderName, String)>,
    body: Bytes,
    sha256: Option<String>,
}

impl Call {
    pub fn new(method: Method, key: String) -> Self {
        Self { method, key, query: Vec::new(), headers: Vec::new(), body: Bytes::new(), sha256: None }
    }

    pub fn query(mut self, name: &'static str, value: &str) -> Self {
        self.query.push((name, value.to_owned()));
        self
    }

    pub fn header(mut self, name: HeaderName, value: String) -> Self {
        self.headers.push((name, value));
        self
    }

    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }

    /// Of the body, when it is known; in hexadecimal digits.
    pub fn sha256(mut self, hash: &str) -> Self {
        self.sha256 = Some(hash.to_owned());
        self
    }
}

impl<D: Driver, P: Platform> Objects<'_, D, P> {
    /// The store's answer, unless the store is at fault.
    pub async fn answer(&self, call: &Call) -> Result<Response<BoxBody>, Error> {
        let hash = call.sha256.clone().unwrap_or_else(|| sha256_hex(&call.body));
        let mut pauses = PAUSES.iter();
        loop {
            let reason = match self.app.platform.send(self.request(call, &hash)?, PATIENCE).await {
                Ok(answer) if is_fault(answer.status()) => format!("the object store answers {}", answer.status()),
                Ok(answer) => return Ok(answer),
                Err(failure @ (Failure::Denied(_) | Failure::BadRequest(_))) => {
                    return Err(Error::Internal(format!("the object store is out of reach: {failure}")));
                }
                Err(failure) => format!("the object store is out of reach: {failure}"),
            };
            let Some(pause) = pauses.next() else { return Err(Error::Unavailable(reason)) };
            self.app.platform.sleep(*pause).await;
        }
    }

    fn request(&self, call: &Call, hash: &str) -> Result<Request<Bytes>, Error> {
        let query: Vec<String> =
            call.query.iter().map(|(name, value)| format!("{name}={}", percent_encode(value))).collect();
        let url = self.bucket.url(&call.key, &query.join("&"));
        let mut request = Request::builder().method(call.method.clone()).uri(url);
        for (name, value) in &call.headers {
            request = request.header(name, value);
        }
        let request = request.header("x-amz-content-sha256", hash).body(call.body.clone());
        let mut request = request.map_err(|error| Error::Internal(format!("no request to S3 can be made: {error}")))?;
        self.bucket.signer().sign(&mut request, hash, self.app.now());
        // Not signed: who sends it may write it anew.
        request.headers_mut().insert(http::header::CONTENT_LENGTH, HeaderValue::from(call.body.len()));
        Ok(request)
    }
}

/// Worth another try.
fn is_fault(status: StatusCode) -> bool {
    status.is_server_error() || matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT)
}

/// The document in an answer, as far as it is one.
pub async fn document(answer: Response<BoxBody>) -> String {
    let read = Limited::new(answer.into_body(), MAX_DOCUMENT_BYTES).collect().await;
    read.map(|body| String::from_utf8_lossy(&body.to_bytes()).into_owned()).unwrap_or_default()
}

/// What it says between these tags, first to last. The values that are read so are words and tokens, which XML leaves as they are, save `&`.
pub fn texts(document: &str, tag: &str) -> Vec<String> {
    let (start, end) = (format!("<{tag}>"), format!("</{tag}>"));
    let after = document.split(&start).skip(1);
    after.filter_map(|rest| rest.split_once(&end)).map(|(text, _)| text.replace("&amp;", "&")).collect()
}

/// No fault of the moment: the deployment's, or ours. The log says what the store said.
pub async fn refusal(what: &str, answer: Response<BoxBody>) -> Error {
    let status = answer.status();
    let code = texts(&document(answer).await, "Code").into_iter().next().unwrap_or_default();
    // Some stores say by it what others say by 503.
    match code.as_str() {
        "SlowDown" | "InternalError" | "ServiceUnavailable" | "RequestTimeout" => {
            Error::Unavailable(format!("the object store answers {status} {code}"))
        }
        _ => Error::Internal(format!("the object store does not {what}: {status} {code}")),
    }
}
