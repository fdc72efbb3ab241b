//! `Idempotency-Key` on what is no single transaction: the key is claimed first, and its answer stored when there is one.

use sdk::{
    Outcome, Request, idempotency,
    sql::{Driver, SqlError},
};

use super::failed;
use crate::app::{App, World};

/// Does it, unless this key has had its answer. What failed leaves the key claimed for a minute.
pub async fn once<D: Driver, W: World>(
    app: &App<D, W>,
    request: &Request,
    work: impl AsyncFnOnce() -> Outcome,
) -> Outcome {
    let failed = failed(&request.context);
    let Some(key) = idempotency::Key::of(request)? else { return work().await };
    let claimed = idempotency::claim(&app.database, &key, app.clock.now()).await.map_err(&failed)?;
    if let Some(answer) = claimed? {
        return Ok(answer.replay());
    }
    let done = work().await?;
    let answer = idempotency::Answer::of(&done);
    let store = async |transaction: &D::Connection| -> Result<(), SqlError> {
        idempotency::finish(transaction, &key, &answer, app.clock.now()).await
    };
    app.database.transaction(store).await.map_err(&failed)?;
    Ok(done)
}
