//! One delivery of an order: what is known of it, one attempt at most, and what is told of its end.

use sdk::{Micros, log};

use super::calling::call;
use super::delivery::{Known, Next, Outcome, Standing, Stop, Store, has_come, lease};
use super::schedule::Schedule;
use super::services::{Alias, CallError, Ended, Report, Services};
use super::settling::{Finding, ask, interrupted};
use super::target::{Aimed, Target, aim};
use super::{Order, Platform};
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

/// At most one message to a provider. An order that has ended is told again, because the telling may have been lost.
pub async fn deliver<P: Platform>(platform: &P, order: &Order) -> Result<Done, Later> {
    let now = platform.now();
    let Known { standing, is_again } = platform.store().find(order, now).await?;
    if let Standing::Ended(outcome) = standing {
        return tell(platform, order, &outcome).await;
    }
    let schedule = Schedule::read(platform).await.map_err(Later::soon)?;
    let lease = lease(schedule.patience);
    let number = match &standing {
        Standing::Ready { due, .. } if !schedule.is_due(*due, now) => {
            return Err(Later::at(*due, now, "its next attempt is not due"));
        }
        Standing::Calling { until, .. } if !has_come(*until, now, lease) => {
            return Err(Later::at(*until, now, "an attempt is under way"));
        }
        Standing::Ready { attempts, .. } | Standing::Calling { attempts, .. } => attempts + 1,
        Standing::Ended(_) => return Ok(Done::Nothing),
    };
    let (seen, doubt) = match standing {
        Standing::Ready { due, outcome, .. } => (due, outcome.and_then(|outcome| outcome.doubt_since)),
        // It began at the latest a lease before its end.
        Standing::Calling { until, outcome, .. } => (until, outcome.doubt_since.or(Some(until.saturating_sub(lease)))),
        Standing::Ended(_) => return Ok(Done::Nothing),
    };
    attempt(platform, order, &Attempt { number, is_again, seen, doubt, schedule }).await
}

/// What is known when an attempt begins.
struct Attempt {
    number: u32,
    is_again: bool,
    /// The time that the order stood with.
    seen: Micros,
    /// Since when the provider may have the message.
    doubt: Option<Micros>,
    schedule: Schedule,
}

async fn attempt<P: Platform>(platform: &P, order: &Order, attempt: &Attempt) -> Result<Done, Later> {
    let message = match platform.services().message(&order.context, &order.message_id).await {
        Ok(Some(message)) if message.is_queued => message,
        Ok(_) => return Ok(Done::Nothing),
        Err(error) => return Err(error.into()),
    };
    let Attempt { number, doubt, schedule, .. } = attempt;
    let Aimed { channel, account, target } = aim(platform, order, &message, doubt.is_some()).await?;
    let mut outcome = Outcome { channel, account, ended: None, fault: None, doubt_since: *doubt, aliases: Vec::new() };
    // Without a call nothing begins: then the attempt before is still the last one.
    let (verdict, stop, last) = match course(platform, order, target, attempt).await? {
        Course::Over(verdict) => {
            outcome.doubt_since = None;
            (verdict, None, number.saturating_sub(1))
        }
        Course::Go(target, step) => {
            let now = platform.now();
            outcome.doubt_since = doubt.or(Some(now));
            let until = now.saturating_add(lease(schedule.patience));
            if !platform.store().begin(order, *number, &outcome, until, attempt.seen).await? {
                return Err(Later::soon("another attempt is under way"));
            }
            let (verdict, aliases) = go(platform, &target, step, attempt).await;
            outcome.aliases = aliases;
            if attempt.is_again && matches!(verdict, Verdict::Sent(_)) {
                platform.store().lift(&order.context, &outcome.channel, &outcome.account).await?;
            }
            let stop = stop(platform, &target, &verdict);
            outcome.doubt_since = outcome.doubt_since.filter(|_| is_asked(&target, &verdict));
            (verdict, stop, *number)
        }
    };
    let next = conclude(order, schedule, verdict, *number, platform.now(), &mut outcome);
    platform.store().settle(order, last, &outcome, &next, stop.as_ref(), platform.now()).await?;
    match next {
        Next::Again { due } => {
            Err(Later::at(due, platform.now(), outcome.fault.map(|fault| fault.reason).unwrap_or_default()))
        }
        Next::Ended => tell(platform, order, &outcome).await,
    }
}

/// Whether it stays in doubt until the provider says more.
fn is_asked(target: &Target, verdict: &Verdict) -> bool {
    let can_be_asked = || target.provider.inquiry(&target.outgoing, &target.settings).is_some();
    matches!(verdict, Verdict::Unknown(_)) && !target.provider.is_idempotent() && can_be_asked()
}

/// What is to be done, once it is written down that it begins.
enum Course {
    /// Nothing is to be called.
    Over(Verdict),
    Go(Box<Target>, Step),
}

enum Step {
    Send(Box<http::Request<Vec<u8>>>),
    /// First it is asked whether it has the message; if not, this is to be done.
    Settle(Micros, Result<Box<http::Request<Vec<u8>>>, Failure>),
}

async fn course<P: Platform>(
    platform: &P,
    order: &Order,
    target: Result<Target, Failure>,
    attempt: &Attempt,
) -> Result<Course, Later> {
    let target = match target {
        // What was under way may have reached the provider; that it may not any more says nothing of then.
        Err(_) if attempt.doubt.is_some() => return Ok(Course::Over(Verdict::Unknown(interrupted()))),
        Err(failure) => return Ok(Course::Over(Verdict::Refused(failure))),
        Ok(target) => target,
    };
    let doubt = attempt.doubt.filter(|_| !target.provider.is_idempotent());
    if doubt.is_some() && target.provider.inquiry(&target.outgoing, &target.settings).is_none() {
        return Ok(Course::Over(Verdict::Unknown(interrupted())));
    }
    let planned = match refused(platform, order, &target, attempt.is_again).await? {
        Some(failure) => Err(failure),
        None => target.provider.plan(&target.outgoing, &target.settings),
    };
    Ok(match (doubt, planned) {
        (_, Ok(Plan::Arrived(id))) => Course::Over(Verdict::Sent(id)),
        (None, Ok(Plan::Call(request))) => Course::Go(Box::new(target), Step::Send(request)),
        (None, Err(failure)) => Course::Over(Verdict::Refused(failure)),
        (Some(since), Ok(Plan::Call(request))) => Course::Go(Box::new(target), Step::Settle(since, Ok(request))),
        (Some(since), Err(failure)) => Course::Go(Box::new(target), Step::Settle(since, Err(failure))),
    })
}

/// Why the account sends nothing. Other settings are worth another try, and so is what a person asks for.
async fn refused<P: Platform>(
    platform: &P,
    order: &Order,
    target: &Target,
    is_again: bool,
) -> Result<Option<Failure>, Later> {
    let (channel, account) = (&target.outgoing.channel, &target.outgoing.account);
    let stop = platform.store().stopped(&order.context, channel, account).await?;
    let stop = stop.filter(|stop| !is_again && stop.fingerprint == target.fingerprint());
    Ok(stop.map(|stop| Failure { code: stop.code, reason: format!("the channel is stopped: {}", stop.reason) }))
}

async fn go<P: Platform>(platform: &P, target: &Target, step: Step, attempt: &Attempt) -> (Verdict, Vec<Alias>) {
    let patience = attempt.schedule.patience;
    let request = match step {
        Step::Send(request) => request,
        Step::Settle(since, then) => match (ask(platform, target, since, patience).await, then) {
            (Finding::Taken(id), _) => return (Verdict::Sent(id), Vec::new()),
            (Finding::Unclear(failure), _) => return (Verdict::Unknown(failure), Vec::new()),
            (Finding::NeverTaken, Err(failure)) => return (Verdict::Refused(failure), Vec::new()),
            (Finding::NeverTaken, Ok(request)) => request,
        },
    };
    call(platform, target, *request, patience, attempt.number).await
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
        Verdict::Unknown(failure) => {
            match schedule.next(now, attempt, None).filter(|_| outcome.doubt_since.is_some()) {
                Some(due) => {
                    outcome.fault = Some(failure);
                    return Next::Again { due };
                }
                None => Ended::Unknown(failure),
            }
        }
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
    learn(platform, order, outcome).await?;
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

/// Before it is told that the message was sent: the answer may come at any time from then on.
async fn learn<P: Platform>(platform: &P, order: &Order, outcome: &Outcome) -> Result<(), Later> {
    if outcome.aliases.is_empty() {
        return Ok(());
    }
    match platform.services().learn(&order.context, &outcome.channel, &outcome.account, &outcome.aliases).await {
        Err(CallError::Refused(reason)) => {
            let message = &order.message_id;
            log::warn(
                &order.context,
                "a customer's other name was refused",
                &[("message", message), ("error", &reason)],
            );
            Ok(())
        }
        Err(error) => Err(error.into()),
        Ok(()) => Ok(platform.store().learned(order).await?),
    }
}
