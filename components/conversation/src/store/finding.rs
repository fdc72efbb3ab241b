//! Lists and the search in SQL. What a customer takes part in, or a search finds, is little: its positions are read and sorted
//! here, then one page of them is fetched. Everything else is a walk along an index.

use std::collections::HashSet;

use sdk::{
    Micros,
    pagination::Keyset,
    search::{self, Prefix},
    sql::{self, Database, Driver, Row, SqlError, Value},
};

use super::{columns, conversation};
use crate::{
    domain::{Conversation, Error, Status, Store},
    finding::{Filter, MAX_SEARCHED, Search, Sort},
};

/// The index, which is not there where SQLite has no FTS5.
const INDEX: &str = "conversation_search";
/// Of all customers together; who takes part in more is better found otherwise.
const MAX_OF_CUSTOMERS: u32 = 5000;

/// `?5` to `?7` are filters that the index of a statement may serve, too; `?7`: only those that are read.
macro_rules! page {
    ($filter:literal, $place:literal) => {
        concat!(
            "SELECT ",
            columns!(),
            " FROM conversations c WHERE c.tenant_id = ?1 ",
            $filter,
            "AND (?5 IS NULL OR c.status = ?5) AND (?6 IS NULL OR c.channel = ?6) \
             AND (?7 IS NULL OR c.unread_count <= c.read_inbound) ",
            $place,
            " LIMIT ?4"
        )
    };
}

macro_rules! down {
    ($filter:literal) => {
        page!($filter, "AND (c.activity_at, c.id) < (?2, ?3) ORDER BY c.activity_at DESC, c.id DESC")
    };
}

macro_rules! up {
    ($filter:literal) => {
        page!($filter, "AND (c.activity_at, c.id) > (?2, ?3) ORDER BY c.activity_at, c.id")
    };
}

macro_rules! by_age_down {
    ($filter:literal) => {
        page!(
            $filter,
            "AND (c.created_at, c.id) < (?2, ?3) AND c.created_at >= ?8 ORDER BY c.created_at DESC, c.id DESC"
        )
    };
}

macro_rules! by_age_up {
    ($filter:literal) => {
        page!($filter, "AND (c.created_at, c.id) > (?2, ?3) AND c.created_at < ?8 ORDER BY c.created_at, c.id")
    };
}

pub mod statements {
    use super::*;

    pub const PAGE_DOWN: &str = down!("");
    pub const PAGE_UP: &str = up!("");
    pub const PAGE_OF_STATUS_DOWN: &str = down!("AND c.status = ?5 ");
    pub const PAGE_OF_STATUS_UP: &str = up!("AND c.status = ?5 ");
    pub const PAGE_OF_CHANNEL_DOWN: &str = down!("AND c.channel = ?6 ");
    pub const PAGE_OF_CHANNEL_UP: &str = up!("AND c.channel = ?6 ");
    pub const PAGE_OF_UNREAD_DOWN: &str = down!("AND c.unread_count > c.read_inbound ");
    pub const PAGE_OF_UNREAD_UP: &str = up!("AND c.unread_count > c.read_inbound ");
    pub const BY_AGE_DOWN: &str = by_age_down!("");
    pub const BY_AGE_UP: &str = by_age_up!("");
    pub const UNREAD_BY_AGE_DOWN: &str = by_age_down!("AND c.unread_count > c.read_inbound ");
    pub const UNREAD_BY_AGE_UP: &str = by_age_up!("AND c.unread_count > c.read_inbound ");
    pub const OF_CUSTOMERS: &str = "SELECT p.conversation_id FROM json_each(?2) j \
         CROSS JOIN participants p ON p.tenant_id = ?1 AND p.customer_id = j.value LIMIT ?3";
    pub const POSITIONS: &str = "SELECT c.activity_at, c.created_at, c.id FROM json_each(?2) j \
         CROSS JOIN conversations c ON c.tenant_id = ?1 AND c.id = j.value \
         WHERE (?3 IS NULL OR c.status = ?3) AND (?4 IS NULL OR c.channel = ?4) \
         AND (?5 IS NULL OR (c.unread_count > c.read_inbound) = ?5) AND c.created_at >= ?6 AND c.created_at < ?7";
    /// In the index the youngest come first without sorting. Only the exact tenant counts: the index knows words.
    pub const SEARCH: &str = "SELECT t.conversation_id FROM conversation_search s \
         CROSS JOIN conversation_texts t ON t.number = s.rowid AND t.tenant_id = ?1 \
         WHERE s.conversation_search MATCH ?2 ORDER BY s.rowid DESC LIMIT ?3";
    pub const SEARCH_SLOWLY: &str = "SELECT t.conversation_id FROM conversation_texts t WHERE t.tenant_id = ?1 \
         AND NOT EXISTS (SELECT 1 FROM json_each(?2) p WHERE t.words NOT LIKE p.value ESCAPE '\\') \
         ORDER BY t.number DESC LIMIT ?3";
}

pub(super) async fn list<D: Driver>(
    database: &Database<D>,
    tenant: &str,
    filter: &Filter,
    from: &Keyset,
    limit: u32,
) -> Result<Vec<Conversation>, Error> {
    match candidates(database, tenant, filter).await? {
        Some(ids) => page_of(database, tenant, filter, &ids, from, limit).await,
        None => walk(database, tenant, filter, from, limit).await,
    }
}

async fn walk<D: Driver>(
    database: &Database<D>,
    tenant: &str,
    filter: &Filter,
    from: &Keyset,
    limit: u32,
) -> Result<Vec<Conversation>, Error> {
    let (status, channel) = (filter.status.map(Status::as_str), filter.channel.as_deref());
    let only_read = (filter.unread == Some(false)).then_some(1_i64);
    let mut parameters: Vec<Value> = vec![
        tenant.into(),
        from.at.into(),
        (&from.id).into(),
        limit.into(),
        status.into(),
        channel.into(),
        only_read.into(),
    ];
    match filter.sort {
        Sort::CreatedDown => parameters.push(filter.period.from.into()),
        Sort::CreatedUp => parameters.push(filter.period.to.into()),
        Sort::LastMessageDown | Sort::LastMessageUp => {}
    }
    Ok(sql::many(database.execute(walking(filter), parameters).await?, conversation)?)
}

/// By the index that passes over the most.
fn walking(filter: &Filter) -> &'static str {
    let is_unread = filter.unread == Some(true);
    match (filter.sort, is_unread, filter.status, &filter.channel) {
        (Sort::CreatedDown, true, ..) => statements::UNREAD_BY_AGE_DOWN,
        (Sort::CreatedUp, true, ..) => statements::UNREAD_BY_AGE_UP,
        (Sort::CreatedDown, ..) => statements::BY_AGE_DOWN,
        (Sort::CreatedUp, ..) => statements::BY_AGE_UP,
        (Sort::LastMessageDown, true, ..) => statements::PAGE_OF_UNREAD_DOWN,
        (Sort::LastMessageUp, true, ..) => statements::PAGE_OF_UNREAD_UP,
        (Sort::LastMessageDown, _, Some(_), _) => statements::PAGE_OF_STATUS_DOWN,
        (Sort::LastMessageUp, _, Some(_), _) => statements::PAGE_OF_STATUS_UP,
        (Sort::LastMessageDown, _, None, Some(_)) => statements::PAGE_OF_CHANNEL_DOWN,
        (Sort::LastMessageUp, _, None, Some(_)) => statements::PAGE_OF_CHANNEL_UP,
        (Sort::LastMessageDown, _, None, None) => statements::PAGE_DOWN,
        (Sort::LastMessageUp, _, None, None) => statements::PAGE_UP,
    }
}

/// The conversations that may be in the list, when they are few: a customer's, or what a search finds. `None`: all of them.
async fn candidates<D: Driver>(
    database: &Database<D>,
    tenant: &str,
    filter: &Filter,
) -> Result<Option<Vec<String>>, Error> {
    let searched = match &filter.search {
        Some(search) => Some(searched(database, tenant, search).await?),
        None => None,
    };
    let Some(customer_id) = &filter.customer_id else { return Ok(searched.map(|ids| ids.into_iter().collect())) };
    let theirs = of_customers(database, tenant, std::slice::from_ref(customer_id)).await?;
    let is_found = |id: &String| searched.as_ref().is_none_or(|found| found.contains(id));
    Ok(Some(theirs.into_iter().filter(is_found).collect()))
}

async fn searched<D: Driver>(database: &Database<D>, tenant: &str, search: &Search) -> Result<HashSet<String>, Error> {
    let mut found: HashSet<String> = search.conversation_ids.iter().cloned().collect();
    if !search.customer_ids.is_empty() {
        found.extend(of_customers(database, tenant, &search.customer_ids).await?);
    }
    if !search.words.is_empty() {
        found.extend(by_subject(database, tenant, search).await?);
    }
    Ok(found)
}

async fn of_customers<D: Driver>(
    database: &Database<D>,
    tenant: &str,
    customers: &[String],
) -> Result<Vec<String>, Error> {
    let parameters = vec![tenant.into(), sql::list(customers)?, MAX_OF_CUSTOMERS.into()];
    Ok(ids(database.execute(statements::OF_CUSTOMERS, parameters).await?)?)
}

async fn by_subject<D: Driver>(database: &Database<D>, tenant: &str, search: &Search) -> Result<Vec<String>, Error> {
    let most = u32::try_from(MAX_SEARCHED).unwrap_or(u32::MAX);
    let parameters = |what: Value| vec![tenant.into(), what, most.into()];
    let what = search.words.fts(tenant, "words", Prefix::All).into();
    let rows = match database.execute(statements::SEARCH, parameters(what)).await {
        Err(error) if search::is_missing(&error, INDEX) => {
            database.execute(statements::SEARCH_SLOWLY, parameters(search.words.like_spaced()?)).await?
        }
        found => found?,
    };
    Ok(ids(rows)?)
}

fn ids(rows: Vec<Row>) -> Result<Vec<String>, SqlError> {
    sql::many(rows, |mut row| row.take())
}

async fn page_of<D: Driver>(
    database: &Database<D>,
    tenant: &str,
    filter: &Filter,
    candidates: &[String],
    from: &Keyset,
    limit: u32,
) -> Result<Vec<Conversation>, Error> {
    let (status, channel) = (filter.status.map(Status::as_str), filter.channel.as_deref());
    let unread = filter.unread.map(i64::from);
    let (from_time, to_time) = (filter.period.from.into(), filter.period.to.into());
    let parameters =
        vec![tenant.into(), sql::list(candidates)?, status.into(), channel.into(), unread.into(), from_time, to_time];
    let rows = database.execute(statements::POSITIONS, parameters).await?;
    let mut positions = sql::many(rows, |row| position(row, filter.sort))?;
    positions.sort_unstable();
    if filter.sort.is_down() {
        positions.reverse();
    }
    let start = (from.at, from.id.clone());
    let is_after = |place: &(Micros, String)| if filter.sort.is_down() { *place < start } else { *place > start };
    let page = positions.into_iter().filter(is_after).take(usize::try_from(limit).unwrap_or(usize::MAX));
    let ids: Vec<String> = page.map(|(_, id)| id).collect();
    let mut conversations = database.get_many(tenant, &ids).await?;
    conversations.sort_by_key(|c| ids.iter().position(|id| *id == c.id));
    Ok(conversations)
}

fn position(mut row: Row, sort: Sort) -> Result<(Micros, String), SqlError> {
    let (activity_at, created_at): (Micros, Micros) = (row.take()?, row.take()?);
    Ok((if sort.is_by_creation() { created_at } else { activity_at }, row.take()?))
}
