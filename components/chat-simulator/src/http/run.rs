//! `POST /simulate/run`: 200 with the report when it is done in time, 202 when it goes on behind the answer; `GET /simulate/runs/{id}` has it then.

use sdk::{Input, Micros, Outcome, Problem, Request, response, sql::Driver};

use super::{
    failed,
    once::once,
    simulate::{MAX_SEED, bounded, own_tenant},
};
use crate::{
    app::{App, World},
    run::{self, MAX_CUSTOMERS, MAX_MESSAGES, Order, Run, State},
    store::runs,
};

/// The gateway waits for 15 s.
const IN_TIME: Micros = 10_000_000;

pub async fn start<D: Driver, W: World>(app: &App<D, W>, request: Request) -> Outcome {
    app.permit(&request.context).await?;
    let order = request.decode(order)?;
    own_tenant(&request.context.tenant)?;
    once(app, &request, async || {
        let failed = failed(&request.context);
        let begin = app.clock.now();
        let mut run = Run::new(&request.context.tenant, order, begin);
        if let Err(other) = runs::insert(&app.database, &run, run::lease(begin)).await.map_err(&failed)? {
            return Err(Problem::conflict(format!("a run is under way ({other}): wait until it is done")));
        }
        run::advance(app, &mut run, begin.saturating_add(IN_TIME)).await.map_err(&failed)?;
        app.is_due.set(run.state != State::Done);
        if run.state == State::Done { response::ok(&run.json()) } else { response::accepted(&run.json()) }
    })
    .await
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
    app.permit(&request.context).await?;
    let id = request.id("id", "run")?;
    let found = runs::get(&app.database, &request.context.tenant, &id).await.map_err(failed(&request.context))?;
    response::ok(&found.ok_or_else(|| Problem::not_found("run"))?.json())
}
