//! What the gateway does behind answers, once for all instances: sweeping its tables, and having deleted tenants' data removed.

mod erasing;
mod quotas;

use std::cell::Cell;
use std::rc::Rc;

use crate::clients::Outside;
use crate::tenants::STRANGERS;
use crate::{logs, store};
use sdk::sql::SqlError;
use sdk::{Context, Micros, log};

pub use erasing::erase;
pub use quotas::tell as tell_quotas;

/// How often there is something to do, in microseconds (1 min).
const EVERY_MICROS: Micros = 60_000_000;
/// Counting what each tenant has in the log reads an index from its end: every ten minutes.
const LOG_SIZE_EVERY_MICROS: Micros = 600_000_000;

const DEFAULT_RETENTION_DAYS: i64 = 30;
/// Of a tenant's requests, about 500 bytes each.
const DEFAULT_LOG_ENTRIES: u32 = 1_000_000;
/// Of strangers' requests: about 5 MB.
const STRANGERS_LOG_ENTRIES: u32 = 20_000;

/// When this instance looks again.
#[derive(Clone, Default)]
pub struct Chores(Rc<Cell<Micros>>);

impl Chores {
    /// After a request: what is due is done, by the instance that is first.
    pub fn look<B: Outside>(&self, outside: &B) {
        let now = outside.now();
        // A clock that was set back does not put it off.
        if (0..EVERY_MICROS).contains(&(now - self.0.get())) {
            return;
        }
        self.0.set(now);
        let outside_too = outside.clone();
        outside.spawn(async move {
            if let Err(error) = work(&outside_too, now).await {
                log::warn(&Context::default(), "failed to sweep the gateway's tables", &[("reason", &error)]);
            }
        });
    }
}

async fn work<B: Outside>(outside: &B, now: Micros) -> Result<(), SqlError> {
    let tables = outside.tables();
    if store::sweeping::claim(tables, "sweep", now, EVERY_MICROS).await? {
        let days = outside.variable("log_retention_days").await.and_then(|days| logs::retention(&days));
        store::sweeping::by_age(tables, now, days.unwrap_or(DEFAULT_RETENTION_DAYS)).await?;
        store::logs::keep_newest(tables, STRANGERS, STRANGERS_LOG_ENTRIES).await?;
        erase(outside).await?;
        tell_quotas(outside).await?;
    }
    if store::sweeping::claim(tables, "log size", now, LOG_SIZE_EVERY_MICROS).await? {
        let max = outside.variable("log_max_entries").await.and_then(|entries| logs::max_entries(&entries));
        for tenant in store::logs::tenants(tables).await? {
            store::logs::keep_newest(tables, &tenant, max.unwrap_or(DEFAULT_LOG_ENTRIES)).await?;
        }
    }
    Ok(())
}
