//! A signed webhook comes in: stored first, then worked on for at most two seconds, then answered.

use std::time::Duration;

use serde::Serialize;

use super::attempt::Attempt;
use super::delivery::{Conclusion, DEFAULT_TENANT, LEASE_MICROS, NewDelivery, Store};
use super::outcome::Outcomes;
use super::{Error, Platform};
use crate::channel::{Channel, Contents, Payload, Unreadable};

/// Providers give up after about five seconds; what takes longer than two goes on by itself.
pub const INLINE_LIMIT: Duration = Duration::from_secs(2);

/// A webhook whose sender is known.
pub struct Incoming<'a> {
    pub channel: &'static dyn Channel,
    pub payload: Payload<'a>,
    /// A JSON object.
    pub headers: &'a str,
    pub request_id: &'a str,
    pub traceparent: &'a str,
}

/// A webhook that was taken: what to answer, and what to write down (before or after the answer).
pub struct Received {
    pub answer: Answer,
    pub conclusion: Conclusion,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Answer {
    pub status: &'static str,
    /// False when the rest goes on in the background.
    pub processed: bool,
    pub accepted: usize,
    pub duplicates: usize,
    pub ignored: usize,
    /// Items that can never be used. Absent when there are none, which is nearly always.
    #[serde(skip_serializing_if = "is_zero")]
    pub rejected: usize,
}

fn is_zero(count: &usize) -> bool {
    *count == 0
}

/// Once this answers `Ok`, the webhook is never lost. `Error::Store` promises nothing.
pub async fn receive<P: Platform>(platform: &P, incoming: Incoming<'_>) -> Result<Received, Error> {
    let id = platform.new_id();
    let received_at = platform.now();
    let mut delivery = NewDelivery {
        id: &id,
        channel: incoming.channel.name(),
        accounts: &[],
        received_at,
        lease_until: received_at.saturating_add(LEASE_MICROS),
        headers: incoming.headers,
        query: incoming.payload.query,
        body: incoming.payload.body,
    };
    let Contents { accounts, updates } = match incoming.channel.read(incoming.payload, received_at) {
        Ok(contents) => contents,
        Err(Unreadable::TooManyItems) => return Err(Error::TooManyItems),
        Err(Unreadable::Malformed) => {
            platform.store().insert_rejected(&delivery, "unreadable").await.map_err(Error::Store)?;
            return Err(Error::Unreadable);
        }
    };
    delivery.accounts = &accounts;
    let tenants = platform.store().insert(&delivery).await.map_err(Error::Store)?;
    let mut attempt = Attempt {
        tenant: accounts.first().map_or(DEFAULT_TENANT, |account| tenants.of(account)).to_owned(),
        id: id.clone(),
        channel: incoming.channel.name(),
        number: 1,
        tenants,
        updates,
        earlier: None,
        request_id: incoming.request_id.to_owned(),
        traceparent: incoming.traceparent.to_owned(),
    };
    let mut outcomes = attempt.run(platform, left(received_at, platform.now())).await;
    let answer = answer(&outcomes);
    Ok(Received { answer, conclusion: attempt.conclude(platform.now(), &mut outcomes) })
}

/// What storing has left of the time.
fn left(since: i64, now: i64) -> Duration {
    INLINE_LIMIT.saturating_sub(Duration::from_micros(u64::try_from(now.saturating_sub(since)).unwrap_or(0)))
}

fn answer(outcomes: &Outcomes) -> Answer {
    let counts = outcomes.counts();
    Answer {
        status: "received",
        processed: outcomes.is_finished(),
        accepted: counts.accepted,
        duplicates: counts.duplicates,
        ignored: counts.ignored,
        rejected: counts.rejected,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_store_takes_from_the_time_for_the_work() {
        assert_eq!(left(0, 500_000), Duration::from_millis(1500));
        assert_eq!(left(0, 3_000_000), Duration::ZERO, "and may leave nothing");
        assert_eq!(left(5_000_000, 0), INLINE_LIMIT, "a clock that is set back gives no extra time");
    }
}
