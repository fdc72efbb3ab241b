//! The table `api_logs`.

use sdk::Micros;
use sdk::pagination::Keyset;
use sdk::sql::{Database, Driver, Row, SqlError, Value};

use crate::logs::Entry;

/// Rows in one statement, so that a batch waits for the disk once: a tenth of SQLite's limit of parameters.
const ROWS: usize = 200;
/// Rows that one sweep takes away, so that it never holds the writer for long.
const SWEPT: u32 = 5000;

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
        AND (?6 IS NULL OR substr(path, 1, length(?6)) = ?6)
        AND created_at >= coalesce(?7, created_at) AND created_at < coalesce(?8, created_at + 1)
    ORDER BY created_at DESC, id DESC LIMIT ?9";

pub const SWEEP: &str = "\
    DELETE FROM api_logs WHERE (tenant_id, id) IN
        (SELECT tenant_id, id FROM api_logs WHERE created_at < ? ORDER BY created_at LIMIT ?)";

/// What a list is asked for.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    pub method: Option<String>,
    pub status: Option<u16>,
    /// The beginning of the path.
    pub path: Option<String>,
    pub from: Option<Micros>,
    pub to: Option<Micros>,
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
    after: &Keyset,
    limit: u32,
) -> Result<Vec<Entry>, SqlError> {
    let parameters = vec![
        tenant.into(),
        after.at.into(),
        (&after.id).into(),
        filter.method.clone().into(),
        filter.status.into(),
        filter.path.clone().into(),
        filter.from.into(),
        filter.to.into(),
        (limit + 1).into(),
    ];
    let rows = tables.execute(LIST, parameters).await?;
    rows.into_iter().map(|row| read(tenant, row)).collect()
}

pub async fn sweep<D: Driver>(tables: &Database<D>, before: Micros) -> Result<(), SqlError> {
    tables.execute(SWEEP, vec![before.into(), SWEPT.into()]).await.map(|_| ())
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
