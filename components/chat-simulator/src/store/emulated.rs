//! What the emulator has, in SQL.

use sdk::{
    Micros,
    sql::{self, Database, Driver, Execute, Row, SqlError, Value},
};

use crate::{
    emulator::{
        Emulated, Knobs, NOBODY, Sent,
        reports::{Due, Report},
    },
    provider::{meta, twilio},
};

macro_rules! columns {
    () => {
        "tenant_id, id, channel, account, recipient, kind, text, ours, callback, is_dropped, taken_at"
    };
}

pub mod statements {
    pub const KNOBS: &str = "SELECT knobs, calls FROM emulator WHERE tenant_id = ?";
    pub const LIST: &str = concat!(
        "SELECT ",
        columns!(),
        " FROM emulated_messages WHERE tenant_id = ? AND id < ? ORDER BY id DESC LIMIT ?"
    );
    pub const TO: &str = concat!(
        "SELECT ",
        columns!(),
        " FROM emulated_messages INDEXED BY emulated_messages_to WHERE channel = ? AND recipient = ? AND taken_at > ? ORDER BY taken_at DESC LIMIT ?"
    );
    pub const OF: &str = concat!("SELECT ", columns!(), " FROM emulated_messages WHERE tenant_id = ? AND id = ?");
    pub const RATE: &str = "SELECT count(*) FROM emulated_messages WHERE channel = ? AND account = ? AND taken_at > ?";
    pub const DUE: &str = "UPDATE emulated_reports SET lease_until = ?2 WHERE rowid IN \
                           (SELECT rowid FROM emulated_reports INDEXED BY emulated_reports_due \
                           WHERE due_at <= ?1 AND lease_until <= ?1 LIMIT ?3) \
                           RETURNING tenant_id, message_id, number, status, at, attempts";
    pub const REPORTED: &str = "DELETE FROM emulated_reports WHERE tenant_id = ? AND message_id = ? AND number = ?";
    pub const AGAIN: &str = "UPDATE emulated_reports SET due_at = ?4, attempts = attempts + 1, lease_until = 0 \
                             WHERE tenant_id = ?1 AND message_id = ?2 AND number = ?3";

    pub const ALL: &[&str] = &[KNOBS, LIST, TO, OF, RATE, DUE, REPORTED, AGAIN];
}

fn message(mut row: Row) -> Result<Emulated, SqlError> {
    Ok(Emulated {
        tenant: row.take()?,
        id: row.take()?,
        sent: Sent {
            channel: row.word(|word| [meta::CHANNEL, twilio::CHANNEL].into_iter().find(|known| *known == word))?,
            account: row.take()?,
            recipient: row.take()?,
            kind: row.take()?,
            text: row.take()?,
            ours: row.take()?,
            callback: row.take()?,
            is_dropped: row.take()?,
        },
        taken_at: row.take()?,
    })
}

/// The knobs, and how many calls there were.
pub async fn knobs<D: Driver>(database: &Database<D>) -> Result<(Knobs, u64), SqlError> {
    read(database.execute(statements::KNOBS, vec![NOBODY.into()]).await?)
}

/// Turning a knob begins to count anew, so that a seed means the same each time.
pub async fn set_knobs<D: Driver>(database: &Database<D>, knobs: &Knobs) -> Result<(), SqlError> {
    const SET: &str = "INSERT INTO emulator (tenant_id, knobs, calls) VALUES (?1, ?2, 0) \
                       ON CONFLICT (tenant_id) DO UPDATE SET knobs = excluded.knobs, calls = 0";
    database.execute(SET, vec![NOBODY.into(), json(knobs)?]).await.map(|_| ())
}

/// Counts a call: the knobs, and the call's number.
pub async fn call<D: Driver>(database: &Database<D>) -> Result<(Knobs, u64), SqlError> {
    const CALL: &str = "INSERT INTO emulator (tenant_id, knobs, calls) VALUES (?1, ?2, 1) \
                        ON CONFLICT (tenant_id) DO UPDATE SET calls = calls + 1 RETURNING knobs, calls";
    read(database.execute(CALL, vec![NOBODY.into(), json(&Knobs::default())?]).await?)
}

fn read(rows: Vec<Row>) -> Result<(Knobs, u64), SqlError> {
    let Some(mut row) = rows.into_iter().next() else { return Ok((Knobs::default(), 0)) };
    let knobs: String = row.take()?;
    Ok((serde_json::from_str(&knobs).map_err(|e| SqlError::Row(format!("knobs: {e}")))?, row.take()?))
}

fn json(knobs: &Knobs) -> Result<Value, SqlError> {
    serde_json::to_string(knobs).map(Value::Text).map_err(|e| SqlError::Failed(format!("knobs: {e}")))
}

/// The message with all its reports.
pub async fn insert<D: Driver>(database: &Database<D>, new: &Emulated, reports: &[Report]) -> Result<(), SqlError> {
    const INSERT: &str =
        concat!("INSERT INTO emulated_messages (", columns!(), ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
    const REPORT: &str = "INSERT INTO emulated_reports (tenant_id, message_id, number, status, at, due_at, attempts, lease_until) \
                          VALUES (?, ?, ?, ?, ?, ?, 0, 0)";
    let sent = &new.sent;
    let work = async |transaction: &D::Connection| -> Result<(), SqlError> {
        let parameters: Vec<Value> = vec![
            (&new.tenant).into(),
            (&new.id).into(),
            sent.channel.into(),
            (&sent.account).into(),
            (&sent.recipient).into(),
            (&sent.kind).into(),
            sent.text.clone().into(),
            sent.ours.clone().into(),
            sent.callback.clone().into(),
            sent.is_dropped.into(),
            new.taken_at.into(),
        ];
        transaction.execute(INSERT, parameters).await?;
        for (number, report) in (0_u32..).zip(reports) {
            let (status, at, due_at) = (report.status.into(), report.at.into(), report.due_at.into());
            let parameters = vec![(&new.tenant).into(), (&new.id).into(), number.into(), status, at, due_at];
            transaction.execute(REPORT, parameters).await?;
        }
        Ok(())
    };
    database.transaction(work).await
}

/// The newest first.
pub async fn list<D: Driver>(
    database: &Database<D>,
    tenant: &str,
    before: &str,
    limit: u32,
) -> Result<Vec<Emulated>, SqlError> {
    sql::many(database.execute(statements::LIST, vec![tenant.into(), before.into(), limit.into()]).await?, message)
}

/// What Twilio's accounts have sent to somebody since then, the newest first.
pub async fn to<D: Driver>(
    database: &Database<D>,
    recipient: &str,
    since: Micros,
    limit: u32,
) -> Result<Vec<Emulated>, SqlError> {
    let parameters = vec![twilio::CHANNEL.into(), recipient.into(), since.into(), limit.into()];
    sql::many(database.execute(statements::TO, parameters).await?, message)
}

/// Messages that an account has sent since then.
pub async fn rate<D: Driver>(
    database: &Database<D>,
    channel: &str,
    account: &str,
    since: Micros,
) -> Result<u64, SqlError> {
    let rows = database.execute(statements::RATE, vec![channel.into(), account.into(), since.into()]).await?;
    Ok(sql::one(rows, |mut row| row.take())?.unwrap_or(0))
}

pub async fn claim_due<D: Driver>(
    database: &Database<D>,
    now: Micros,
    lease_until: Micros,
    limit: u32,
) -> Result<Vec<Due>, SqlError> {
    let rows = database.execute(statements::DUE, vec![now.into(), lease_until.into(), limit.into()]).await?;
    let mut due = Vec::with_capacity(rows.len());
    for mut row in rows {
        let (tenant, id): (String, String) = (row.take()?, row.take()?);
        let found = database.execute(statements::OF, vec![tenant.into(), id.into()]).await?;
        let Some(message) = sql::one(found, message)? else { continue };
        due.push(Due { message, number: row.take()?, status: row.take()?, at: row.take()?, attempts: row.take()? });
    }
    due.sort_by_key(|report| (report.at, report.number));
    Ok(due)
}

pub async fn reported<D: Driver>(database: &Database<D>, report: &Due) -> Result<(), SqlError> {
    database.execute(statements::REPORTED, named(report)).await.map(|_| ())
}

pub async fn again<D: Driver>(database: &Database<D>, report: &Due, due_at: Micros) -> Result<(), SqlError> {
    let parameters = named(report).into_iter().chain([due_at.into()]).collect();
    database.execute(statements::AGAIN, parameters).await.map(|_| ())
}

fn named(report: &Due) -> Vec<Value> {
    vec![(&report.message.tenant).into(), (&report.message.id).into(), report.number.into()]
}
