//! When services were started again, in the table `chores`: instances that had given one up learn of it.

use sdk::Micros;
use sdk::sql::{Database, Driver, SqlError};

pub const NOTE: &str = "\
    INSERT INTO chores (tenant_id, name, due_at) VALUES ('-', 'started ' || ?, ?)
    ON CONFLICT (tenant_id, name) DO UPDATE SET due_at = excluded.due_at";

pub const LAST: &str = "SELECT due_at FROM chores WHERE tenant_id = '-' AND name = 'started ' || ?";

pub async fn note<D: Driver>(tables: &Database<D>, service: &str, now: Micros) -> Result<(), SqlError> {
    tables.execute(NOTE, vec![service.into(), now.into()]).await.map(|_| ())
}

pub async fn last<D: Driver>(tables: &Database<D>, service: &str) -> Result<Option<Micros>, SqlError> {
    tables.execute(LAST, vec![service.into()]).await?.into_iter().next().map(|mut row| row.take()).transpose()
}
