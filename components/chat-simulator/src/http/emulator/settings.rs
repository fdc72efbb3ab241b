//! `/simulate/emulator`: how unkind it is, and what it was given to send.

use sdk::{Outcome, Request, clock, context::OPERATOR, response, sql::Driver};
use serde_json::{Value, json};

use crate::{
    app::{App, World},
    emulator::{Emulated, Knobs, UNKNOWN},
    http::{failed, newest::newest},
    store::emulated,
};

pub async fn get<D: Driver, W: World>(app: &App<D, W>, request: Request) -> Outcome {
    app.permit(&request.context).await?;
    let (knobs, calls) = emulated::knobs(&app.database).await.map_err(failed(&request.context))?;
    response::ok(&view(&knobs, calls))
}

/// One emulator serves the whole deployment, so only who operates it may change its mood.
pub async fn set<D: Driver, W: World>(app: &App<D, W>, request: Request) -> Outcome {
    request.context.require(OPERATOR)?;
    app.permit(&request.context).await?;
    let knobs = request.decode(Knobs::read)?;
    emulated::set_knobs(&app.database, &knobs).await.map_err(failed(&request.context))?;
    response::ok(&view(&knobs, 0))
}

fn view(knobs: &Knobs, calls: u64) -> Value {
    let errors: Vec<String> = knobs.errors.iter().map(i64::to_string).collect();
    json!({
        "seed": knobs.seed, "error_rate": knobs.error_rate, "errors": errors,
        "hang_rate": knobs.hang_rate, "hang_ms": knobs.hang_ms, "garble_rate": knobs.garble_rate,
        "calls_per_second": knobs.calls_per_second,
        "report_min_ms": knobs.report_ms[0], "report_max_ms": knobs.report_ms[1],
        "duplicate_rate": knobs.duplicate_rate, "reorder_rate": knobs.reorder_rate, "late_rate": knobs.late_rate,
        "failure_rate": knobs.failure_rate, "read_rate": knobs.read_rate,
        "media_error_rate": knobs.media_error_rate, "media_expired_rate": knobs.media_expired_rate,
        "media_wrong_hash_rate": knobs.media_wrong_hash_rate, "media_truncated_rate": knobs.media_truncated_rate,
        "media_slow_rate": knobs.media_slow_rate, "media_slow_ms": knobs.media_slow_ms,
        "calls": calls,
    })
}

pub async fn messages<D: Driver, W: World>(app: &App<D, W>, request: Request) -> Outcome {
    app.permit(&request.context).await?;
    let is_operator = request.context.allows(OPERATOR);
    let rows = async |tenant: &str, before: &str, limit: u32| {
        let mut rows = emulated::list(&app.database, tenant, before, limit).await?;
        if is_operator {
            rows.extend(emulated::list(&app.database, UNKNOWN, before, limit).await?);
            rows.sort_by(|one, two| two.id.cmp(&one.id));
            rows.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        }
        Ok(rows)
    };
    newest(&request, "emulated", rows, |message| message.id.as_str(), message).await
}

fn message(message: &Emulated) -> Value {
    let sent = &message.sent;
    json!({
        "id": message.id, "channel": sent.channel, "channel_account_id": sent.account, "recipient": sent.recipient,
        "type": sent.kind, "text": sent.text, "message_id": sent.ours, "dropped": sent.is_dropped, "taken_at": clock::rfc3339(message.taken_at),
    })
}
