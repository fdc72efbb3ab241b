//! Lists by pages, the newest first: of what has ids that grow with time.

use sdk::{
    Outcome, Request,
    pagination::{self, Page, PageRequest},
    sql::SqlError,
};
use serde_json::Value;

use super::{PAGE, failed};
use crate::store::NEWEST;

/// `rows` reads so many before an id; `list` and the tenant name the list that a cursor is of.
pub async fn newest<T>(
    request: &Request,
    list: &str,
    rows: impl AsyncFnOnce(&str, &str, u32) -> Result<Vec<T>, SqlError>,
    id: impl Fn(&T) -> &str,
    view: impl Fn(&T) -> Value,
) -> Outcome {
    let query = request.query()?;
    query.allow(&["limit", "cursor"])?;
    let page = PageRequest::from_query(&query, PAGE)?;
    let tenant = &request.context.tenant;
    let name = format!("{list}/{tenant}");
    let before = match &page.cursor {
        Some(cursor) => pagination::open(&name, cursor).ok_or_else(pagination::bad_cursor)?,
        None => NEWEST.to_owned(),
    };
    let rows = rows(tenant, &before, page.limit + 1).await.map_err(failed(&request.context))?;
    let Page { items, next_cursor } = Page::cut(rows, page.limit, |last| pagination::seal(&name, id(last)));
    let items = items.iter().map(view).collect();
    pagination::list(&Page { items, next_cursor }, page.limit, &query, None)
}
