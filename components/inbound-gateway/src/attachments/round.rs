//! What is due: claimed, fetched a few at a time, and told to the messages that it belongs to.

use std::pin::pin;
use std::time::Duration;

use futures::future::{Either, join_all, select};
use sdk::{Context, ids, log};

use super::{Claimed, Fetched, Medium, Outside, Queue, Refusal, Told, Wanted, fetching, next_attempt};

/// Of one file: what WhatsApp takes at most (100 MB) over a slow line.
const ATTEMPT_LIMIT: Duration = Duration::from_secs(60);
/// Longer than an attempt and what follows it.
const LEASE_MICROS: i64 = 90 * 1_000_000;
/// Files on their way at once; each takes some kilobytes of memory, and a connection.
const AT_ONCE: u32 = 4;
/// A round ends when so many have been dealt with, so that it never outlives its instance by much.
const MAX_BATCHES: usize = 16;
/// How soon it is tried again when `media` itself was away for all attempts: three hours.
const PATIENCE_MICROS: i64 = 3 * 3600 * 1_000_000;

/// The time, and waiting for it.
#[expect(async_fn_in_trait, reason = "a guest has one thread; a Send bound would only shut out its futures")]
pub trait Watch {
    fn now(&self) -> i64;
    async fn sleep(&self, duration: Duration);
}

/// Works through what is due. The error is for the log.
pub async fn run<O: Outside, Q: Queue, W: Watch>(outside: &O, queue: &Q, watch: &W) -> Result<(), String> {
    for _ in 0..MAX_BATCHES {
        let now = watch.now();
        let claimed = queue.claim_wanted(now, now.saturating_add(LEASE_MICROS), AT_ONCE).await?;
        if claimed.is_empty() {
            break;
        }
        let all = claimed.iter().map(|one| deal_with(outside, queue, watch, one));
        join_all(all).await.into_iter().collect::<Result<(), String>>()?;
    }
    Ok(())
}

async fn deal_with<O: Outside, Q: Queue, W: Watch>(
    outside: &O,
    queue: &Q,
    watch: &W,
    claimed: &Claimed,
) -> Result<(), String> {
    let Claimed { wanted, attempts } = claimed;
    let context = context(wanted);
    let late = || (None, Fetched::Later("the provider takes too long".to_owned()));
    let attempt = pin!(fetching::attempt(outside, &context, wanted));
    let alarm = pin!(watch.sleep(ATTEMPT_LIMIT));
    let (medium, fetched) = match select(attempt, alarm).await {
        Either::Left((done, _)) => done,
        Either::Right(_) => late(),
    };
    let next = next_attempt(*attempts, watch.now());
    match (fetched, next) {
        // `media` has not heard of it, so that nobody could be told that it failed.
        (Fetched::Later(reason), None) if medium.is_none() => {
            queue.postpone(wanted, watch.now().saturating_add(PATIENCE_MICROS), &reason).await
        }
        (Fetched::Ready(medium), _) => end(outside, queue, watch, claimed, &context, medium, None).await,
        (Fetched::Later(reason), Some(due_at)) => {
            log::warn(&context, "an attachment is fetched later", &[("reason", &reason), ("attempts", attempts)]);
            queue.postpone(wanted, due_at, &reason).await
        }
        (Fetched::Failed(reason) | Fetched::Later(reason), _) => {
            log::error(&context, "an attachment could not be fetched", &[("reason", &reason), ("attempts", attempts)]);
            end(outside, queue, watch, claimed, &context, medium.unwrap_or_default(), Some(reason)).await
        }
    }
}

/// `media` and the message learn it; only then is it done with.
async fn end<O: Outside, Q: Queue, W: Watch>(
    outside: &O,
    queue: &Q,
    watch: &W,
    claimed: &Claimed,
    context: &Context,
    medium: Medium,
    failure: Option<String>,
) -> Result<(), String> {
    let wanted = &claimed.wanted;
    let told = async {
        if let (Some(reason), false) = (&failure, medium.id.is_empty()) {
            outside.give_up(context.clone(), &medium.id, reason).await?;
        }
        let told = Told { message_id: wanted.message_id.clone(), medium, failure: failure.clone() };
        outside.tell(context.clone(), told).await
    };
    match told.await {
        Ok(()) | Err(Refusal::Never(_)) => queue.settle(wanted, failure.as_deref()).await,
        // Whoever comes after the last attempt tells it again.
        Err(Refusal::NotNow(reason)) => {
            let due_at = next_attempt(claimed.attempts.min(3), watch.now()).unwrap_or_else(|| watch.now());
            queue.postpone(wanted, due_at, &reason).await
        }
    }
}

fn context(wanted: &Wanted) -> Context {
    Context {
        tenant: wanted.tenant.clone(),
        principal: format!("webhook:{}", wanted.channel),
        scopes: vec!["*".to_owned()],
        request_id: ids::new(),
        deadline_ms: 10_000,
        ..Context::default()
    }
}
