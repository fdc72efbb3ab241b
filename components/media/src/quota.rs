//! How much a tenant may keep: its own quota, which the gateway tells, or the deployment's.

use http::StatusCode;
use sdk::{Context, Outcome, Problem, response, sql::Driver};
use serde_json::json;

use crate::{
    app::{App, Platform},
    store::usage,
    upload::told,
};

/// Where the gateway tells a tenant's quota.
pub const PATH: &str = "/internal/tenants/:tenant/quota";

/// 10 GiB, for tenants without a quota of their own.
const DEFAULT_BYTES: u64 = 10 << 30;
/// Uploads of one tenant at once: what is on its way is not counted yet.
const MAX_UPLOADS: u64 = 100;

/// What a quota variable says: bytes, or 0 for no quota.
pub fn parse(text: &str) -> Option<u64> {
    text.trim().parse().ok().filter(|bytes| i64::try_from(*bytes).is_ok())
}

/// Whether there is room for so many bytes more.
pub async fn check<D: Driver, P: Platform>(app: &App<D, P>, context: &Context, more: u64) -> Result<(), Problem> {
    let usage = usage::read(&app.database, &context.tenant).await.map_err(|e| told(context, e.into()))?;
    if usage.uploads > MAX_UPLOADS {
        let detail = format!("more than {MAX_UPLOADS} uploads are on their way: wait until some have ended");
        let problem = Problem::new(StatusCode::TOO_MANY_REQUESTS, "too_many_requests", detail);
        return Err(problem.header(http::header::RETRY_AFTER, "10"));
    }
    let deployments = app.platform.setting("media_quota_bytes").await.and_then(|text| parse(&text));
    let quota = usage.quota_bytes.unwrap_or_else(|| deployments.unwrap_or(DEFAULT_BYTES));
    if quota == 0 || usage.bytes.saturating_add(more) <= quota {
        return Ok(());
    }
    let detail = format!(
        "the quota of {quota} bytes for files is used up: {} are in use; delete files, or ask for a larger quota",
        usage.bytes
    );
    Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "quota_exceeded", detail))
}

/// A tenant's quota from now on: `{"bytes": n}`; null is the deployment's.
pub async fn set<D: Driver, P: Platform>(app: &App<D, P>, request: sdk::Request) -> Outcome {
    let bytes = request.decode(|input| {
        let bytes = input.integer("bytes");
        if bytes.is_some_and(|bytes| bytes < 0) {
            input.refuse("bytes", "must not be negative");
        }
        bytes.and_then(|bytes| u64::try_from(bytes).ok())
    })?;
    let set = usage::set_quota(&app.database, request.param("tenant"), bytes).await;
    set.map_err(|e| told(&request.context, e.into()))?;
    response::ok(&json!({ "bytes": bytes }))
}
