//! `/simulate/conversations`: the personas of a tenant, and what they said and heard.

use sdk::{
    Outcome, Problem, Request,
    pagination::{self, Page, PageRequest},
    response,
    sql::Driver,
};

use super::{PAGE, failed};
use crate::{
    app::{App, World},
    persona::Persona,
    store::{NEWEST, personas},
};

pub async fn list<D: Driver, W: World>(app: &App<D, W>, request: Request) -> Outcome {
    app.permit(&request.context).await?;
    let query = request.query()?;
    query.allow(&["limit", "cursor"])?;
    let page = PageRequest::from_query(&query, PAGE)?;
    let tenant = &request.context.tenant;
    let name = format!("simulations/{tenant}");
    let before = match &page.cursor {
        Some(cursor) => pagination::open(&name, cursor).ok_or_else(pagination::bad_cursor)?,
        None => NEWEST.to_owned(),
    };
    let rows =
        personas::list(&app.database, tenant, &before, page.limit + 1).await.map_err(failed(&request.context))?;
    let Page { items, next_cursor } = Page::cut(rows, page.limit, |last| pagination::seal(&name, &last.id));
    let items = items.iter().map(Persona::json).collect();
    pagination::list(&Page { items, next_cursor }, page.limit, &query, None)
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
