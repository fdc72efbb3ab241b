//! The table `api_logs`.

use sdk::Micros;
use sdk::pagination::Keyset;
use sdk::sql::{Database, Driver, Row, SqlError, Value};

use super::steps::until_done;
use crate::logs::Entry;

/// Rows in one statement, so that a batch waits for the disk once: a tenth of SQLite's limit of parameters.
const ROWS: usize = 200;

const COLUMNS: &str = "id, method, path, query_params, request_body, response_body, status_code, duration_ms, ip_address, \
                       principal, request_id, trace_id, created_at";

pub const GET: &str = "\
    SELECT id, method, path, query_params, request_body, response_body, status_code, duration_ms, ip_address,
        principal, request_id, trace_id, created_at
    FROM api_logs WHERE tenant_id = ? AND id = ?";

/// What is null filters nothing.
pub const LIST: &str = "\
    SELECT id, method, path, query_params, request_body, response_body, status_code, duration_ms, ip_address,
        principal, request_id, trace_id, created_at
    FROM api_logs
    WHERE tenant_id = ?1 AND (created_at, id) < (?2, ?3)
        AND (?4 IS NULL OR method = ?4) AND (?5 IS NULL OR status_code = ?5)
        AND (?6 IS NULL OR instr(path, ?6) > 0)
        AND created_at >= coalesce(?7, created_at) AND created_at < coalesce(?8, created_at + 1)
    ORDER BY created_at DESC, id DESC LIMIT ?9 OFFSET ?10";

pub const SWEEP: &str = "\
    DELETE FROM api_logs WHERE (tenant_id, id) IN
        (SELECT tenant_id, id FROM api_logs WHERE created_at < ? ORDER BY created_at LIMIT ?) RETURNING 1";

pub const COUNT_SINCE: &str = "\
    SELECT count(*) FROM (SELECT 1 FROM api_logs WHERE tenant_id = ? AND created_at > ? LIMIT ?)";

/// Goes from one tenant to the next in the index, whatever lies between.
pub const TENANTS: &str = "\
    WITH RECURSIVE found(tenant) AS (
        SELECT min(tenant_id) FROM api_logs
        UNION ALL
        SELECT (SELECT min(tenant_id) FROM api_logs WHERE tenant_id > tenant) FROM found WHERE tenant IS NOT NULL)
    SELECT tenant FROM found WHERE tenant IS NOT NULL";

/// When the newest entry was made that is one too many.
pub const TOO_MANY_AT: &str = "\
    SELECT created_at FROM api_logs WHERE tenant_id = ? ORDER BY created_at DESC LIMIT 1 OFFSET ?";

pub const SWEEP_TENANT: &str = "\
    DELETE FROM api_logs WHERE tenant_id = ?1 AND id IN
        (SELECT id FROM api_logs WHERE tenant_id = ?1 AND created_at <= ?2 ORDER BY created_at LIMIT ?3) RETURNING 1";

/// What a list is asked for.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    pub method: Option<String>,
    pub status: Option<u16>,
    /// A part of the path.
    pub path: Option<String>,
    pub from: Option<Micros>,
    pub to: Option<Micros>,
}

/// Where a page begins, and how long it is.
pub struct Place<'a> {
    pub after: &'a Keyset,
    /// Entries after that which are not in it.
    pub skipped: u32,
    pub limit: u32,
}

/// In statements of as many rows as there are, so that a busy gateway's are nearly all the same one.
pub async fn insert<D: Driver>(tables: &Database<D>, entries: &[Entry]) -> Result<(), SqlError> {
    for entries in entries.chunks(ROWS) {
        let rows = vec!["(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"; entries.len()].join(", ");
        let statement = format!("INSERT INTO api_logs (tenant_id, {COLUMNS}) VALUES {rows} ON CONFLICT DO NOTHING");
        tables.execute(&statement, entries.iter().flat_map(parameters).collect()).await?;
    }
    Ok(())
}

fn parameters(entry: &Entry) -> [Value; 14] {
    [
        (&entry.tenant).into(),
        (&entry.id).into(),
        (&entry.method).into(),
        (&entry.path).into(),
        entry.query_params.as_deref().into(),
        entry.request_body.as_deref().into(),
        entry.response_body.as_deref().into(),
        entry.status.into(),
        entry.duration_ms.into(),
        entry.ip_address.as_deref().into(),
        entry.principal.as_deref().into(),
        (&entry.request_id).into(),
        (&entry.trace_id).into(),
        entry.created_at.into(),
    ]
}

pub async fn get<D: Driver>(tables: &Database<D>, tenant: &str, id: &str) -> Result<Option<Entry>, SqlError> {
    let rows = tables.execute(GET, vec![tenant.into(), id.into()]).await?;
    rows.into_iter().next().map(|row| read(tenant, row)).transpose()
}

/// One more than `limit`, when there are more.
pub async fn list_page<D: Driver>(
    tables: &Database<D>,
    tenant: &str,
    filter: &Filter,
    place: &Place<'_>,
) -> Result<Vec<Entry>, SqlError> {
    let parameters = vec![
        tenant.into(),
        place.after.at.into(),
        (&place.after.id).into(),
        filter.method.clone().into(),
        filter.status.into(),
        filter.path.clone().into(),
        filter.from.into(),
        filter.to.into(),
        (place.limit + 1).into(),
        place.skipped.into(),
    ];
    let rows = tables.execute(LIST, parameters).await?;
    rows.into_iter().map(|row| read(tenant, row)).collect()
}

/// Entries of a tenant since then; no more than `enough` are counted.
pub async fn count_since<D: Driver>(
    tables: &Database<D>,
    tenant: &str,
    since: Micros,
    enough: usize,
) -> Result<usize, SqlError> {
    let enough = i64::try_from(enough).unwrap_or(i64::MAX);
    let rows = tables.execute(COUNT_SINCE, vec![tenant.into(), since.into(), enough.into()]).await?;
    let count: i64 = rows.into_iter().next().map(|mut row| row.take()).transpose()?.unwrap_or_default();
    Ok(usize::try_from(count).unwrap_or_default())
}

/// Whose entries there are.
pub async fn tenants<D: Driver>(tables: &Database<D>) -> Result<Vec<String>, SqlError> {
    tables.execute(TENANTS, Vec::new()).await?.into_iter().map(|mut row| row.take()).collect()
}

/// What is older than the newest `max` of a tenant's goes.
pub async fn keep_newest<D: Driver>(tables: &Database<D>, tenant: &str, max: u32) -> Result<(), SqlError> {
    let rows = tables.execute(TOO_MANY_AT, vec![tenant.into(), max.into()]).await?;
    let Some(mut row) = rows.into_iter().next() else { return Ok(()) };
    let at: Micros = row.take()?;
    until_done(tables, SWEEP_TENANT, &[tenant.into(), at.into()]).await
}

fn read(tenant: &str, mut row: Row) -> Result<Entry, SqlError> {
    Ok(Entry {
        tenant: tenant.to_owned(),
        id: row.take()?,
        method: row.take()?,
        path: row.take()?,
        query_params: row.take()?,
        request_body: row.take()?,
        response_body: row.take()?,
        status: row.take()?,
        duration_ms: row.take()?,
        ip_address: row.take()?,
        principal: row.take()?,
        request_id: row.take()?,
        trace_id: row.take()?,
        created_at: row.take()?,
    })
}
