//! The outbox: events wait in the database of the service that they come from, written with the change that they tell.

use crate::{
    Event,
    sql::{Execute, SqlError, Value},
};

/// The table, for a service's list of migrations. `position` is the order in which events leave: oldest first.
pub const MIGRATION: &str = include_str!("../migrations/outbox.sql");

/// A statement has at most this many events, far below any database's limit of parameters.
const EVENTS: usize = 50;

/// Adds the events, in order; call it in the transaction of the change. Many are one statement.
pub async fn append_all(transaction: &impl Execute, events: &[Event]) -> Result<(), SqlError> {
    for events in events.chunks(EVENTS) {
        let rows = vec!["(?, ?, ?, ?, ?, ?)"; events.len()].join(", ");
        let insert =
            format!("INSERT INTO outbox (tenant_id, event_id, type, partition_key, event, created_at) VALUES {rows}");
        transaction.execute(&insert, events.iter().flat_map(parameters).collect()).await?;
    }
    Ok(())
}

fn parameters(event: &Event) -> [Value; 6] {
    [
        event.tenant.as_str().into(),
        event.id.as_str().into(),
        event.kind.into(),
        event.partition_key.as_str().into(),
        event.to_json().to_string().into(),
        event.time.into(),
    ]
}
