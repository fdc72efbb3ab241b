//! Deleted tenants: every service is asked to remove what it has of them, step by step, until nothing is left.

use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Limited};
use serde_json::Value;

use crate::clients::{Elsewhere, Outside, SendError, Timer};
use crate::deadline::within;
use crate::store;
use crate::store::erasures::{self, Erasure};
use sdk::sql::SqlError;
use sdk::{Context, Micros, log};

/// Steps of one service in a row: the rest comes a minute later, so that nobody else waits for the database for long.
const STEPS: usize = 50;
const STEP_DEADLINE: Duration = Duration::from_secs(15);
/// A service's answer is two numbers.
const MAX_BYTES: usize = 1024;
/// A service that does not answer, or has more, is asked again after this (1 min, in microseconds).
const AGAIN_MICROS: Micros = 60_000_000;
/// When nothing is left, it is asked once more (1 h, in microseconds): what was on its way has come by then.
const LATER_MICROS: Micros = 3_600_000_000;

/// Goes on with all that are due.
pub async fn erase<B: Outside>(outside: &B) -> Result<(), SqlError> {
    for erasure in erasures::due(outside.tables(), outside.now()).await? {
        let is_done = ask(outside, &erasure).await;
        let wait = if is_done { LATER_MICROS } else { AGAIN_MICROS };
        erasures::note(outside.tables(), &erasure, is_done, outside.now() + wait).await?;
    }
    Ok(())
}

/// Whether nothing is left.
async fn ask<B: Outside>(outside: &B, erasure: &Erasure) -> bool {
    for _ in 0..STEPS {
        match step(outside, erasure).await {
            Ok(true) => return true,
            Ok(false) => {}
            Err(reason) => {
                let fields: [(&str, &dyn std::fmt::Display); 3] =
                    [("service", &erasure.service), ("tenant", &erasure.tenant), ("reason", &reason)];
                log::warn(&Context::default(), "failed to have a deleted tenant's data removed", &fields);
                return false;
            }
        }
    }
    false
}

async fn step<B: Outside>(outside: &B, erasure: &Erasure) -> Result<bool, String> {
    if erasure.service == store::LABEL {
        let step = sdk::erase::step(outside.tables(), &erasure.tenant, erasures::ERASED).await;
        return step.map(|(_, is_done)| is_done).map_err(|error| error.to_string());
    }
    let answer = within(outside, STEP_DEADLINE, answer(outside, erasure)).await;
    let answer = answer.unwrap_or(Err(SendError::TimedOut)).map_err(|error| format!("{error:?}"))?;
    answer.get("done").and_then(Value::as_bool).ok_or_else(|| format!("answered {answer}"))
}

async fn answer<B: Elsewhere + Timer>(outside: &B, erasure: &Erasure) -> Result<Value, SendError> {
    let path = sdk::erase::PATH.replace(":tenant", &erasure.tenant);
    let request = Request::post(format!("http://{}.spin.internal{path}", erasure.service)).body(Bytes::new());
    let answer = outside.fetch(request.map_err(|error| SendError::Failed(error.to_string()))?).await?;
    let body = Limited::new(answer.into_body(), MAX_BYTES).collect().await;
    let body = body.map_err(|error| SendError::Failed(error.to_string()))?.to_bytes();
    serde_json::from_slice(&body).map_err(|error| SendError::Failed(error.to_string()))
}
