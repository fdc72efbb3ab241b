//! One delivery of an order: what is known of it, one attempt at most, and what is told of its end.

use std::pin::pin;
use std::time::Duration;

use futures::future::{Either, select};
use sdk::{Micros, log};

use super::delivery::{Known, LEASE_MARGIN, Next, Outcome, Standing, Stop, Store};
use super::schedule::Schedule;
use super::services::{CallError, Ended, Report, Services};
use super::target::{Aimed, Target, aim};
use super::{Broken, Order, Platform};
use crate::provider::{Failure, Plan, Verdict};

/// Nothing is left to do for this order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Done {
    Ended(Ended),
    /// The message is not there, or not queued any more: somebody else has settled it.
    Nothing,
}

/// The order is to come again, not before so many seconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Later {
    pub seconds: u64,
    pub reason: String,
}

/// A service or the database did not answer.
const SOON: u64 = 1;

impl Later {
    fn soon(reason: impl Into<String>) -> Self {
        Self { seconds: SOON, reason: reason.into() }
    }

    fn at(due: Micros, now: Micros, reason: impl Into<String>) -> Self {
        let micros = u64::try_from(due.saturating_sub(now)).unwrap_or(0);
        Self { seconds: micros.div_ceil(1_000_000).max(1), reason: reason.into() }
    }
}

impl From<CallError> for Later {
    fn from(error: CallError) -> Self {
        let (CallError::Refused(reason) | CallError::Unavailable(reason)) = error;
        Self::soon(reason)
    }
}

impl From<sdk::Error> for Later {
    fn from(error: sdk::Error) -> Self {
        Self::soon(format!("the database: {error:?}"))
    }
}

/// At most one call to a provider. An order that has ended is told again, because the telling may have been lost.
pub async fn deliver<P: Platform>(platform: &P, order: &Order) -> Result<Done, Later> {
    let now = platform.now();
    let Known { standing, is_again } = platform.store().find(order, now).await?;
    match standing {
        Standing::Ended(outcome) => tell(platform, order, &outcome).await,
        Standing::Ready { due, .. } if due > now => Err(Later::at(due, now, "its next attempt is not due")),
        Standing::Calling { until, .. } if until > now => Err(Later::at(until, now, "an attempt is under way")),
        Standing::Ready { attempts, .. } => attempt(platform, order, attempts + 1, is_again, None).await,
        Standing::Calling { attempts, outcome, .. } => {
            attempt(platform, order, attempts + 1, is_again, Some(outcome)).await
        }
    }
}

/// `broken` is what an earlier attempt left that began and did not end.
async fn attempt<P: Platform>(
    platform: &P,
    order: &Order,
    number: u32,
    is_again: bool,
    broken: Option<Outcome>,
) -> Result<Done, Later> {
    let message = match platform.services().message(&order.context, &order.message_id).await {
        Ok(Some(message)) if message.is_queued => message,
        Ok(_) => return Ok(Done::Nothing),
        Err(error) => return Err(error.into()),
    };
    let Aimed { channel, account, target } = aim(platform, order, &message).await?;
    let mut outcome = Outcome { channel, account, ended: None, fault: None };
    let schedule = Schedule::read(platform).await.map_err(Later::soon)?;
    let course = course(platform, order, target, is_again, broken.is_some()).await?;
    let until = until(platform.now(), schedule.patience);
    // Without a call nothing begins: then the attempt before is still the last one.
    let (verdict, stop, last) = match course {
        Course::Over(verdict) => (verdict, None, number.saturating_sub(1)),
        Course::Call(target, request) => {
            if !platform.store().begin(order, number, &outcome, until, platform.now()).await? {
                return Err(Later::soon("another attempt is under way"));
            }
            let verdict = call(platform, &target, *request, schedule.patience, number).await;
            let stop = stop(platform, &target, &verdict);
            if is_again && matches!(verdict, Verdict::Sent(_)) {
                platform.store().lift(&order.context, &outcome.channel, &outcome.account).await?;
            }
            (verdict, stop, number)
        }
    };
    let next = conclude(order, &schedule, verdict, number, platform.now(), &mut outcome);
    platform.store().settle(order, last, &outcome, &next, stop.as_ref(), platform.now()).await?;
    match next {
        Next::Again { due } => {
            Err(Later::at(due, platform.now(), outcome.fault.map(|fault| fault.reason).unwrap_or_default()))
        }
        Next::Ended => tell(platform, order, &outcome).await,
    }
}

fn until(now: Micros, patience: Duration) -> Micros {
    now.saturating_add(i64::try_from(patience.as_micros()).unwrap_or(i64::MAX)).saturating_add(LEASE_MARGIN)
}

/// What is to be done, once it is written down that it begins.
enum Course {
    /// Nothing is to be called.
    Over(Verdict),
    Call(Box<Target>, Box<http::Request<Vec<u8>>>),
}

async fn course<P: Platform>(
    platform: &P,
    order: &Order,
    target: Result<Target, Failure>,
    is_again: bool,
    is_broken: bool,
) -> Result<Course, Later> {
    let target = match target {
        // What was under way may have reached the provider; that it may not any more says nothing of then.
        Ok(target) if is_broken && !target.provider.is_idempotent() => {
            return Ok(Course::Over(Verdict::Unknown(interrupted())));
        }
        Err(_) if is_broken => return Ok(Course::Over(Verdict::Unknown(interrupted()))),
        Err(failure) => return Ok(Course::Over(Verdict::Refused(failure))),
        Ok(target) => target,
    };
    let (channel, account) = (&target.outgoing.channel, &target.outgoing.account);
    let stop = platform.store().stopped(&order.context, channel, account).await?;
    // Other settings are worth another try, and so is what a person asks for.
    if let Some(stop) = stop.filter(|stop| !is_again && stop.fingerprint == target.fingerprint()) {
        let reason = format!("the channel is stopped: {}", stop.reason);
        return Ok(Course::Over(Verdict::Refused(Failure { code: stop.code, reason })));
    }
    Ok(match target.provider.plan(&target.outgoing, &target.settings) {
        Ok(Plan::Call(request)) => Course::Call(Box::new(target), request),
        Ok(Plan::Arrived(id)) => Course::Over(Verdict::Sent(id)),
        Err(failure) => Course::Over(Verdict::Refused(failure)),
    })
}

fn interrupted() -> Failure {
    Failure::new("interrupted", "an attempt was interrupted: the provider may have the message or not")
}

async fn call<P: Platform>(
    platform: &P,
    target: &Target,
    request: http::Request<Vec<u8>>,
    patience: Duration,
    attempt: u32,
) -> Verdict {
    let answer = pin!(platform.send(request));
    let time_is_up = pin!(platform.sleep(patience));
    let answer = match select(answer, time_is_up).await {
        Either::Left((answer, _)) => answer,
        Either::Right(_) => Err(Broken::Lost(format!("no answer within {} ms", patience.as_millis()))),
    };
    match answer {
        Ok(answer) => match target.provider.verdict(&answer, attempt) {
            Verdict::Sent(id) if id.is_empty() => Verdict::Sent(target.outgoing.message_id.clone()),
            Verdict::Unknown(failure) if target.provider.is_idempotent() => Verdict::Retry(failure, None),
            verdict => verdict,
        },
        Err(Broken::NotSent(reason)) => Verdict::Retry(Failure::new("unreachable", reason), None),
        Err(Broken::Lost(reason)) if target.provider.is_idempotent() => {
            Verdict::Retry(Failure::new("lost", reason), None)
        }
        Err(Broken::Lost(reason)) => Verdict::Unknown(Failure::new("lost", reason)),
    }
}

fn stop<P: Platform>(platform: &P, target: &Target, verdict: &Verdict) -> Option<Stop> {
    let Verdict::Stop(Failure { code, reason }) = verdict.clone() else { return None };
    Some(Stop {
        channel: target.outgoing.channel.clone(),
        channel_account_id: target.outgoing.account.clone(),
        code,
        reason,
        fingerprint: target.fingerprint(),
        stopped_at: platform.now(),
    })
}

/// Writes the verdict into the outcome; a fault that was the last one is a failure.
fn conclude(
    order: &Order,
    schedule: &Schedule,
    verdict: Verdict,
    attempt: u32,
    now: Micros,
    outcome: &mut Outcome,
) -> Next {
    let ended = match verdict {
        Verdict::Sent(id) => Ended::Sent(id),
        Verdict::Refused(failure) | Verdict::Stop(failure) => Ended::Failed(failure),
        Verdict::Unknown(failure) => Ended::Unknown(failure),
        Verdict::Retry(failure, asked) => match schedule.next(now, attempt, asked) {
            Some(due) => {
                outcome.fault = Some(failure);
                return Next::Again { due };
            }
            None => Ended::Failed(failure),
        },
    };
    if let Ended::Failed(failure) | Ended::Unknown(failure) = &ended {
        let code = failure.code.as_deref().unwrap_or_default();
        log::warn(&order.context, "a message was not sent", &[("message", &order.message_id), ("code", &code)]);
    }
    outcome.ended = Some(ended);
    Next::Ended
}

async fn tell<P: Platform>(platform: &P, order: &Order, outcome: &Outcome) -> Result<Done, Later> {
    let Some(ended) = outcome.ended.clone() else { return Ok(Done::Nothing) };
    let report = Report {
        message_id: order.message_id.clone(),
        channel: outcome.channel.clone(),
        channel_account_id: outcome.account.clone(),
        ended: ended.clone(),
    };
    match platform.services().report(&order.context, report).await {
        Ok(()) => Ok(Done::Ended(ended)),
        Err(CallError::Refused(reason)) => {
            log::error(
                &order.context,
                "a delivery could not be told",
                &[("message", &order.message_id), ("error", &reason)],
            );
            Ok(Done::Nothing)
        }
        Err(CallError::Unavailable(reason)) => Err(Later::soon(reason)),
    }
}
