//! How what goes wrong at the gateway itself, or between it and a service, is told.

use bytes::Bytes;
use http::header::{RETRY_AFTER, WWW_AUTHENTICATE};
use http::{Method, StatusCode};
use serde_json::{Map, Value, json};

use crate::auth::Denied;
use crate::call::Call;
use crate::clients::CallError;
use crate::routes::Service;
use sdk::Problem;
use sdk::problem::FieldError;

/// How a client may identify itself, told with every 401 (RFC 9110, 11.6.1; RFC 6750, 3).
const CHALLENGE: &str = "Bearer realm=\"kobliat\"";

pub fn denied(denied: Denied) -> Problem {
    match denied {
        Denied::NoCredential => Problem::unauthenticated("send an API key as X-API-Key, a key or token as Authorization: Bearer, or a user's name and password as Authorization: Basic")
            .header(WWW_AUTHENTICATE, CHALLENGE),
        Denied::WrongCredential => Problem::unauthenticated("the credential is not valid, has expired or was revoked")
            .header(WWW_AUTHENTICATE, &format!("{CHALLENGE}, error=\"invalid_token\"")),
        Denied::Ambiguous(header) => Problem::unreadable(format!("the header {header} is there more than once")),
        Denied::Throttled(seconds) => {
            too_many("too many wrong credentials came from your address").header(RETRY_AFTER, &seconds.to_string())
        }
        Denied::Unavailable => Problem::unavailable("credentials cannot be checked at the moment"),
    }
}

pub fn too_many(detail: &str) -> Problem {
    Problem::new(StatusCode::TOO_MANY_REQUESTS, "too_many_requests", detail)
}

pub fn insufficient_scope(scopes: &[&str]) -> Problem {
    let scopes = scopes.join(" ");
    Problem::forbidden(format!("this needs the scopes: {scopes}"))
        .header(WWW_AUTHENTICATE, &format!("{CHALLENGE}, error=\"insufficient_scope\", scope=\"{scopes}\""))
}

/// `GET` brings `HEAD` with it.
pub fn method_not_allowed(methods: &[Method]) -> Problem {
    let with_head = |method: &Method| if method == Method::GET { "GET, HEAD".to_owned() } else { method.to_string() };
    Problem::method_not_allowed(&methods.iter().map(with_head).collect::<Vec<_>>().join(", "))
}

pub fn unavailable(service: Service, retry_after: Option<u32>) -> Problem {
    let mut problem = Problem::unavailable(format!("the {} service is unavailable", service.id()));
    if let Some(seconds) = retry_after {
        problem.headers.retain(|(name, _)| name != RETRY_AFTER);
        problem = problem.header(RETRY_AFTER, &seconds.to_string());
    }
    problem
}

pub fn bad_answer(service: Service) -> Problem {
    Problem::bad_gateway(format!("the {} service failed to answer", service.id()))
}

pub fn timed_out(service: Service) -> Problem {
    Problem::timed_out(format!("the {} service did not answer in time", service.id()))
}

/// The parts that are down, each by name: `/ready` is for operators.
pub fn not_ready(down: &[Service]) -> Problem {
    let names = down.iter().map(|service| service.id()).collect::<Vec<_>>().join(", ");
    let mut problem = Problem::unavailable(format!("not ready: {names}"));
    let error = |service: &Service| FieldError { pointer: service.id().into(), detail: "does not answer".into() };
    problem.errors = down.iter().map(error).collect();
    problem
}

/// A typed call's error. What a service says about its own failure stays in the log.
pub fn from_call(service: Service, error: CallError) -> Problem {
    match error {
        CallError::NotFound => Problem::not_found("resource"),
        CallError::Invalid(reason) => invalid(&reason),
        CallError::Conflict(reason) => Problem::conflict(reason),
        CallError::Unavailable(_) => unavailable(service, None),
        CallError::Other(_) => bad_answer(service),
    }
}

/// `cursor: is not one of this list`, as the interfaces have it: the argument, and why. The arguments of the typed calls
/// from here are query parameters of the same names.
fn invalid(reason: &str) -> Problem {
    let (argument, why) = reason.split_once(": ").unwrap_or(("", reason));
    let is_name =
        !argument.is_empty() && argument.bytes().all(|byte| byte.is_ascii_lowercase() || b"-_".contains(&byte));
    let (pointer, why) =
        if is_name { (format!("?{}", argument.replace('-', "_")), why) } else { (String::new(), reason) };
    Problem::invalid_field(pointer, why)
}

/// The document of a service that refused a forwarded request, as the gateway would have told it: at the public path,
/// under the request's id. What the service did not say (the host answers an unknown path with nothing) is filled in.
pub fn restated(call: &Call<'_>, status: StatusCode, said: &[u8]) -> Bytes {
    let title = status.canonical_reason().unwrap_or("Error");
    let mut document: Map<String, Value> = serde_json::from_slice(said).unwrap_or_default();
    let detail = document.get("detail").and_then(Value::as_str).unwrap_or(title).to_owned();
    let code = document.get("code").and_then(Value::as_str).map_or_else(|| slug(title), str::to_owned);
    let defaults = [
        ("type", json!(format!("urn:kobliat:problem:{code}"))),
        ("title", json!(title)),
        ("status", json!(status.as_u16())),
        ("code", json!(code)),
        ("error", json!(title)),
        ("message", json!(detail)),
        ("detail", json!(detail)),
    ];
    for (member, value) in defaults {
        document.entry(member).or_insert(value);
    }
    document.insert("instance".into(), json!(call.public_path));
    document.insert("request_id".into(), json!(call.context.request_id));
    Value::Object(document).to_string().into()
}

fn slug(title: &str) -> String {
    title.to_ascii_lowercase().replace([' ', '-'], "_")
}
