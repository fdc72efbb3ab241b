//! The tick: finishes what was left unfinished, and forgets what is old.

use std::time::Duration;

use futures::future::join_all;
use sdk::Clock;
use serde::Serialize;

use super::attempt::Attempt;
use super::authority::Grants;
use super::delivery::{Claimed, Conclusion, LEASE_MICROS, MAX_ATTEMPTS, State, Store};
use super::files::Files;
use super::outcome::{Item, Outcome, Outcomes};
use super::{Error, Platform};
use crate::accounts::Accounts;
use crate::attachments::Queue;
use crate::channel::{self, Contents, Payload};

/// One attempt of the tick. A third of the lease, so that nobody takes over what is still being worked on.
const ATTEMPT_LIMIT: Duration = Duration::from_secs(20);
/// Deliveries worked on at once: their bodies (3 MiB at most) are in memory together.
const AT_ONCE: u32 = 4;
/// No new deliveries are claimed after this; the next tick comes five seconds after this one.
const CLAIM_MICROS: i64 = 4 * 1_000_000;
/// Rows whose time is mended at once.
const MENDED_ROWS: u32 = 1000;

/// Files whose webhook was not stored within this time never will be: a request takes minutes at most.
const UPLOAD_MICROS: i64 = 3600 * 1_000_000;
const SWEEP_UPLOADS: u32 = 50;

#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    pub finished: u32,
    pub postponed: u32,
    pub failed: u32,
    pub swept: u64,
}

/// How long deliveries are kept, in microseconds.
#[derive(Clone, Copy, Debug)]
pub struct Retention {
    /// Those that are done, or could not be read.
    pub finished: i64,
    pub failed: i64,
}

/// Works through what is due, then deletes what is old.
pub async fn tick<P: Platform>(platform: &P, retention: Retention) -> Result<Report, Error> {
    let mut report = Report::default();
    let started = platform.now();
    platform.store().mend(started, MENDED_ROWS).await.map_err(Error::Store)?;
    platform.store().mend_wanted(started, MENDED_ROWS).await.map_err(Error::Store)?;
    platform.fetch_later();
    while platform.now().saturating_sub(started) < CLAIM_MICROS {
        let now = platform.now();
        let claimed = platform.store().claim(now, now.saturating_add(LEASE_MICROS), AT_ONCE).await;
        let claimed = claimed.map_err(Error::Store)?;
        if claimed.is_empty() {
            break;
        }
        for state in join_all(claimed.into_iter().map(|delivery| redo(platform, delivery))).await {
            match state? {
                State::Done => report.finished += 1,
                State::Pending { .. } => report.postponed += 1,
                State::Failed => report.failed += 1,
            }
        }
    }
    report.swept = sweep(platform, retention).await.map_err(Error::Store)?;
    Ok(report)
}

async fn sweep<P: Platform>(platform: &P, retention: Retention) -> Result<u64, String> {
    let (store, clock, now) = (platform.store(), Now(platform), platform.now());
    let finished = now.saturating_sub(retention.finished);
    let failed = now.saturating_sub(retention.failed);
    let swept = sdk::sweep::sweep(&clock, async |rows| store.sweep(finished, rows).await).await?
        + sdk::sweep::sweep(&clock, async |rows| store.sweep_failed(failed, rows).await).await?;
    sdk::sweep::sweep(&clock, async |rows| store.sweep_wanted(finished, rows).await).await?;
    let uploads = now.saturating_sub(UPLOAD_MICROS);
    // A whole step of these is as much as a step of rows.
    let step = async |rows: u32| -> Result<u64, String> {
        let gone = store.sweep_files(uploads, SWEEP_UPLOADS).await?;
        Ok(if gone < SWEEP_UPLOADS.into() { 0 } else { rows.into() })
    };
    sdk::sweep::sweep(&clock, step).await?;
    Ok(swept)
}

/// The platform's clock.
struct Now<'a, P>(&'a P);

impl<P: Platform> Clock for Now<'_, P> {
    fn now(&self) -> i64 {
        self.0.now()
    }
}

async fn redo<P: Platform>(platform: &P, delivery: Claimed) -> Result<State, Error> {
    let channel = channel::find(&delivery.channel);
    let payload = Payload { body: &delivery.body, query: &delivery.query };
    let contents =
        channel.and_then(|channel| Some((channel.name(), channel.read(payload, delivery.received_at).ok()?)));
    let conclusion = match contents {
        Some((channel, contents)) => again(platform, &delivery, channel, contents).await?,
        None => unreadable(&delivery),
    };
    platform.store().conclude(&conclusion).await.map_err(Error::Store)?;
    Ok(conclusion.state)
}

async fn again<P: Platform>(
    platform: &P,
    delivery: &Claimed,
    channel: &'static str,
    mut contents: Contents,
) -> Result<Conclusion, Error> {
    let grants = match delivery.grants.as_deref().and_then(Grants::from_json) {
        Some(grants) => grants,
        None => owners(platform, channel, &contents.accounts).await?,
    };
    grants.apply(&mut contents.updates);
    let mut attempt = Attempt {
        tenant: delivery.tenant.clone(),
        id: delivery.id.clone(),
        channel,
        number: delivery.attempts,
        grants,
        updates: contents.updates,
        earlier: delivery.outcome.as_deref().and_then(Outcomes::from_json),
        request_id: delivery.id.clone(),
        traceparent: String::new(),
    };
    // The last attempt was interrupted (a crash, most likely its own): another one would only crash again.
    let limit = if delivery.attempts > MAX_ATTEMPTS { Duration::ZERO } else { ATTEMPT_LIMIT };
    let mut outcomes = attempt.run(platform, limit).await;
    Ok(attempt.conclude(platform.now(), &mut outcomes))
}

/// Of a delivery that was stored before its grants were.
async fn owners<P: Platform>(platform: &P, channel: &str, accounts: &[String]) -> Result<Grants, Error> {
    let owners = platform.store().named(channel, accounts).await;
    owners.map(Grants::of_owners).map_err(|error| Error::Store(format!("{error:?}")))
}

/// It could be read when it was stored. Whatever has changed since, no further attempt will help.
fn unreadable(delivery: &Claimed) -> Conclusion {
    let reason = Some("no_longer_readable".to_owned());
    let whole = Item { at: String::new(), id: None, outcome: Some(Outcome::Failed), reason, unfinished: None };
    Conclusion {
        tenant: delivery.tenant.clone(),
        id: delivery.id.clone(),
        attempt: delivery.attempts,
        state: State::Failed,
        outcome: Outcomes(vec![whole]).to_json(),
    }
}
