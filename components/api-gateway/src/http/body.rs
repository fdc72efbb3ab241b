//! Bodies of requests: within the limit, what their label says, and JSON that every reader reads alike.

use bytes::Bytes;
use http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method};
use http_body_util::{BodyExt, LengthLimitError, Limited};

use crate::clients::Body;
use sdk::Problem;
use sdk::strict::{self, Fault};

/// 1 MiB: a message of the longest channel (32 KiB) with all the metadata that one may wish, many times over.
pub const MAX_BODY_BYTES: usize = 1024 * 1024;
/// Four parameters of a few hundred bytes (16 KiB in all).
const MAX_FORM_BYTES: usize = 16 * 1024;

/// The body of a method that has one, empty or JSON. It is read whole, so that what is refused has reached nobody; answers stream.
pub async fn read(method: &Method, headers: &HeaderMap, body: Body) -> Result<Bytes, Problem> {
    if matches!(*method, Method::GET | Method::HEAD) {
        return Ok(Bytes::new());
    }
    refuse_encoded(headers)?;
    check_length(headers, MAX_BODY_BYTES)?;
    if headers.get(CONTENT_TYPE).is_some_and(|value| !is_json(value)) {
        return Err(Problem::unsupported_media_type("send application/json"));
    }
    let body = collect(body, MAX_BODY_BYTES).await?;
    let text = std::str::from_utf8(&body).map_err(|_| Problem::unreadable("the body is not valid UTF-8"))?;
    if !text.trim_ascii().is_empty() {
        strict::check(text).map_err(told)?;
    }
    Ok(body)
}

/// A form (RFC 6749, appendix B).
pub async fn read_form(headers: &HeaderMap, body: Body) -> Result<String, Problem> {
    refuse_encoded(headers)?;
    check_length(headers, MAX_FORM_BYTES)?;
    let label = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !essence(label).eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        return Err(Problem::unsupported_media_type("send application/x-www-form-urlencoded"));
    }
    let body = collect(body, MAX_FORM_BYTES).await?;
    String::from_utf8(body.into()).map_err(|_| Problem::unreadable("the body is not valid UTF-8"))
}

/// A compressed body is none that is read here (RFC 9110, 15.5.16): what it unpacks to has no bound.
pub fn refuse_encoded(headers: &HeaderMap) -> Result<(), Problem> {
    let encoding = headers.get(CONTENT_ENCODING).map(|value| value.to_str().unwrap_or("an encoding").trim());
    match encoding.filter(|encoding| !encoding.is_empty() && !encoding.eq_ignore_ascii_case("identity")) {
        None => Ok(()),
        Some(encoding) => {
            let detail = format!("the body is encoded ({encoding}): send it without Content-Encoding");
            Err(Problem::unsupported_media_type(detail).header(ACCEPT_ENCODING, "identity"))
        }
    }
}

fn told(fault: Fault) -> Problem {
    match fault {
        Fault::NotJson => Problem::unreadable("the body is not JSON"),
        Fault::TooDeep => Problem::unreadable("the body is nested too deeply"),
        Fault::Huge => Problem::unreadable("the body has a number that is out of range"),
        Fault::Twice(name) => Problem::invalid_field("", format!("the field `{name}` is given more than once")),
    }
}

fn check_length(headers: &HeaderMap, limit: usize) -> Result<(), Problem> {
    let announced = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|bytes| bytes > limit as u64) { Err(Problem::too_large(limit)) } else { Ok(()) }
}

async fn collect(body: Body, limit: usize) -> Result<Bytes, Problem> {
    let body = Limited::new(body, limit).collect().await.map_err(|error| {
        if error.is::<LengthLimitError>() {
            Problem::too_large(limit)
        } else {
            Problem::unreadable("the body broke off")
        }
    })?;
    Ok(body.to_bytes())
}

fn essence(label: &str) -> &str {
    label.split(';').next().unwrap_or_default().trim()
}

/// `application/json` and its kin (`application/merge-patch+json`), with parameters or without.
fn is_json(content_type: &HeaderValue) -> bool {
    let Ok(text) = content_type.to_str() else { return false };
    let essence = essence(text).to_ascii_lowercase();
    essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json"))
}
