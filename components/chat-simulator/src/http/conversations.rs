//! `/simulate/conversations`: the personas of a tenant, and what they said and heard.

use sdk::{Outcome, Problem, Request, response, sql::Driver};

use super::{failed, newest::newest};
use crate::{
    app::{App, World},
    persona::Persona,
    store::personas,
};

pub async fn list<D: Driver, W: World>(app: &App<D, W>, request: Request) -> Outcome {
    app.permit(&request.context).await?;
    let rows = async |tenant: &str, before: &str, limit| personas::list(&app.database, tenant, before, limit).await;
    newest(&request, "simulations", rows, |persona| persona.id.as_str(), Persona::json).await
}

pub async fn get<D: Driver, W: World>(app: &App<D, W>, request: Request) -> Outcome {
    response::ok(&find(app, &request).await?.json())
}

/// It answers nobody by itself any more; what it said stays.
pub async fn end<D: Driver, W: World>(app: &App<D, W>, request: Request) -> Outcome {
    let mut persona = find(app, &request).await?;
    (persona.answers_left, persona.due_at) = (0, None);
    match personas::save(&app.database, &mut persona).await.map_err(failed(&request.context))? {
        true => response::no_content(),
        false => Err(Problem::conflict("the conversation went on meanwhile: ask again")),
    }
}

async fn find<D: Driver, W: World>(app: &App<D, W>, request: &Request) -> Result<Persona, Problem> {
    app.permit(&request.context).await?;
    let id = request.id("id", "conversation")?;
    let found = personas::get(&app.database, &request.context.tenant, &id).await.map_err(failed(&request.context))?;
    found.ok_or_else(|| Problem::not_found("conversation"))
}
