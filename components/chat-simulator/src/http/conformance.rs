//! `/simulate/conformance/{channel}`: `POST` tries the adapter now, `GET` has the newest report.

use sdk::{Outcome, Problem, Request, response, sql::Driver};

use super::{failed, once::once};
use crate::{
    app::{App, World},
    conformance,
    store::conformance as reports,
};

pub async fn report<D: Driver, W: World>(app: &App<D, W>, request: Request) -> Outcome {
    app.permit(&request.context).await?;
    let channel = conformance::channel(request.param("channel"))?;
    once(app, &request, async || {
        let tenant = &request.context.tenant;
        let report = conformance::report(app, &request.context, channel).await?;
        let saved = reports::save(&app.database, tenant, channel, &report.to_string(), app.clock.now()).await;
        saved.map_err(failed(&request.context))?;
        response::ok(&report)
    })
    .await
}

pub async fn get<D: Driver, W: World>(app: &App<D, W>, request: Request) -> Outcome {
    app.permit(&request.context).await?;
    let channel = conformance::channel(request.param("channel"))?;
    let found =
        reports::get(&app.database, &request.context.tenant, channel).await.map_err(failed(&request.context))?;
    let found = found.ok_or_else(|| Problem::not_found("report: POST makes one"))?;
    response::ok(&response::raw_object(found))
}
