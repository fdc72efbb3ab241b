//! `/notifications`

use sdk::{
    Outcome, Problem, Request,
    idempotency::answer_once,
    pagination::{self, Page, PageRequest},
    response,
    sql::Driver,
};

use super::{PAGE, before, cut, failed, view::NotificationView};
use crate::{
    app::{App, Platform},
    store::notifications::{self, Notification},
};

pub async fn list<D: Driver, P: Platform>(app: &App<D, P>, request: Request) -> Outcome {
    request.context.require("notifications:read")?;
    let query = request.query()?;
    query.allow(&["unread", "limit", "cursor"])?;
    let unread = match query.get("unread") {
        None => None,
        Some("true" | "1") => Some(true),
        Some("false" | "0") => Some(false),
        Some(_) => return Err(Problem::invalid_field("?unread", "must be true or false")),
    };
    let page = PageRequest::from_query(&query, PAGE)?;
    let tenant = &request.context.tenant;
    let name = format!("notifications/{tenant}/{unread:?}");
    let from = before(&name, &page)?;
    let rows = notifications::list(&app.database, tenant, unread, &from, page.limit + 1).await;
    let Page { items, next_cursor } = cut(&name, rows.map_err(failed(&request.context))?, &page, |row| &row.id);
    let items: Vec<NotificationView> = items.into_iter().map(Into::into).collect();
    pagination::list(&Page { items, next_cursor }, page.limit, &query, None)
}

/// Reading twice is no mistake: the first time stays.
pub async fn read<D: Driver, P: Platform>(app: &App<D, P>, request: Request) -> Outcome {
    request.context.require("notifications:write")?;
    let id = request.id("id", "notification")?;
    let (context, now) = (&request.context, app.clock.now());
    answer_once(
        &request,
        |read: &Notification| response::ok(&NotificationView::from(read.clone())),
        async |once| notifications::read(&app.database, &context.tenant, &id, now, once).await,
        |error| error.problem(context, "notification"),
    )
    .await
}
