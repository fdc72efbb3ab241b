//! A deleted tenant's rows go from every table of a service, in steps that never hold the writer for long.
//!
//! The gateway asks a service with [`PATH`] until nothing is left. A service lists its tables in `store.rs` and gives the route:
//!
//! ```ignore
//! pub const ERASED: &[Table] = &[Table::new("customers", "tenant_id, id"), sdk::erase::IDEMPOTENCY];
//! Router::internal().erasing(ERASED)
//! ```

use serde_json::json;

use crate::{
    App, Context, Outcome, Problem, Request, Router, log, response,
    sql::{Database, Driver, Execute, SqlError, Value},
};

/// Asked by the gateway for a tenant that is deleted: `{"removed": n, "done": false}` when there may be more.
pub const PATH: &str = "/internal/tenants/:tenant/erase";

/// Rows of one table that a step takes away: some 20 ms of the writer's time.
const STEP: i64 = 2000;

/// A table with rows of tenants.
#[derive(Clone, Copy, Debug)]
pub struct Table {
    pub name: &'static str,
    /// The columns of its primary key, separated by commas.
    pub key: &'static str,
    /// Runs before a step, in its transaction, with the tenant and the number of rows: for what no trigger does.
    pub before: Option<&'static str>,
    /// The same, after it.
    pub after: Option<&'static str>,
}

/// The tables of the SDK's own migrations.
pub const IDEMPOTENCY: Table = Table::new("idempotency_keys", "tenant_id, principal, key");
pub const CONSUMED: Table = Table::new("consumed_events", "tenant_id, source, event_id");
/// What was refused. Events that have not left yet stay: their readers end what they know of the tenant themselves.
pub const REFUSED: Table = Table::new("outbox_refused", "tenant_id, event_id");

impl Table {
    pub const fn new(name: &'static str, key: &'static str) -> Self {
        Self { name, key, before: None, after: None }
    }

    #[must_use]
    pub const fn before(self, statement: &'static str) -> Self {
        Self { before: Some(statement), ..self }
    }

    #[must_use]
    pub const fn after(self, statement: &'static str) -> Self {
        Self { after: Some(statement), ..self }
    }

    /// In the order of the key, so that [`Self::before`] can name the same rows.
    pub fn statement(&self) -> String {
        let Self { name, key, .. } = self;
        format!(
            "DELETE FROM {name} WHERE tenant_id = ?1 AND ({key}) IN \
             (SELECT {key} FROM {name} WHERE tenant_id = ?1 ORDER BY {key} LIMIT ?2) RETURNING 1"
        )
    }
}

/// One step of each table. The number of rows that went, and whether nothing is left.
pub async fn step<D: Driver>(tables: &Database<D>, tenant: &str, erased: &[Table]) -> Result<(i64, bool), SqlError> {
    let (mut removed, mut is_done) = (0, true);
    for table in erased {
        let rows = step_of(tables, tenant, table).await?;
        removed += rows;
        is_done &= rows < STEP;
    }
    Ok((removed, is_done))
}

async fn step_of<D: Driver>(tables: &Database<D>, tenant: &str, table: &Table) -> Result<i64, SqlError> {
    let parameters: Vec<Value> = vec![tenant.into(), STEP.into()];
    let work = async |transaction: &D::Connection| -> Result<usize, SqlError> {
        if let Some(before) = table.before {
            transaction.execute(before, parameters.clone()).await?;
        }
        let removed = transaction.execute(&table.statement(), parameters.clone()).await?.len();
        if let Some(after) = table.after {
            transaction.execute(after, parameters.clone()).await?;
        }
        Ok(removed)
    };
    let rows = tables.transaction(work).await?;
    Ok(i64::try_from(rows).unwrap_or(i64::MAX))
}

/// For a service whose store is its database alone.
impl<D: Driver + 'static> Router<App<Database<D>>> {
    #[must_use]
    pub fn erasing(self, erased: &'static [Table]) -> Self {
        self.platform(PATH, async |app: &App<Database<D>>, request| answer(&app.store, erased, &request).await)
    }
}

/// Answers [`PATH`].
pub async fn answer<D: Driver>(tables: &Database<D>, erased: &[Table], request: &Request) -> Outcome {
    let tenant = request.param("tenant");
    if tenant.is_empty() || tenant.starts_with(['*', '-']) {
        return Err(Problem::not_found("tenant"));
    }
    let (removed, done) = step(tables, tenant, erased).await.map_err(|error| {
        log::error(&Context::default(), "failed to remove a deleted tenant's rows", &[("reason", &error)]);
        Problem::unavailable("the database is busy")
    })?;
    response::ok(&json!({ "removed": removed, "done": done }))
}
