//! Going on with a run: slice by slice, each written down, by whoever holds its lease; and ending it, for nothing runs for ever.

use std::time::Duration;

use sdk::{
    Context, Micros, ids, log,
    sql::{Driver, SqlError},
};

use super::{
    Run, State, check,
    plan::Plan,
    report::{self, Faults},
    sending::{self, Results},
};
use crate::{
    app::{App, World},
    store::runs,
};

/// Renewed every few seconds: so soon another goes on when an instance has ended.
const LEASE: Micros = 20_000_000;
/// What the platform took and had not done when the last webhook was answered gets so long to appear, before it counts as lost.
const PATIENCE: Micros = 60_000_000;
/// So long our front may take nothing, or the services answer nothing.
const LONGEST_OUTAGE: Micros = 300_000_000;
/// Ten thousand messages on a slow machine take minutes.
const LONGEST_RUN: Micros = 3_600_000_000;
/// Between two looks at what has not appeared yet.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// Customers that are compared at a time: half a second's work.
const CUSTOMERS: usize = 50;

/// How a step ended.
enum Step {
    Done,
    /// There is nothing to do before some time has passed.
    Waits,
    /// It has another owner, or an end.
    Lost,
}

/// For whoever makes a run and goes on with it at once.
pub fn lease(now: Micros) -> Micros {
    now.saturating_add(LEASE)
}

/// Goes on with whatever run nobody is working on.
pub async fn round<D: Driver, W: World>(app: &App<D, W>, budget: Micros) -> Result<(), SqlError> {
    let now = app.clock.now();
    match runs::claim(&app.database, now, lease(now), &ids::new()).await? {
        Some(mut run) => {
            let plan = Plan::of(&run);
            advance(app, &mut run, &plan, now.saturating_add(budget)).await
        }
        None => Ok(()),
    }
}

/// Goes on with a run that this caller owns, until it is over or the time is up; the next one goes on from there.
pub async fn advance<D: Driver, W: World>(
    app: &App<D, W>,
    run: &mut Run,
    plan: &Plan,
    until: Micros,
) -> Result<(), SqlError> {
    let mut results = None;
    while !run.is_over() && app.clock.now() < until {
        let step = match (too_long(run, app.clock.now()), run.state) {
            (Some(reason), _) => end(app, run, State::Failed, Some(reason)).await?,
            (None, State::Sending) => send(app, run, plan).await?,
            (None, _) => {
                if results.is_none() {
                    results = Some(gathered(app, run).await?);
                }
                look(app, run, plan, results.as_ref().unwrap_or(&Results::default())).await?
            }
        };
        match step {
            Step::Done => {}
            Step::Waits => app.world.sleep(LOOK_AGAIN).await,
            Step::Lost => return Ok(()),
        }
    }
    runs::renew(&app.database, run, 0).await
}

/// Why nothing more can be expected of it.
fn too_long(run: &Run, now: Micros) -> Option<String> {
    let since = |then: Micros| now.saturating_sub(then);
    if since(run.created_at) > LONGEST_RUN {
        return Some("it was not done within an hour".to_owned());
    }
    let is_refused = run.state == State::Sending && since(run.taken_at) > LONGEST_OUTAGE;
    is_refused.then(|| "the platform's webhooks took nothing for five minutes".to_owned())
}

async fn send<D: Driver, W: World>(app: &App<D, W>, run: &mut Run, plan: &Plan) -> Result<Step, SqlError> {
    // Begun twice: the first time was cut off, and nobody knows what of it arrived.
    let begins = run.position.saturating_add(1);
    let is_repeated = run.begun == begins;
    run.begun = begins;
    if !runs::save(&app.database, run, None, lease(app.clock.now())).await? {
        return Ok(Step::Lost);
    }
    let slice = sending::slice(app, run, plan, is_repeated).await;
    run.position = run.position.saturating_add(slice.webhooks);
    if run.position >= run.webhooks {
        run.state = State::Checking;
    }
    run.updated_at = app.clock.now();
    if !slice.taken.is_empty() {
        run.taken_at = run.updated_at;
    }
    saved(runs::save(&app.database, run, Some(&slice), lease(run.updated_at)).await?)
}

fn saved(is_ours: bool) -> Result<Step, SqlError> {
    Ok(if is_ours { Step::Done } else { Step::Lost })
}

async fn gathered<D: Driver, W: World>(app: &App<D, W>, run: &Run) -> Result<Results, SqlError> {
    let slices = runs::slices(&app.database, &run.tenant, &run.id).await?;
    Ok(Results::gathered(&slices))
}

/// Compares the next customers, and with the last of them the run is done.
async fn look<D: Driver, W: World>(
    app: &App<D, W>,
    run: &mut Run,
    plan: &Plan,
    results: &Results,
) -> Result<Step, SqlError> {
    let from = usize::try_from(run.checked).unwrap_or(usize::MAX);
    let to = from.saturating_add(CUSTOMERS).min(plan.customers.len());
    let waited = app.clock.now().saturating_sub(run.updated_at);
    let found = match check::arrived(app, run, plan.customers.get(from..to).unwrap_or_default()).await {
        Ok(found) => found,
        Err(reason) if waited > LONGEST_OUTAGE => {
            return end(app, run, State::Failed, Some(format!("what arrived cannot be read: {reason}"))).await;
        }
        Err(_) => {
            runs::renew(&app.database, run, lease(app.clock.now())).await?;
            return Ok(Step::Waits);
        }
    };
    let faults = Faults::among(from..to, plan, results, &found);
    if faults.lost > 0 && waited <= PATIENCE {
        runs::renew(&app.database, run, lease(app.clock.now())).await?;
        return Ok(Step::Waits);
    }
    run.faults = run.faults.and(faults);
    run.checked = u64::try_from(to).unwrap_or(u64::MAX);
    if to < plan.customers.len() {
        return saved(runs::save(&app.database, run, None, lease(app.clock.now())).await?);
    }
    run.report = serde_json::to_string(&report::whole(plan, results, run.faults)).ok();
    end(app, run, State::Done, None).await
}

async fn end<D: Driver, W: World>(
    app: &App<D, W>,
    run: &mut Run,
    state: State,
    reason: Option<String>,
) -> Result<Step, SqlError> {
    if run.report.is_none() {
        run.report = serde_json::to_string(&report::so_far(&gathered(app, run).await?)).ok();
    }
    if let Some(reason) = &reason {
        let context = Context { tenant: run.tenant.clone(), ..Context::default() };
        log::warn(&context, "a simulated run failed", &[("run", &run.id), ("reason", reason)]);
    }
    let now = app.clock.now();
    (run.state, run.reason, run.updated_at, run.ended_at) = (state, reason, now, Some(now));
    saved(runs::save(&app.database, run, None, 0).await?)
}

/// Ends a run wherever it is; what is under way is finished, and nothing more is sent. `None` when it was over.
pub async fn cancel<D: Driver, W: World>(app: &App<D, W>, tenant: &str, id: &str) -> Result<Option<Run>, SqlError> {
    let lease = lease(app.clock.now());
    let Some(mut run) = runs::take(&app.database, tenant, id, &ids::new(), lease).await? else { return Ok(None) };
    end(app, &mut run, State::Cancelled, None).await?;
    Ok(Some(run))
}
