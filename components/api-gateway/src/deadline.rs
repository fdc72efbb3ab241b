//! Waiting no longer than a deadline.

use std::pin::pin;
use std::time::Duration;

use futures::future::{Either, select};

use crate::clients::Timer;

/// What the work gives, or nothing when the deadline comes first; the work is then dropped, which cancels it.
pub async fn within<T>(timer: &impl Timer, limit: Duration, work: impl Future<Output = T>) -> Option<T> {
    match select(pin!(work), pin!(timer.sleep(limit))).await {
        Either::Left((done, _)) => Some(done),
        Either::Right(_) => None,
    }
}
