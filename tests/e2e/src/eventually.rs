//! Waiting for a fact instead of for a time.

use std::time::Duration;
use tokio::time::{Instant, interval, timeout_at};

/// No fact of these tests takes longer, not even on a machine that is busy with something else.
pub const DEADLINE: Duration = Duration::from_secs(60);

/// Asks again and again until the answer is `Some`; panics with the name of the fact when it never is.
pub async fn eventually<T>(fact: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let end = Instant::now() + DEADLINE;
    let mut pace = interval(Duration::from_millis(20));
    let found = timeout_at(end, async {
        loop {
            pace.tick().await;
            if let Some(found) = ask().await {
                return found;
            }
        }
    });
    match found.await {
        Ok(found) => found,
        Err(_) => panic!("still not so after {} s: {fact}", DEADLINE.as_secs()),
    }
}
