//! `Idempotency-Key` on what is no single transaction: the key is claimed first, and its answer stored when there is one.

use sdk::{Outcome, Request, idempotency, sql::Driver};

use super::failed;
use crate::app::{App, World};

/// Does it, unless this key has had its answer.
pub async fn once<D: Driver, W: World>(
    app: &App<D, W>,
    request: &Request,
    work: impl AsyncFnOnce() -> Outcome,
) -> Outcome {
    let (clock, failed) = (&*app.clock, failed(&request.context));
    idempotency::answer_claimed(&app.database, request, clock, failed, work).await
}
