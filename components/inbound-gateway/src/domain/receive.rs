//! A signed webhook comes in: stored first, then worked on for at most two seconds, then answered.

use std::time::Duration;

use sdk::{Context, log};
use serde::Serialize;

use super::attempt::Attempt;
use super::authority::{Authority, MAX_ACCOUNTS, establish};
use super::delivery::{Conclusion, LEASE_MICROS, NewDelivery, Store};
use super::files::{Carried, Keeping};
use super::outcome::Outcomes;
use super::{Error, Platform};
use crate::accounts;
use crate::channel::{Channel, Contents, Payload, Unreadable};

/// Providers give up after about five seconds; what takes longer than two goes on by itself.
pub const INLINE_LIMIT: Duration = Duration::from_secs(2);

/// How often a webhook is checked anew because its accounts have changed meanwhile.
const MAX_CHECKS: u32 = 4;

/// A webhook as it came: nothing is known of its sender yet.
pub struct Incoming<'a> {
    pub channel: &'static dyn Channel,
    pub payload: Payload<'a>,
    /// Whether who sent it knows this secret.
    pub is_signed_with: &'a dyn Fn(&str) -> bool,
    pub files: Carried,
    /// A JSON object.
    pub headers: &'a str,
    pub request_id: &'a str,
    pub traceparent: &'a str,
}

/// A webhook that was taken: what to answer, and what to write down (before or after the answer).
pub struct Received {
    pub answer: Answer,
    /// Items whose account its signer does not speak for: they are not acknowledged, so that the provider repeats them.
    pub refused: usize,
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
    let mut incoming = incoming;
    let files = std::mem::take(&mut incoming.files);
    let id = if let Carried::Staged(id) = &files { id.clone() } else { platform.new_id() };
    let files = Keeping::of(platform, &id, files);
    let received = take(platform, &incoming, &id, &files).await;
    if received.is_err() {
        files.drop().await;
    }
    received
}

async fn take<P: Platform>(
    platform: &P,
    incoming: &Incoming<'_>,
    id: &str,
    files: &Keeping<'_, P>,
) -> Result<Received, Error> {
    let received_at = platform.now();
    // The body says whose secret signs it, so it is read before that is checked; nothing else is done with it before.
    let read = incoming.channel.read(incoming.payload, received_at).and_then(bounded);
    let arrival = Arrival { platform, incoming, id, received_at, files };
    let (authority, mut contents) = match read {
        Ok(contents) => (arrival.store(&contents).await?, contents),
        Err(Unreadable::TooManyItems) => {
            establish(platform, incoming, None, true).await?;
            return Err(Error::TooManyItems);
        }
        Err(Unreadable::Malformed) => {
            arrival.store_rejected("unreadable").await?;
            return Err(Error::Unreadable);
        }
    };
    let refused = authority.grants.apply(&mut contents.updates);
    verify(platform, &authority.proven, incoming.request_id).await;
    let mut attempt = Attempt {
        tenant: authority.tenant,
        id: id.to_owned(),
        channel: incoming.channel.name(),
        number: 1,
        grants: authority.grants,
        updates: contents.updates,
        earlier: None,
        request_id: incoming.request_id.to_owned(),
        traceparent: incoming.traceparent.to_owned(),
    };
    let mut outcomes = attempt.run(platform, left(received_at, platform.now())).await;
    let answer = answer(&outcomes);
    Ok(Received { answer, refused, conclusion: attempt.conclude(platform.now(), &mut outcomes) })
}

/// The delivery is stored whatever comes of this: the next one that its signer sends verifies the claim.
async fn verify<P: Platform>(platform: &P, proven: &[(String, String)], request_id: &str) {
    for (tenant, id) in proven {
        if let Err(error) = accounts::Accounts::verify(platform.store(), tenant, id, platform.now()).await {
            let context = Context { request_id: request_id.to_owned(), ..Context::default() };
            log::warn(&context, "a claim could not be verified", &[("account", id), ("reason", &format!("{error:?}"))]);
        }
    }
}

fn bounded(contents: Contents) -> Result<Contents, Unreadable> {
    if contents.accounts.len() > MAX_ACCOUNTS { Err(Unreadable::TooManyItems) } else { Ok(contents) }
}

/// A webhook between its signature and its row.
struct Arrival<'a, P> {
    platform: &'a P,
    incoming: &'a Incoming<'a>,
    id: &'a str,
    received_at: i64,
    files: &'a Keeping<'a, P>,
}

impl<P: Platform> Arrival<'_, P> {
    async fn store(&self, contents: &Contents) -> Result<Authority, Error> {
        self.checked(Some(contents), async |delivery| self.platform.store().insert(delivery).await).await
    }

    async fn store_rejected(&self, why: &str) -> Result<Authority, Error> {
        self.checked(None, async |delivery| self.platform.store().insert_rejected(delivery, why).await).await
    }

    /// Checks the signature by what is remembered of the accounts, and again by what they are now where that may be why it does not fit.
    async fn checked(
        &self,
        contents: Option<&Contents>,
        insert: impl AsyncFn(&NewDelivery<'_>) -> Result<bool, String>,
    ) -> Result<Authority, Error> {
        let mut fresh = false;
        for _ in 0..MAX_CHECKS {
            let authority = match establish(self.platform, self.incoming, contents, fresh).await {
                Err(Error::Unsigned) if !fresh => {
                    fresh = true;
                    continue;
                }
                established => established?,
            };
            let grants = authority.grants.to_json();
            self.files.keep(&authority.tenant).await.map_err(Error::Store)?;
            if insert(&self.delivery(contents, &authority, &grants)).await.map_err(Error::Store)? {
                // If not, the sweep finds that the delivery is there.
                let _ = self.files.settle().await;
                return Ok(authority);
            }
            fresh = true;
        }
        Err(Error::Store("the accounts of a webhook kept changing".to_owned()))
    }

    fn delivery<'d>(
        &'d self,
        contents: Option<&'d Contents>,
        authority: &'d Authority,
        grants: &'d str,
    ) -> NewDelivery<'d> {
        NewDelivery {
            id: self.id,
            channel: self.incoming.channel.name(),
            tenant: &authority.tenant,
            account: contents.and_then(|contents| contents.accounts.first()).map(String::as_str),
            grants,
            versions: &authority.versions,
            received_at: self.received_at,
            lease_until: self.received_at.saturating_add(LEASE_MICROS),
            headers: self.incoming.headers,
            query: self.incoming.payload.query,
            body: self.incoming.payload.body,
        }
    }
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
