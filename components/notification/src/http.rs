//! The REST surface, as the gateway forwards it, and what the platform POSTs.

mod actions;
mod endpoints;
mod notifications;
mod view;

use sdk::{
    Context, Outcome, Problem, Request, Router, idempotency,
    pagination::{self, Page, PageRequest},
    sql::{Driver, SqlError},
};

use crate::{
    app::{App, Platform},
    events,
    store::NEWEST,
    store::erased::ERASED,
};

const PAGE: u32 = 20;

pub fn router<D: Driver + 'static, P: Platform>() -> Router<App<D, P>> {
    Router::internal()
        .health(async |app: &App<D, P>, _| app.health().await)
        .get("/notifications", notifications::list)
        .post("/notifications/:id/read", repeatable(notifications::read))
        .get("/webhook-endpoints", endpoints::list)
        .post("/webhook-endpoints", repeatable(endpoints::create))
        .get("/webhook-endpoints/:id", endpoints::get)
        .patch("/webhook-endpoints/:id", endpoints::update)
        .delete("/webhook-endpoints/:id", endpoints::delete)
        .post("/webhook-endpoints/:id/rotate-secret", repeatable(actions::rotate_secret))
        .get("/webhook-endpoints/:id/attempts", endpoints::attempts)
        .post("/webhook-endpoints/:id/resend", repeatable(actions::resend))
        .post("/webhook-endpoints/:id/recover", repeatable(actions::recover))
        .post("/webhook-endpoints/:id/test", repeatable(actions::test))
        .platform("/events", events::take)
        .platform(sdk::erase::PATH, async |app: &App<D, P>, request| {
            sdk::erase::answer(&app.database, ERASED, &request).await
        })
}

/// Whatever has changed since (an endpoint was disabled, a network closed), the first answer to an `Idempotency-Key` is its answer.
fn repeatable<D: Driver + 'static, P: Platform>(
    act: impl AsyncFn(&App<D, P>, Request) -> Outcome + 'static,
) -> impl AsyncFn(&App<D, P>, Request) -> Outcome + 'static {
    async move |app: &App<D, P>, request: Request| match act(app, request.clone()).await {
        Err(refusal) => idempotency::first_answer_or(&app.database, &request, &*app.clock, refusal).await,
        done => done,
    }
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
