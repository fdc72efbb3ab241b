//! Removing what nobody shows any more: uploads that have not ended, and files in the bucket whose last attachment is gone.

use std::{pin::pin, time::Duration};

use futures::future::select;
use sdk::{Context, Error, Micros, log, sql::Driver};

use super::{Kind, s3};
use crate::{
    app::{App, Platform},
    store::uploads::{self, Stale},
};

/// How long a request waits for the bucket to remove what the request has made useless; then it is the tick's.
const PATIENCE: Duration = Duration::from_secs(2);

/// Gives up what was begun before then: whoever sent it is long gone. Answers how many. Stops at a store that is out of reach.
pub async fn sweep<D: Driver, P: Platform>(app: &App<D, P>, before: Micros) -> Result<usize, Error> {
    let mut swept = 0;
    for Stale { place, kind, multipart } in uploads::stale(&app.database, before).await? {
        uploads::give_up(&app.database, &place, kind).await?;
        if kind == Kind::S3 {
            let objects = s3::Objects { app, bucket: s3::bucket(app).await? };
            objects.remove(&place, multipart).await?;
            uploads::forget(&app.database, &place).await?;
        }
        swept += 1;
    }
    Ok(swept)
}

/// Removes from the bucket what is doomed. What fails waits for the tick: whoever asked has what it wanted.
pub async fn clear<D: Driver, P: Platform>(app: &App<D, P>, context: &Context) {
    let removing = pin!(async {
        if let Err(error) = sweep(app, uploads::DOOMED + 1).await {
            log::warn(context, "files in the bucket wait for the sweep", &[("error", &format!("{error:?}"))]);
        }
    });
    select(removing, pin!(app.platform.sleep(PATIENCE))).await;
}
