//! Forwarding: a whole request goes to the service that owns its resource, and the answer comes back as the public API tells it.

use std::time::Duration;

use http::header::{
    ACCEPT_RANGES, ALLOW, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_SECURITY_POLICY,
    CONTENT_TYPE, ETAG, HeaderName, IF_MATCH, IF_NONE_MATCH, IF_RANGE, LAST_MODIFIED, LINK, LOCATION, RANGE,
    RETRY_AFTER,
};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Limited};

use crate::call::Call;
use crate::clients::{Body, SendError, Timer, Upstream};
use crate::deadline::within;
use crate::problem;
use crate::reply::buffered;
use crate::routes::{API_PREFIX, Service};
use sdk::Problem;
use sdk::idempotency::REPEATED_ONLY;

/// Until the head of the answer is there. Longer than any service works on one request.
const ANSWER_DEADLINE: Duration = Duration::from_secs(15);
/// The answer to an upload comes at its end. A little less than a request may take here (spin.toml).
const UPLOAD_DEADLINE: Duration = Duration::from_secs(290);

/// An error's description is read whole, and a longer one (64 KiB) is none of ours.
const MAX_PROBLEM_BYTES: usize = 64 * 1024;

const IDEMPOTENCY_REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// What a service may learn of the client's headers, beside the context that the gateway vouches for. Nothing else passes:
/// no credential, no `kobliat-*` or `spin-*` of the client's making.
const INWARD: [HeaderName; 5] = [CONTENT_TYPE, IF_MATCH, IF_NONE_MATCH, IF_RANGE, RANGE];
/// Where the client found us: what links in answers begin with when the deployment does not say.
const PUBLIC_URL: HeaderName = HeaderName::from_static("kobliat-public-url");
/// The whole URL, from the host.
const SPIN_FULL_URL: HeaderName = HeaderName::from_static("spin-full-url");
/// What a client may learn of the service's.
const OUTWARD: [HeaderName; 14] = [
    ACCEPT_RANGES,
    ALLOW,
    CONTENT_TYPE,
    CONTENT_LENGTH,
    CACHE_CONTROL,
    CONTENT_DISPOSITION,
    CONTENT_RANGE,
    CONTENT_SECURITY_POLICY,
    ETAG,
    LAST_MODIFIED,
    LOCATION,
    LINK,
    RETRY_AFTER,
    IDEMPOTENCY_REPLAYED,
];

/// Sends the request to `path` of the service. An error status of the service becomes a [`Problem`] of ours.
pub async fn forward<B: Upstream + Timer>(
    outside: &B,
    call: &Call<'_>,
    service: Service,
    path: &str,
) -> Result<Response<Body>, Problem> {
    let request = inward(call, service, path, call.body.clone())?;
    let sent = within(outside, ANSWER_DEADLINE, outside.send(service, request)).await;
    answered(call, service, sent).await
}

/// For a request that the gateway refuses: whatever has changed since, the service's first answer to its `Idempotency-Key` is its answer.
pub async fn first_answer_or<B: Upstream + Timer>(
    outside: &B,
    call: &Call<'_>,
    (service, path): (Service, &str),
    refusal: Problem,
) -> Result<Response<Body>, Problem> {
    if call.context.idempotency_key.is_empty() {
        return Err(refusal);
    }
    match forward(outside, &call.saying(REPEATED_ONLY, "true"), service, path).await {
        Ok(answer) if answer.status().is_success() => Ok(answer),
        _ => Err(refusal),
    }
}

/// The same without reading any of the bodies.
pub async fn stream<B: Upstream + Timer>(
    outside: &B,
    call: &Call<'_>,
    service: Service,
    path: &str,
    body: Option<Body>,
) -> Result<Response<Body>, Problem> {
    let deadline = if body.is_some() { UPLOAD_DEADLINE } else { ANSWER_DEADLINE };
    let length = call.headers.get(CONTENT_LENGTH).filter(|_| body.is_some()).cloned();
    let mut request = inward(call, service, path, body.unwrap_or_else(|| buffered("")))?;
    request.headers_mut().extend(length.map(|length| (CONTENT_LENGTH, length)));
    let sent = within(outside, deadline, outside.stream(service, request)).await;
    answered(call, service, sent).await
}

async fn answered(
    call: &Call<'_>,
    service: Service,
    sent: Option<Result<Response<Body>, SendError>>,
) -> Result<Response<Body>, Problem> {
    match sent.unwrap_or(Err(SendError::TimedOut)) {
        Ok(response) if response.status().as_u16() < 400 => Ok(outward(response)),
        Ok(response) => refusal(call, service, response).await,
        Err(error) => Err(unanswered(call, service, &error)),
    }
}

fn inward<T>(call: &Call<'_>, service: Service, path: &str, body: T) -> Result<Request<T>, Problem> {
    let separator = if call.query.is_empty() { "" } else { "?" };
    let method = if call.method == Method::HEAD { &Method::GET } else { call.method };
    let mut request = Request::builder()
        .method(method)
        .uri(format!("http://{}.spin.internal{path}{separator}{}", service.id(), call.query))
        .body(body)
        .map_err(|_invalid_uri| Problem::unreadable("the path or the query is not a valid URI"))?;
    *request.headers_mut() = inward_headers(call);
    Ok(request)
}

fn inward_headers(call: &Call<'_>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for name in INWARD {
        if let Some(value) = call.headers.get(&name) {
            headers.insert(name, value.clone());
        }
    }
    if !call.body.is_empty() {
        headers.insert(CONTENT_LENGTH, HeaderValue::from(call.body.len()));
    }
    headers.extend(public_url(call.headers).map(|url| (PUBLIC_URL, url)));
    headers.extend(call.aside.iter().map(|(name, value)| (HeaderName::from_static(name), value.clone())));
    headers.extend(call.context.headers().into_iter().map(|(name, value)| (HeaderName::from_static(name), value)));
    headers
}

/// Scheme and authority. The host's own header comes last, where a client has sent one too.
pub fn public_url(headers: &HeaderMap) -> Option<HeaderValue> {
    let url = headers.get_all(SPIN_FULL_URL).iter().next_back()?.to_str().ok()?.parse::<http::Uri>().ok()?;
    format!("{}://{}", url.scheme_str()?, url.authority()?).parse().ok()
}

/// The answer with its body as it streams in, and the paths in its headers as the client knows them.
fn outward(response: Response<Body>) -> Response<Body> {
    let (mut parts, body) = response.into_parts();
    let mut headers = HeaderMap::new();
    for name in OUTWARD {
        for value in parts.headers.get_all(&name) {
            headers.append(name.clone(), public(&name, value));
        }
    }
    parts.headers = headers;
    Response::from_parts(parts, body)
}

/// Services know nothing of the prefix: theirs is `/customers/…`, the client's is `/api/v1/customers/…`.
fn public(name: &HeaderName, value: &HeaderValue) -> HeaderValue {
    let prefixed = |text: &str| match *name {
        LOCATION if text.starts_with('/') && !text.starts_with(API_PREFIX) => Some(format!("{API_PREFIX}{text}")),
        LINK if !text.contains(&format!("<{API_PREFIX}")) => Some(text.replace("</", &format!("<{API_PREFIX}/"))),
        _ => None,
    };
    value.to_str().ok().and_then(prefixed).and_then(|text| text.parse().ok()).unwrap_or_else(|| value.clone())
}

/// A client's mistake is told as the service told it; a service's failure is told without its internals.
async fn refusal(call: &Call<'_>, service: Service, response: Response<Body>) -> Result<Response<Body>, Problem> {
    let status = response.status();
    match status {
        StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS => {
            Err(problem::unavailable(service, retry_after(response.headers())))
        }
        StatusCode::GATEWAY_TIMEOUT => Err(problem::timed_out(service)),
        // 401 would be ours to say: the service refused the gateway, not the client.
        _ if status.is_server_error() || status == StatusCode::UNAUTHORIZED => {
            call.log_failure(service, &format!("answered {status}"));
            Err(problem::bad_answer(service))
        }
        _ => Ok(restated(call, response).await),
    }
}

async fn restated(call: &Call<'_>, response: Response<Body>) -> Response<Body> {
    let (mut parts, said) = outward(response).into_parts();
    let said = Limited::new(said, MAX_PROBLEM_BYTES).collect().await;
    let document = problem::restated(call, parts.status, &said.map(|body| body.to_bytes()).unwrap_or_default());
    parts.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    parts.headers.insert(CONTENT_LENGTH, document.len().into());
    Response::from_parts(parts, buffered(document))
}

fn retry_after(headers: &HeaderMap) -> Option<u32> {
    headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()
}

fn unanswered(call: &Call<'_>, service: Service, error: &SendError) -> Problem {
    match error {
        SendError::TimedOut => {
            call.log_failure(service, "gave no answer in time");
            problem::timed_out(service)
        }
        SendError::Unreachable(reason) => {
            call.log_failure(service, reason);
            problem::unavailable(service, None)
        }
        SendError::Failed(reason) => {
            call.log_failure(service, reason);
            problem::bad_answer(service)
        }
    }
}
