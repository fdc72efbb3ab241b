//! Deliveries and stopped accounts in SQL.

pub mod erased;

use sdk::{
    Context, Event, Micros, outbox,
    sql::{self, Database, Driver, Execute, Migration, Row, SqlError},
};

use crate::domain::Order;
use crate::domain::delivery::{Known, Next, Outcome, Standing, Stop, Store};

pub const MIGRATIONS: &[Migration] = &[
    Migration::new(1, include_str!("../migrations/0001_deliveries.sql")),
    Migration::new(2, outbox::MIGRATION),
    Migration::new(3, outbox::RELAY_MIGRATION),
    Migration::new(4, include_str!("../migrations/0004_bounds.sql")),
];

const DAY: Micros = 24 * 3600 * 1_000_000;
/// A month: nobody redelivers an order that is older, and messages that are not queued are not sent.
const KEPT: Micros = 30 * DAY;
/// A year, of orders that never came again.
const KEPT_UNFINISHED: Micros = 365 * DAY;
/// Rows of a sweep's statement: a tenth of a second's writing.
const AT_ONCE: i64 = 2000;
/// Stopped accounts of a tenant. Real ones have some; a client can name any number.
const MAX_STOPS: i64 = 1000;

/// The statements whose plan a test reads.
pub mod statements {
    pub const FIND: &str = "SELECT d.state, d.attempts, d.until, d.outcome, EXISTS (SELECT 1 FROM deliveries o \
                            WHERE o.tenant_id = ?1 AND o.message_id = d.message_id AND o.event_id <> ?2) \
                            FROM deliveries d WHERE d.tenant_id = ?1 AND d.event_id = ?2";
    /// From the attempt before, as it was found: of two that try at once, one finds it changed.
    pub const BEGIN: &str = "UPDATE deliveries SET state = 'calling', attempts = ?3, outcome = ?4, until = ?5 \
                             WHERE tenant_id = ?1 AND event_id = ?2 AND attempts = ?3 - 1 \
                             AND state IN ('ready', 'calling') AND until = ?6 RETURNING 1";
    pub const SETTLE: &str = "UPDATE deliveries SET state = ?4, outcome = ?5, until = ?6 \
                              WHERE tenant_id = ?1 AND event_id = ?2 AND attempts = ?3 AND state <> 'ended' RETURNING 1";
    pub const LEARNED: &str =
        "UPDATE deliveries SET outcome = json_remove(outcome, '$.aliases') WHERE tenant_id = ?1 AND event_id = ?2";
    pub const STOPPED: &str = "SELECT channel, channel_account_id, code, reason, fingerprint, stopped_at FROM channel_stops \
                               WHERE tenant_id = ?1 AND channel = ?2 AND channel_account_id = ?3";
    pub const STOPS: &str = "SELECT channel, channel_account_id, code, reason, fingerprint, stopped_at FROM channel_stops \
                             WHERE tenant_id = ?1 ORDER BY channel, channel_account_id LIMIT 100";
    pub const LIFT: &str =
        "DELETE FROM channel_stops WHERE tenant_id = ?1 AND channel = ?2 AND channel_account_id = ?3 RETURNING 1";
    /// What has not ended is kept longer: forgotten, it would be sent once more when its order comes again.
    pub const SWEEP: &str = "DELETE FROM deliveries WHERE (tenant_id, event_id) IN (SELECT tenant_id, event_id FROM deliveries \
                             INDEXED BY deliveries_by_age WHERE created_at < ?1 AND (state = 'ended' OR created_at < ?2) LIMIT ?3) RETURNING 1";
    /// All but the newest of a tenant's.
    pub const FORGET_STOPS: &str = "DELETE FROM channel_stops WHERE tenant_id = ?1 AND (channel, channel_account_id) IN \
                                    (SELECT channel, channel_account_id FROM channel_stops INDEXED BY channel_stops_by_age \
                                    WHERE tenant_id = ?1 ORDER BY stopped_at DESC LIMIT -1 OFFSET ?2)";

    pub const ALL: &[&str] = &[FIND, BEGIN, SETTLE, LEARNED, STOPPED, STOPS, LIFT, SWEEP, FORGET_STOPS];
}

impl<D: Driver> Store for Database<D> {
    async fn find(&self, order: &Order, now: Micros) -> Result<Known, sdk::Error> {
        let (tenant, event) = (order.context.tenant.as_str(), order.event_id.as_str());
        let rows = self.execute(statements::FIND, vec![tenant.into(), event.into()]).await?;
        if let Some(known) = sql::one(rows, known)? {
            return Ok(known);
        }
        const INSERT: &str = "INSERT INTO deliveries (tenant_id, event_id, message_id, state, attempts, until, created_at) \
                              VALUES (?1, ?2, ?3, 'ready', 0, 0, ?4) ON CONFLICT DO NOTHING";
        self.execute(INSERT, vec![tenant.into(), event.into(), (&order.message_id).into(), now.into()]).await?;
        let rows = self.execute(statements::FIND, vec![tenant.into(), event.into()]).await?;
        sql::one(rows, known)?.ok_or_else(|| sdk::Error::Internal("the delivery is gone".to_owned()))
    }

    async fn begin(
        &self,
        order: &Order,
        attempt: u32,
        outcome: &Outcome,
        until: Micros,
        seen: Micros,
    ) -> Result<bool, sdk::Error> {
        let parameters = vec![
            order.context.tenant.as_str().into(),
            order.event_id.as_str().into(),
            attempt.into(),
            encoded(outcome)?.into(),
            until.into(),
            seen.into(),
        ];
        Ok(!self.execute(statements::BEGIN, parameters).await?.is_empty())
    }

    async fn settle(
        &self,
        order: &Order,
        attempt: u32,
        outcome: &Outcome,
        next: &Next,
        stop: Option<&Stop>,
        now: Micros,
    ) -> Result<(), sdk::Error> {
        let (state, until) = match next {
            Next::Again { due } => ("ready", *due),
            Next::Ended => ("ended", now),
        };
        let parameters = vec![
            order.context.tenant.as_str().into(),
            order.event_id.as_str().into(),
            attempt.into(),
            state.into(),
            encoded(outcome)?.into(),
            until.into(),
        ];
        let Some(stop) = stop else {
            self.execute(statements::SETTLE, parameters).await?;
            return Ok(());
        };
        let work = async |t: &D::Connection| -> Result<(), SqlError> {
            t.execute(statements::SETTLE, parameters).await?;
            stop_account(t, order, stop).await
        };
        Ok(self.transaction(work).await?)
    }

    async fn learned(&self, order: &Order) -> Result<(), sdk::Error> {
        let parameters = vec![order.context.tenant.as_str().into(), order.event_id.as_str().into()];
        Ok(self.execute(statements::LEARNED, parameters).await.map(|_| ())?)
    }

    async fn stopped(&self, context: &Context, channel: &str, account: &str) -> Result<Option<Stop>, sdk::Error> {
        let parameters = vec![context.tenant.as_str().into(), channel.into(), account.into()];
        Ok(sql::one(self.execute(statements::STOPPED, parameters).await?, stop)?)
    }

    async fn lift(&self, context: &Context, channel: &str, account: &str) -> Result<bool, sdk::Error> {
        let parameters = vec![context.tenant.as_str().into(), channel.into(), account.into()];
        Ok(!self.execute(statements::LIFT, parameters).await?.is_empty())
    }

    async fn stops(&self, context: &Context) -> Result<Vec<Stop>, sdk::Error> {
        Ok(sql::many(self.execute(statements::STOPS, vec![context.tenant.as_str().into()]).await?, stop)?)
    }

    async fn sweep(&self, now: Micros) -> Result<bool, sdk::Error> {
        let parameters = vec![(now - KEPT).into(), (now - KEPT_UNFINISHED).into(), AT_ONCE.into()];
        Ok(!self.execute(statements::SWEEP, parameters).await?.is_empty())
    }
}

/// The first refusal is told; what fails after it with the same settings says nothing new.
async fn stop_account(db: &impl Execute, order: &Order, stop: &Stop) -> Result<(), SqlError> {
    const UPSERT: &str = "INSERT INTO channel_stops \
                          (tenant_id, channel, channel_account_id, code, reason, fingerprint, stopped_at) \
                          VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (tenant_id, channel, channel_account_id) DO UPDATE SET \
                          code = excluded.code, reason = excluded.reason, fingerprint = excluded.fingerprint, \
                          stopped_at = excluded.stopped_at WHERE fingerprint <> excluded.fingerprint RETURNING 1";
    let parameters = vec![
        order.context.tenant.as_str().into(),
        (&stop.channel).into(),
        (&stop.channel_account_id).into(),
        stop.code.as_deref().into(),
        (&stop.reason).into(),
        (&stop.fingerprint).into(),
        stop.stopped_at.into(),
    ];
    if db.execute(UPSERT, parameters).await?.is_empty() {
        return Ok(());
    }
    db.execute(statements::FORGET_STOPS, vec![order.context.tenant.as_str().into(), MAX_STOPS.into()]).await?;
    outbox::append_all(db, &[stopped(order, stop)]).await
}

fn stopped(order: &Order, stop: &Stop) -> Event {
    const KIND: &str = "com.kobliat.channel.stopped.v1";
    let subject = format!("{}/{}", stop.channel, stop.channel_account_id);
    let event = Event::new("/components/outbound-gateway", KIND, &subject, &order.context.tenant, stop.stopped_at);
    Event { traceparent: order.context.traceparent.clone(), ..event }.with(stop)
}

fn encoded(outcome: &Outcome) -> Result<String, sdk::Error> {
    serde_json::to_string(outcome)
        .map_err(|error| sdk::Error::Internal(format!("failed to encode an outcome: {error}")))
}

fn known(mut row: Row) -> Result<Known, SqlError> {
    let (state, attempts, until): (String, u32, Micros) = (row.take()?, row.take()?, row.take()?);
    let outcome: Option<String> = row.take()?;
    let outcome = outcome.map(|text| serde_json::from_str(&text)).transpose();
    let outcome: Option<Outcome> = outcome.map_err(|error| SqlError::Row(format!("an outcome: {error}")))?;
    let standing = match (state.as_str(), outcome) {
        ("calling", Some(outcome)) => Standing::Calling { attempts, until, outcome },
        ("ended", Some(outcome)) => Standing::Ended(outcome),
        (_, outcome) => Standing::Ready { attempts, due: until, outcome },
    };
    Ok(Known { standing, is_again: row.take()? })
}

fn stop(mut row: Row) -> Result<Stop, SqlError> {
    Ok(Stop {
        channel: row.take()?,
        channel_account_id: row.take()?,
        code: row.take()?,
        reason: row.take()?,
        fingerprint: row.take()?,
        stopped_at: row.take()?,
    })
}
