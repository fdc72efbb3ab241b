//! Tenants' quotas of files: media keeps to them, and is told of each change.

use std::time::Duration;

use bytes::Bytes;
use http::Request;
use serde_json::json;

use crate::clients::Outside;
use crate::deadline::within;
use crate::store;
use sdk::sql::SqlError;
use sdk::{Context, log};

const DEADLINE: Duration = Duration::from_secs(5);

/// Tells those that media does not know yet. What fails comes a minute later.
pub async fn tell<B: Outside>(outside: &B) -> Result<(), SqlError> {
    for (tenant, bytes) in store::tenants::untold_quotas(outside.tables()).await? {
        let uri = format!("http://media.spin.internal/internal/tenants/{tenant}/quota");
        let request = Request::put(uri).header("content-type", "application/json");
        let Ok(request) = request.body(Bytes::from(json!({ "bytes": bytes }).to_string())) else { continue };
        let answer = within(outside, DEADLINE, outside.fetch(request)).await;
        if matches!(&answer, Some(Ok(answer)) if answer.status().is_success()) {
            store::tenants::quota_told(outside.tables(), &tenant, bytes).await?;
        } else {
            log::warn(&Context::default(), "failed to tell media a tenant's quota", &[("tenant", &tenant)]);
        }
    }
    Ok(())
}
