//! The gateway's routes, all private: the broker's events, and what stopped.

use sdk::event::Incoming;
use sdk::health::Checks;
use sdk::{Context, Outcome, Problem, Request, Router, ids, log, response};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::domain::delivery::Store;
use crate::domain::schedule::Schedule;
use crate::domain::services::Ended;
use crate::domain::{Done, Later, Order, Platform, deliver};

/// What is subscribed to.
const QUEUED: &str = "com.kobliat.message.queued.v1";

pub fn router<P: Platform + 'static>() -> Router<P> {
    Router::internal()
        .health(health)
        .platform("/events", event)
        .get("/channels/stopped", stopped)
        .post("/channels/start", start)
}

/// Whether the deployment's variables make sense.
async fn health<P: Platform>(platform: &P, _: Request) -> Outcome {
    let mut checks = Checks::default();
    checks.note(Schedule::read(platform).await);
    match platform.variable("public_base_url").await {
        Ok(base) => checks.url("public_base_url", base.as_deref()),
        unread => checks.note(unread),
    }
    checks.outcome()
}

/// 200: done. 503 with `Retry-After`: again then. 400: it is no order, and never will be.
async fn event<P: Platform>(platform: &P, request: Request) -> Outcome {
    let order = order(request)?;
    match deliver(platform, &order).await {
        Ok(Done::Nothing) => response::ok(&json!({ "status": "nothing_to_do" })),
        Ok(Done::Ended(ended)) => response::ok(&json!({ "status": word(&ended) })),
        Err(Later { seconds, reason }) => {
            log::info(&order.context, "a message waits", &[("message", &order.message_id), ("reason", &reason)]);
            let mut later = Problem::unavailable("the message waits for its next attempt");
            later.headers.clear();
            Err(later.header(http::header::RETRY_AFTER, &seconds.to_string()))
        }
    }
}

fn word(ended: &Ended) -> &'static str {
    match ended {
        Ended::Sent(_) => "sent",
        Ended::Failed(_) => "failed",
        Ended::Unknown(_) => "unknown",
    }
}

/// What is needed of the event's message; everything else is asked for when it is sent, as it is then.
#[derive(Deserialize)]
struct Queued {
    id: String,
}

fn order(request: Request) -> Result<Order, Problem> {
    let event = Incoming::of(&request)?;
    if event.kind() != QUEUED {
        return Err(Problem::unreadable(format!("this component takes {QUEUED} only")));
    }
    let message_id = ids::parse(&event.read::<Queued>()?.id);
    let message_id = message_id.ok_or_else(|| Problem::unreadable("the data's id is not a message's"))?;
    let context = Context {
        tenant: event.tenant().to_owned(),
        principal: "component:outbound-gateway".to_owned(),
        scopes: vec!["*".to_owned()],
        traceparent: event.attribute("traceparent").to_owned(),
        ..request.context
    };
    Ok(Order { context, event_id: event.id().to_owned(), message_id })
}

/// The accounts that send nothing more, and why.
async fn stopped<P: Platform>(platform: &P, request: Request) -> Outcome {
    request.context.require("messages:read")?;
    let stops = platform.store().stops(&request.context).await.map_err(|e| e.problem(&request.context, "channel"))?;
    response::ok(&json!({ "data": stops }))
}

/// An operator has set right what was wrong.
async fn start<P: Platform>(platform: &P, request: Request) -> Outcome {
    request.context.require("messages:write")?;
    let (channel, account) =
        request.decode(|input| (input.required_text("channel", 64), input.required_text("channel_account_id", 255)))?;
    let lifted = platform.store().lift(&request.context, &channel, &account).await;
    match lifted.map_err(|e| e.problem(&request.context, "channel"))? {
        true => response::ok(
            &json!({ "channel": channel, "channel_account_id": account, "status": Value::from("started") }),
        ),
        false => Err(Problem::not_found("stopped channel")),
    }
}
