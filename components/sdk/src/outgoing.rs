//! HTTP requests that a component sends: body and answer in memory, bounded in time and size.

use std::{
    pin::pin,
    time::{Duration, UNIX_EPOCH},
};

use ::http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use futures::future::{Either, select};
use http_body_util::{BodyExt, Full, Limited};

use crate::{Clock, Micros, Response, SystemClock};

/// What every request to a third party says it is sent by, unless the component says something else.
pub const USER_AGENT: &str = concat!("Kobliat/", env!("CARGO_PKG_VERSION"));

/// A day. A server that asks for more is not believed: the caller's own schedule counts from then on.
const LONGEST_WAIT: Duration = Duration::from_secs(24 * 3600);

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
    let mut request = request.map(Full::new);
    introduce(&request.uri().clone(), request.headers_mut());
    let exchange = pin!(spin_sdk::http::send(request));
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
    let mut request = ::http::Request::builder().method(method).uri(url.as_str());
    if let Some(all) = request.headers_mut() {
        all.extend(headers);
        // Without it the body goes in chunks, which many receivers of webhooks do not read.
        all.insert(header::CONTENT_LENGTH, HeaderValue::from(body.len()));
        if let Ok(url) = url.parse() {
            introduce(&url, all);
        }
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

/// Says who asks, where the request leaves the platform. Many providers answer 403 to requests that do not.
fn introduce(url: &::http::Uri, headers: &mut HeaderMap) {
    let is_internal = url.host().is_none_or(|host| host.ends_with(".internal"));
    if !is_internal && !headers.contains_key(header::USER_AGENT) {
        headers.insert(header::USER_AGENT, HeaderValue::from_static(USER_AGENT));
    }
}

/// How long the server wants to be left alone: `Retry-After` in either of its forms (RFC 9110, 10.2.3), a day at most.
pub fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    retry_after_at(headers, SystemClock.now())
}

/// A date is compared with the answer's own `Date`, so that a server whose clock is wrong is understood; else with `now`.
fn retry_after_at(headers: &HeaderMap, now: Micros) -> Option<Duration> {
    let asked = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    if !asked.is_empty() && asked.bytes().all(|byte| byte.is_ascii_digit()) {
        // More digits than a number holds is still a wish to be left alone.
        return Some(Duration::from_secs(asked.parse().unwrap_or(u64::MAX)).min(LONGEST_WAIT));
    }
    let until = httpdate::parse_http_date(asked).ok()?;
    let now = UNIX_EPOCH + Duration::from_micros(u64::try_from(now).unwrap_or(0));
    let theirs = headers.get(header::DATE).and_then(|date| httpdate::parse_http_date(date.to_str().ok()?).ok());
    let wait = until.duration_since(theirs.unwrap_or(now)).unwrap_or_default();
    Some(wait.min(LONGEST_WAIT))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Micros = 784_111_777_000_000; // Sun, 06 Nov 1994 08:49:37 GMT

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let pair = |(name, value): &(&'static str, &str)| (HeaderName::from_static(name), value.parse().unwrap());
        pairs.iter().map(pair).collect()
    }

    #[test]
    fn retry_after_is_seconds_or_a_date_in_any_of_its_three_forms() {
        for (asked, seconds) in [
            ("7", Some(7)),
            (" 0 ", Some(0)),
            ("Sun, 06 Nov 1994 08:49:43 GMT", Some(6)),
            ("Sunday, 06-Nov-94 08:49:43 GMT", Some(6)),
            ("Sun Nov  6 08:49:43 1994", Some(6)),
            ("Sun, 06 Nov 1994 08:49:00 GMT", Some(0)),
            ("Wed, 06 Nov 2030 08:49:43 GMT", Some(86_400)),
            ("99999999999999999999999999", Some(86_400)),
            ("-1", None),
            ("soon", None),
            ("", None),
        ] {
            let wait = retry_after_at(&headers(&[("retry-after", asked)]), NOW);
            assert_eq!(wait.map(|wait| wait.as_secs()), seconds, "{asked}");
        }
        assert_eq!(retry_after_at(&HeaderMap::new(), NOW), None);
    }

    #[test]
    fn a_date_is_meant_by_the_servers_own_clock() {
        let answer = [("retry-after", "Sun, 06 Nov 1994 12:00:10 GMT"), ("date", "Sun, 06 Nov 1994 12:00:00 GMT")];
        assert_eq!(retry_after_at(&headers(&answer), NOW), Some(Duration::from_secs(10)));
        let unreadable = [("retry-after", "Sun, 06 Nov 1994 08:49:47 GMT"), ("date", "today")];
        assert_eq!(retry_after_at(&headers(&unreadable), NOW), Some(Duration::from_secs(10)));
    }

    #[test]
    fn third_parties_learn_who_asks_and_components_do_not_need_to() {
        let agent = |url: &str, own: &[(&'static str, &str)]| {
            let mut headers = headers(own);
            introduce(&url.parse().unwrap(), &mut headers);
            headers.get(header::USER_AGENT).map(|agent| agent.to_str().unwrap().to_owned())
        };
        assert_eq!(agent("https://api.example.com/x", &[]).as_deref(), Some(USER_AGENT));
        assert_eq!(agent("https://api.example.com/x", &[("user-agent", "Mine/1")]).as_deref(), Some("Mine/1"));
        assert_eq!(agent("http://media.spin.internal/x", &[]), None);
    }
}
