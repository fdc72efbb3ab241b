//! What is done with a webhook endpoint beside changing it, each once per `Idempotency-Key`.

use http::StatusCode;
use sdk::{
    Outcome, Problem, Request,
    clock::rfc3339,
    idempotency::{Answer, Done, Key, Once, answer_once},
    response,
    sql::Driver,
};
use serde_json::json;

use super::endpoints::{FAILED, WRITE, check, find, new_secret, sealed};
use crate::{
    app::{App, Platform},
    endpoint::{Endpoint, Status},
    signature,
    store::{deliveries, endpoints},
};

/// The event that a tenant asks for to try its endpoint.
const TEST: &str = "com.kobliat.webhook.test.v1";

/// The old secret signs beside the new one for a day. The new one is in this answer and in no other: a repetition does without.
pub async fn rotate_secret<D: Driver, P: Platform>(app: &App<D, P>, request: Request) -> Outcome {
    request.context.require(WRITE)?;
    let (id, now) = (request.id("id", "webhook endpoint")?, app.clock.now());
    let secret = new_secret(&request.context)?;
    let sealed = sealed(app, &request.context, &id, &secret).await?;
    let until = rfc3339(now.saturating_add(signature::OVERLAP));
    let kept = json!({ "id": id, "secret": null, "old_secret_signs_until": until });
    let answer = |(): &()| response::ok(&kept).as_ref().map_or(FAILED, Answer::of);
    let once = Key::of(&request)?.map(|key| Once { key, answer: &answer });
    let endpoint = (request.context.tenant.as_str(), id.as_str());
    let rotated = endpoints::rotate(&app.database, endpoint, &sealed, now, once.as_ref()).await;
    match check(&request.context, rotated)? {
        Done::Now(()) => response::ok(&json!({ "id": id, "secret": secret, "old_secret_signs_until": until })),
        Done::Before(answer) => Ok(answer.replay()),
    }
}

pub async fn resend<D: Driver, P: Platform>(app: &App<D, P>, request: Request) -> Outcome {
    request.context.require(WRITE)?;
    let event_id = request.decode(|input| input.required_id("event_id"))?;
    let endpoint = enabled(find(app, &request).await?)?;
    let resending = (request.context.tenant.as_str(), endpoint.id.as_str(), event_id.as_str());
    answer_once(
        &request,
        |(): &()| accepted(app, &json!({ "event_id": event_id })),
        async |once| deliveries::resend(&app.database, resending, app.clock.now(), once).await,
        |error| error.problem(&request.context, "event of this webhook endpoint"),
    )
    .await
}

/// What failed or was passed over since then is sent again, from the first attempt on.
pub async fn recover<D: Driver, P: Platform>(app: &App<D, P>, request: Request) -> Outcome {
    request.context.require(WRITE)?;
    let since = request.decode(|input| {
        if !input.has("since") {
            input.refuse("since", "is required");
        }
        input.time("since").unwrap_or_default()
    })?;
    let endpoint = enabled(find(app, &request).await?)?;
    let endpoint = (request.context.tenant.as_str(), endpoint.id.as_str());
    answer_once(
        &request,
        |recovered: &usize| accepted(app, &json!({ "recovered": recovered })),
        async |once| deliveries::recover(&app.database, endpoint, since, app.clock.now(), once).await,
        |error| error.problem(&request.context, "webhook endpoint"),
    )
    .await
}

pub async fn test<D: Driver, P: Platform>(app: &App<D, P>, request: Request) -> Outcome {
    request.context.require(WRITE)?;
    let endpoint = enabled(find(app, &request).await?)?;
    let (tenant, now) = (request.context.tenant.as_str(), app.clock.now());
    let body = json!({ "type": TEST, "timestamp": rfc3339(now), "data": { "endpoint_id": endpoint.id } }).to_string();
    answer_once(
        &request,
        |event_id: &String| accepted(app, &json!({ "event_id": event_id })),
        async |once| deliveries::send_one(&app.database, (tenant, &endpoint), (TEST, &body), now, once).await,
        |error| error.problem(&request.context, "webhook endpoint"),
    )
    .await
}

fn enabled(endpoint: Endpoint) -> Result<Endpoint, Problem> {
    match endpoint.status {
        Status::Enabled => Ok(endpoint),
        Status::Disabled => Err(Problem::conflict("the webhook endpoint is disabled: enable it first")),
    }
}

fn accepted<D: Driver, P: Platform>(app: &App<D, P>, told: &serde_json::Value) -> Outcome {
    app.is_due.set(true);
    response::json(StatusCode::ACCEPTED, told)
}
