//! Every error that the API may answer, when, and what one looks like.

use serde_json::{Map, Value, json};

use super::{PROBLEM, schema_ref};

/// Status, when, the title, and the code and detail of an example.
type Row = (u16, &'static str, &'static str, &'static str, &'static str);

const ERRORS: &[Row] = &[
    (
        400,
        "Unreadable: no JSON, no UTF-8, a header twice.",
        "Bad Request",
        "unreadable",
        "the body is not JSON: expected value at line 1 column 1",
    ),
    (
        401,
        "No valid credential.",
        "Unauthorized",
        "unauthenticated",
        "the credential is not valid, has expired or was revoked",
    ),
    (403, "The credential lacks a scope.", "Forbidden", "forbidden", "this needs the scopes: messages:write"),
    (404, "Unknown, or another tenant's.", "Not Found", "not_found", "there is no such customer"),
    (
        405,
        "The path has other methods: see `Allow`.",
        "Method Not Allowed",
        "method_not_allowed",
        "allowed here: GET, HEAD, POST",
    ),
    (
        409,
        "In conflict with what is there, or with a request that is still running.",
        "Conflict",
        "conflict",
        "a tenant has this name, or had it",
    ),
    (
        412,
        "`If-Match` names another version.",
        "Precondition Failed",
        "precondition_failed",
        "the resource is not in the version that If-Match names: read it again",
    ),
    (
        413,
        "The body is too large, or a quota of bytes is used up.",
        "Payload Too Large",
        "too_large",
        "the body is larger than 1048576 bytes",
    ),
    (
        415,
        "The body is not labelled as JSON, or is compressed.",
        "Unsupported Media Type",
        "unsupported_media_type",
        "send application/json",
    ),
    (422, "Invalid: `errors` names each field.", "Unprocessable Entity", "invalid", "/external_id: is required"),
    (
        429,
        "Over the quota, or too many wrong credentials: see `Retry-After`.",
        "Too Many Requests",
        "too_many_requests",
        "the quota of 1000 requests an hour is used up",
    ),
    (502, "A service failed.", "Bad Gateway", "bad_gateway", "the messaging service failed to answer"),
    (
        503,
        "A service is stopped or overloaded: see `Retry-After`.",
        "Service Unavailable",
        "unavailable",
        "the messaging service is unavailable",
    ),
    (504, "A service is silent.", "Gateway Timeout", "timed_out", "the messaging service did not answer in time"),
];

pub(super) fn statuses() -> impl Iterator<Item = u16> {
    ERRORS.iter().map(|(status, ..)| *status)
}

/// By status, each with an example of its own.
pub(super) fn responses() -> Map<String, Value> {
    let response = |row: &Row| {
        let content = json!({ PROBLEM: { "schema": schema_ref("Problem"), "example": example(row) } });
        (row.0.to_string(), json!({ "description": row.1, "content": content }))
    };
    ERRORS.iter().map(response).collect()
}

fn example((status, _, title, code, detail): &Row) -> Value {
    let mut example = json!({
        "type": format!("urn:kobliat:problem:{code}"),
        "title": title,
        "status": status,
        "detail": detail,
        "instance": "/api/v1/customers",
        "code": code,
        "request_id": "019a0000-0000-7000-8000-000000000001",
        "error": title,
        "message": detail,
    });
    if let (422, Some((pointer, what))) = (status, detail.split_once(": ")) {
        super::set(&mut example, "errors", json!([{ "pointer": pointer, "detail": what }]));
    }
    example
}
