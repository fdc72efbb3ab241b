//! The outbox: events wait in the database of the service that they come from, written with the change that they tell.

use crate::{
    Event,
    sql::{Execute, SqlError, Value},
};

/// The table, for a service's list of migrations. `position` is the order in which events leave: oldest first.
pub const MIGRATION: &str = include_str!("../migrations/outbox.sql");

/// Adds the event; call it in the transaction of the change.
pub async fn append(transaction: &impl Execute, event: &Event) -> Result<(), SqlError> {
    const INSERT: &str =
        "INSERT INTO outbox (tenant_id, event_id, type, partition_key, event, created_at) VALUES (?, ?, ?, ?, ?, ?)";
    let parameters: Vec<Value> = vec![
        event.tenant.as_str().into(),
        event.id.as_str().into(),
        event.kind.into(),
        event.partition_key.as_str().into(),
        event.to_json().to_string().into(),
        event.time.into(),
    ];
    transaction.execute(INSERT, parameters).await.map(|_| ())
}
