//! `/telemetry`: what the host measures and where it sends it, for who operates the platform. The host does it; this only asks.

use http::{Method, Response};
use serde_json::{Value, json};

use super::own;
use super::{Action, Doc, Route};
use crate::admin;
use crate::call::Call;
use crate::clients::{Body, Outside};
use crate::reply::ok;
use sdk::clock::rfc3339;
use sdk::context::OPERATOR;
use sdk::query::Query;
use sdk::{Input, Problem};

const RIGHTS: &[&str] = &[OPERATOR];
const LEVELS: &[&str] = &["error", "warn", "info", "debug", "trace"];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Do {
    Config,
    Configure,
    Metrics,
    Reset,
}

pub const ROUTES: &[Route] = &[
    Route::get(
        "/telemetry/config",
        RIGHTS,
        Action::Telemetry(Do::Config),
        Doc::new("getTelemetryConfig", "What is measured, and where it goes", &[(200, Some("TelemetryConfig"))]),
    ),
    Route::put(
        "/telemetry/config",
        RIGHTS,
        Action::Telemetry(Do::Configure),
        Doc::new("updateTelemetryConfig", "Change it, from now on", &[(200, Some("TelemetryConfig"))])
            .body("TelemetryChanges"),
    ),
    Route::get(
        "/telemetry/metrics",
        RIGHTS,
        Action::Telemetry(Do::Metrics),
        Doc::new("getTelemetryMetrics", "What was measured", &[(200, Some("TelemetryMetrics"))]),
    ),
    Route::delete(
        "/telemetry/metrics",
        RIGHTS,
        Action::Telemetry(Do::Reset),
        Doc::new("resetTelemetryMetrics", "Begin to count anew", &[(200, Some("TelemetryReset"))]),
    ),
];

pub async fn act<B: Outside>(outside: &B, call: &Call<'_>, what: Do) -> Result<Response<Body>, Problem> {
    Query::parse(call.query)?.allow(&[])?;
    match what {
        Do::Config => ok(&ask(outside, call, Method::GET, "/telemetry/config").await?),
        Do::Configure => {
            own::request(call).decode(check)?;
            ok(&ask(outside, call, Method::PUT, "/telemetry/config").await?)
        }
        Do::Metrics => ok(&ask(outside, call, Method::GET, "/telemetry/metrics").await?),
        Do::Reset => {
            ask(outside, call, Method::DELETE, "/telemetry/metrics").await?;
            ok(&json!({ "message": "the metrics begin anew", "timestamp": rfc3339(outside.now()) }))
        }
    }
}

/// The host is asked with the client's own document, once nothing is wrong with it. `endpoint` is not a field of it: where
/// telemetry goes is the decision of the host's administrator.
fn check(input: &mut Input) {
    if !["enabled", "sampling_rate", "log_level"].iter().any(|name| input.has(name)) {
        input.refuse("", "enabled, sampling_rate or log_level is required");
    }
    input.boolean("enabled");
    if input.number("sampling_rate").is_some_and(|rate| !(0.0..=1.0).contains(&rate)) {
        input.refuse("sampling_rate", "must be 0 to 1");
    }
    input.choice("log_level", |word| LEVELS.contains(&word).then_some(()), "error, warn, info, debug, trace");
}

/// A host without these settings says so.
async fn ask<B: Outside>(outside: &B, call: &Call<'_>, method: Method, path: &str) -> Result<Value, Problem> {
    let answer = admin::ask(outside, &call.context, method, path, call.body.clone()).await;
    answer.map_err(|problem| match problem.status.as_u16() {
        404 => Problem::unavailable("this host has no telemetry settings"),
        _ => problem,
    })
}
