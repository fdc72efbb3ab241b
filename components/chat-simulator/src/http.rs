//! The REST surface, as the gateway forwards it.

mod batch;
mod conformance;
mod conversations;
mod emulator;
mod newest;
mod once;
mod run;
mod simulate;

use sdk::{
    Context, Outcome, Problem, Request, Router, response,
    sql::{Driver, SqlError},
};
use serde_json::json;

use crate::{
    app::{App, World},
    scenario,
    store::erased::ERASED,
};

const PAGE: u32 = 20;

pub fn router<D: Driver + 'static, W: World>() -> Router<App<D, W>> {
    let router = Router::internal()
        .health(async |app: &App<D, W>, _| app.health().await)
        .platform(sdk::erase::PATH, async |app: &App<D, W>, request| {
            sdk::erase::answer(&app.database, ERASED, &request).await
        })
        .post("/simulate", simulate::simulate)
        .post("/simulate/batch", batch::batch)
        .post("/simulate/run", run::start)
        .get("/simulate/runs", run::list)
        .get("/simulate/runs/:id", run::get)
        .post("/simulate/runs/:id/cancel", run::cancel)
        .get("/simulate/conformance/:channel", conformance::get)
        .post("/simulate/conformance/:channel", conformance::report)
        .get("/simulate/scenarios", scenarios)
        .get("/simulate/conversations", conversations::list)
        .get("/simulate/conversations/:id", conversations::get)
        .delete("/simulate/conversations/:id", conversations::end);
    emulator::routes(router)
}

async fn scenarios<D: Driver, W: World>(app: &App<D, W>, request: Request) -> Outcome {
    app.permit(&request.context).await?;
    request.query()?.allow(&[])?;
    let view = |scenario: &scenario::Scenario| {
        json!({
            "name": scenario.name,
            "description": scenario.description,
            "language": scenario.language,
            "turns": scenario.turns.len(),
        })
    };
    response::ok(&json!({ "data": scenario::all().map(view).collect::<Vec<_>>() }))
}

pub(crate) fn failed(context: &Context) -> impl Fn(SqlError) -> Problem {
    |error| sdk::Error::from(error).problem(context, "conversation")
}
