//! `POST /simulate/run`: 200 with the report when it is over in time, 202 when it goes on behind the answer. `/simulate/runs` has them all: how
//! far they are, then their reports; and ends one before its time.

use sdk::{Input, Micros, Outcome, Problem, Request, response, sql::Driver};

use super::{
    failed,
    newest::newest,
    once::once,
    simulate::{MAX_SEED, bounded},
};
use crate::{
    app::{App, World},
    provider::meta,
    run::{self, MAX_CUSTOMERS, MAX_MESSAGES, Order, Run, plan::Plan},
    store::runs,
};

/// The gateway waits for 15 s, and what was begun is finished.
const IN_TIME: Micros = 8_000_000;

pub async fn start<D: Driver, W: World>(app: &App<D, W>, request: Request) -> Outcome {
    app.permit(&request.context).await?;
    let order = request.decode(order)?;
    once(app, &request, async || {
        let failed = failed(&request.context);
        let begin = app.clock.now();
        let account = app.account(&request.context, meta::CHANNEL).await?;
        let mut run = Run::new(&account.tenant, &account.provider_id, order, begin);
        let plan = Plan::of(&run);
        run.webhooks = u64::try_from(plan.posts.len()).unwrap_or(u64::MAX);
        if let Err(other) = runs::insert(&app.database, &run, run::lease(begin)).await.map_err(&failed)? {
            return Err(under_way(&other, &run.tenant));
        }
        run::advance(app, &mut run, &plan, begin.saturating_add(IN_TIME)).await.map_err(&failed)?;
        // As it is now: somebody may have cancelled it meanwhile.
        let run = runs::get(&app.database, &run.tenant, &run.id).await.map_err(&failed)?.unwrap_or(run);
        app.is_due.set(!run.is_over());
        if run.is_over() { response::ok(&run.json()) } else { response::accepted(&run.json()) }
    })
    .await
}

fn under_way(other: &runs::Other, tenant: &str) -> Problem {
    if other.tenant == tenant {
        let id = &other.id;
        return Problem::conflict(format!(
            "a run is under way ({id}): wait until it is over, or POST /simulate/runs/{id}/cancel"
        ));
    }
    Problem::conflict("another tenant's run is under way, and the platform does one at a time: come again later")
}

fn order(input: &mut Input) -> Order {
    let [most_customers, most_messages] =
        [MAX_CUSTOMERS, MAX_MESSAGES].map(|most| i64::try_from(most).unwrap_or(i64::MAX));
    let chaos = input.number("chaos").unwrap_or(0.0);
    if !(0.0..=1.0).contains(&chaos) {
        input.refuse("chaos", "must be 0 to 1");
    }
    Order {
        customers: bounded(input, "customers", 1, most_customers, 50),
        messages: bounded(input, "messages", 1, most_messages, 500),
        chaos: thousandths(chaos),
        seed: bounded(input, "seed", 0, MAX_SEED, 0),
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "what is out of bounds was refused, and a cast saturates"
)]
fn thousandths(chance: f64) -> u32 {
    (chance * 1000.0).round() as u32
}

pub async fn get<D: Driver, W: World>(app: &App<D, W>, request: Request) -> Outcome {
    response::ok(&find(app, &request).await?.json())
}

async fn find<D: Driver, W: World>(app: &App<D, W>, request: &Request) -> Result<Run, Problem> {
    app.permit(&request.context).await?;
    let id = request.id("id", "run")?;
    let found = runs::get(&app.database, &request.context.tenant, &id).await.map_err(failed(&request.context))?;
    found.ok_or_else(|| Problem::not_found("run"))
}

pub async fn list<D: Driver, W: World>(app: &App<D, W>, request: Request) -> Outcome {
    app.permit(&request.context).await?;
    let rows = async |tenant: &str, before: &str, limit| runs::list(&app.database, tenant, before, limit).await;
    newest(&request, "runs", rows, |run| run.id.as_str(), Run::json).await
}

/// A run that is over stays as it is: who cancels twice is answered twice alike.
pub async fn cancel<D: Driver, W: World>(app: &App<D, W>, request: Request) -> Outcome {
    app.permit(&request.context).await?;
    once(app, &request, async || {
        let found = find(app, &request).await?;
        let cancelled = run::cancel(app, &found.tenant, &found.id).await.map_err(failed(&request.context))?;
        match cancelled {
            Some(run) => response::ok(&run.json()),
            None => response::ok(&find(app, &request).await?.json()),
        }
    })
    .await
}
