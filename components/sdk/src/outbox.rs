//! The outbox: events wait in the database of the service that they come from, written with the change that they tell,
//! and leave after the answer.
//!
//! A service publishes by having [`MIGRATION`] and [`RELAY_MIGRATION`] among its own and by writing its events with [`append_all`]: the wiring of
//! `sdk::service!` sends them on after each call that wrote some, and at each tick what was left.

pub mod flush;
pub mod relay;
pub mod sink;

use std::cell::Cell;

use crate::{
    Event,
    sql::{Execute, SqlError, Value},
};

/// The table, for a service's list of migrations. `position` is the order in which events leave: oldest first.
pub const MIGRATION: &str = include_str!("../migrations/outbox.sql");

/// What sending on needs, for a service's list of migrations: the second after [`MIGRATION`].
pub const RELAY_MIGRATION: &str = include_str!("../migrations/outbox_relay.sql");

thread_local! {
    /// How many events this instance has written, so that a call knows whether there was one.
    static WRITTEN: Cell<u64> = const { Cell::new(0) };
}

/// Events written in this instance so far, committed or not.
pub(crate) fn written() -> u64 {
    WRITTEN.get()
}

/// A statement has at most this many events, far below any database's limit of parameters.
const EVENTS: usize = 50;

/// Adds the events, in order; call it in the transaction of the change. Many are one statement.
pub async fn append_all(transaction: &impl Execute, events: &[Event]) -> Result<(), SqlError> {
    for events in events.chunks(EVENTS) {
        let rows = vec!["(?, ?, ?, ?, ?, ?)"; events.len()].join(", ");
        let insert =
            format!("INSERT INTO outbox (tenant_id, event_id, type, partition_key, event, created_at) VALUES {rows}");
        let mut rows = Vec::with_capacity(6 * events.len());
        for event in events {
            rows.extend(parameters(event)?);
        }
        transaction.execute(&insert, rows).await?;
    }
    Ok(())
}

fn parameters(event: &Event) -> Result<[Value; 6], SqlError> {
    Ok([
        event.tenant.as_str().into(),
        event.id.as_str().into(),
        event.kind.into(),
        event.partition_key.as_str().into(),
        encoded(event)?,
        event.time.into(),
    ])
}

/// The event as the column `event` keeps it.
pub fn encoded(event: &Event) -> Result<Value, SqlError> {
    WRITTEN.set(WRITTEN.get().wrapping_add(1));
    event.to_json().map(Value::Text).map_err(|e| SqlError::Failed(format!("failed to encode an event: {e}")))
}
