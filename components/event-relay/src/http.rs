//! The sink: a batch of CloudEvents in, 202 when every subscriber has them.

use sdk::{Outcome, Problem, Request, Router, event::Incoming, health::Checks, log, response};
use serde_json::json;

use crate::{
    relay::{Deliver, forward},
    subscribers,
};

/// What the relay needs of its surroundings.
pub trait Platform: Deliver + 'static {
    /// The variable `event_subscribers`.
    #[expect(async_fn_in_trait, reason = "a guest is single-threaded: no bound is needed")]
    async fn subscribers(&self) -> Result<String, String>;
}

pub fn router<P: Platform>() -> Router<P> {
    // It has no public route; who may come here has named it in its allowed_outbound_hosts.
    Router::internal().health(health).platform("/", take)
}

/// Whether the deployment's variable makes sense.
async fn health<P: Platform>(platform: &P, _: Request) -> Outcome {
    let mut checks = Checks::default();
    checks.note(platform.subscribers().await.and_then(|json| subscribers::parse(&json)));
    checks.outcome()
}

async fn take<P: Platform>(platform: &P, request: Request) -> Outcome {
    let is_batch =
        request.header("content-type").is_some_and(|it| it.starts_with("application/cloudevents-batch+json"));
    let batch = if is_batch { Incoming::batch(&request.body)? } else { vec![Incoming::of(&request)?] };
    let subscribers = platform.subscribers().await.and_then(|json| subscribers::parse(&json)).map_err(|reason| {
        log::error(&request.context, &reason, &[]);
        Problem::unavailable("the subscribers are not known")
    })?;
    match forward(platform, &subscribers, &batch).await {
        true => response::json(http::StatusCode::ACCEPTED, &json!({ "accepted": batch.len() })),
        false => Err(Problem::unavailable("a subscriber could not take an event: send the batch again")),
    }
}
