//! Forgetting what is old: notifications, the log of attempts, and events with all their deliveries, however those ended.

use sdk::{
    Clock, Micros,
    sql::{Database, Driver, SqlError, Value},
    sweep::sweep,
};

pub mod statements {
    pub const IS_OLD: &str = "SELECT EXISTS (SELECT 1 FROM notifications WHERE created_at < ?1) \
         OR EXISTS (SELECT 1 FROM webhook_events WHERE created_at < ?2) \
         OR EXISTS (SELECT 1 FROM webhook_attempts WHERE at < ?2)";
    pub const NOTIFICATIONS: &str = "DELETE FROM notifications WHERE (tenant_id, id) IN \
         (SELECT tenant_id, id FROM notifications WHERE created_at < ?1 ORDER BY created_at LIMIT ?2) RETURNING 1";
    pub const ATTEMPTS: &str = "DELETE FROM webhook_attempts WHERE (tenant_id, endpoint_id, id) IN \
         (SELECT tenant_id, endpoint_id, id FROM webhook_attempts WHERE at < ?1 ORDER BY at LIMIT ?2) RETURNING 1";
    /// Not what still waits: that comes to an end within days, and a clock that is ahead must not lose it.
    pub const DELIVERIES: &str = "DELETE FROM webhook_deliveries WHERE (tenant_id, endpoint_id, event_id) IN \
         (SELECT d.tenant_id, d.endpoint_id, d.event_id FROM webhook_events e CROSS JOIN webhook_deliveries d \
         ON d.tenant_id = e.tenant_id AND d.event_id = e.id \
         WHERE e.created_at < ?1 AND d.status <> 'waiting' ORDER BY e.created_at LIMIT ?2) RETURNING 1";
    /// After its deliveries.
    pub const EVENTS: &str = "DELETE FROM webhook_events WHERE (tenant_id, id) IN \
         (SELECT tenant_id, id FROM webhook_events e WHERE created_at < ?1 AND NOT EXISTS (SELECT 1 FROM webhook_deliveries d \
         WHERE d.tenant_id = e.tenant_id AND d.event_id = e.id) ORDER BY created_at LIMIT ?2) RETURNING 1";

    pub const ALL: &[&str] = &[IS_OLD, NOTIFICATIONS, ATTEMPTS, DELIVERIES, EVENTS];
}

/// What came before these times is old.
#[derive(Clone, Copy, Debug)]
pub struct Old {
    pub notifications: Micros,
    pub events: Micros,
}

/// One read when there is nothing; else until nothing is left, or the time for it is up.
pub async fn forget<D: Driver>(database: &Database<D>, clock: &dyn Clock, old: Old) -> Result<(), SqlError> {
    let ages = vec![old.notifications.into(), old.events.into()];
    let found = database.execute(statements::IS_OLD, ages).await?.into_iter().next();
    if !found.map(|mut row| row.take::<bool>()).transpose()?.unwrap_or_default() {
        return Ok(());
    }
    let order = [
        (statements::NOTIFICATIONS, old.notifications),
        (statements::ATTEMPTS, old.events),
        (statements::DELIVERIES, old.events),
        (statements::EVENTS, old.events),
    ];
    for (delete, before) in order {
        let step = async |rows: u32| {
            let parameters: Vec<Value> = vec![before.into(), rows.into()];
            database.execute(delete, parameters).await.map(|gone| u64::try_from(gone.len()).unwrap_or(u64::MAX))
        };
        sweep(clock, step).await?;
    }
    Ok(())
}
