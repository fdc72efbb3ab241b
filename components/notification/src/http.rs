//! The REST surface, as the gateway forwards it, and what the platform POSTs.

mod actions;
mod endpoints;
mod notifications;
mod view;

use sdk::{
    Context, Problem, Router,
    pagination::{self, Page, PageRequest},
    sql::{Driver, SqlError},
};

use crate::{
    app::{App, Platform},
    events,
    store::NEWEST,
};

const PAGE: u32 = 20;

pub fn router<D: Driver + 'static, P: Platform>() -> Router<App<D, P>> {
    Router::internal()
        .get("/notifications", notifications::list)
        .post("/notifications/:id/read", notifications::read)
        .get("/webhook-endpoints", endpoints::list)
        .post("/webhook-endpoints", endpoints::create)
        .get("/webhook-endpoints/:id", endpoints::get)
        .patch("/webhook-endpoints/:id", endpoints::update)
        .delete("/webhook-endpoints/:id", endpoints::delete)
        .post("/webhook-endpoints/:id/rotate-secret", actions::rotate_secret)
        .get("/webhook-endpoints/:id/attempts", endpoints::attempts)
        .post("/webhook-endpoints/:id/resend", actions::resend)
        .post("/webhook-endpoints/:id/recover", actions::recover)
        .post("/webhook-endpoints/:id/test", actions::test)
        .platform("/events", events::take)
}

/// The id below which a page begins.
fn before(list: &str, page: &PageRequest) -> Result<String, Problem> {
    match &page.cursor {
        Some(cursor) => pagination::open(list, cursor).ok_or_else(pagination::bad_cursor),
        None => Ok(NEWEST.to_owned()),
    }
}

/// A page of rows that are ordered by id.
fn cut<T>(list: &str, rows: Vec<T>, page: &PageRequest, id: impl Fn(&T) -> &str) -> Page<T> {
    Page::cut(rows, page.limit, |last| pagination::seal(list, id(last)))
}

fn failed(context: &Context) -> impl Fn(SqlError) -> Problem {
    |error| sdk::Error::from(error).problem(context, "resource")
}
