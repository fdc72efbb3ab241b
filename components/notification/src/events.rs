//! Events come in: what an operator should see becomes a notification, and each endpoint that wants it gets it.

use http::StatusCode;
use sdk::{
    Error, Micros, Outcome, Request, Response,
    event::{Incoming, consume_once},
    sql::{Driver, SqlError},
};
use serde_json::json;

use crate::{
    app::{App, Platform},
    endpoint::{Endpoint, Status},
    forgetting,
    notice::{self, Notice},
    store::{self, deliveries, endpoints, notifications},
};

/// What only a payload as long as a novel has; receivers refuse more than some tens of kilobytes anyway.
const MAX_BODY_BYTES: usize = 512 << 10;

pub async fn take<D: Driver, P: Platform>(app: &App<D, P>, request: Request) -> Outcome {
    let event = Incoming::of(&request)?;
    let taken = consume(app, &event).await.map_err(|e| e.problem(&request.context, "event"))?;
    if taken == Some(true) {
        app.is_due.set(true);
    }
    let mut done = Response::default();
    *done.status_mut() = StatusCode::NO_CONTENT;
    Ok(done)
}

/// Whether something is to be delivered; `None` when the event has been here before. One that nobody wants is not even recorded.
async fn consume<D: Driver, P: Platform>(app: &App<D, P>, event: &Incoming) -> Result<Option<bool>, Error> {
    let (now, notice) = (app.clock.now(), notice::of(event));
    let all = endpoints::of_tenant(&app.database, event.tenant()).await?;
    let wanting: Vec<Endpoint> = all.into_iter().filter(|endpoint| endpoint.wants(event.kind())).collect();
    let forgotten = forgetting::subjects(event);
    if notice.is_none() && wanting.is_empty() && forgotten.is_empty() {
        return Ok(Some(false));
    }
    let work = async |transaction: &D::Connection| -> Result<bool, SqlError> {
        store::forgetting::forget(transaction, event.tenant(), &forgotten).await?;
        record(transaction, event, notice.as_ref(), &wanting, now).await
    };
    Ok(consume_once(&app.database, event, now, work).await?)
}

async fn record(
    transaction: &impl sdk::sql::Execute,
    event: &Incoming,
    notice: Option<&Notice>,
    wanting: &[Endpoint],
    now: Micros,
) -> Result<bool, SqlError> {
    let tenant = event.tenant();
    if let Some(notice) = notice {
        notifications::insert(transaction, tenant, notice, now).await?;
    }
    if wanting.is_empty() {
        return Ok(false);
    }
    let id =
        deliveries::insert_event(transaction, (tenant, event.kind(), Some(event.subject())), &body(event), now).await?;
    for endpoint in wanting {
        deliveries::add(transaction, tenant, endpoint, &id, now).await?;
    }
    Ok(wanting.iter().any(|endpoint| endpoint.status == Status::Enabled))
}

/// `{type, timestamp, data}`, as Standard Webhooks has it; data that is far too large is left for the receiver to fetch.
fn body(event: &Incoming) -> String {
    let data = if event.data.get().len() > MAX_BODY_BYTES {
        json!({ "id": event.subject(), "truncated": true })
    } else {
        serde_json::from_str(event.data.get()).unwrap_or_default()
    };
    json!({ "type": event.kind(), "timestamp": event.attribute("time"), "data": data }).to_string()
}
