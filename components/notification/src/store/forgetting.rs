//! Forgetting in SQL: what is about a person who is forgotten, or about what was said, is neither shown nor delivered any more.

use sdk::sql::{self, Execute, SqlError};

pub mod statements {
    pub const DELETE_DELIVERIES: &str = "DELETE FROM webhook_deliveries WHERE tenant_id = ?1 AND event_id IN \
         (SELECT e.id FROM json_each(?2) j CROSS JOIN webhook_events e ON e.tenant_id = ?1 AND e.subject = j.value)";
    pub const DELETE_EVENTS: &str =
        "DELETE FROM webhook_events WHERE tenant_id = ?1 AND subject IN (SELECT value FROM json_each(?2))";
    pub const DELETE_NOTIFICATIONS: &str =
        "DELETE FROM notifications WHERE tenant_id = ?1 AND subject IN (SELECT value FROM json_each(?2))";

    pub const ALL: &[&str] = &[DELETE_DELIVERIES, DELETE_EVENTS, DELETE_NOTIFICATIONS];
}

/// In the transaction of the event that says so.
pub async fn forget(transaction: &impl Execute, tenant: &str, subjects: &[String]) -> Result<(), SqlError> {
    if subjects.is_empty() {
        return Ok(());
    }
    for statement in statements::ALL {
        transaction.execute(statement, vec![tenant.into(), sql::list(subjects)?]).await?;
    }
    Ok(())
}
