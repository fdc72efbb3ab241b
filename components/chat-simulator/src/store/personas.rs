//! Simulated customers in SQL.

use sdk::{
    Micros,
    sql::{self, Database, Driver, Row, SqlError, Value},
};

use crate::{
    persona::{Line, Persona},
    scenario::engine::Progress,
};

macro_rules! columns {
    () => {
        "tenant_id, id, scenario, seed, channel, account, phone, name, position, throws, version, answers_left, pace, lines, due_at, \
         created_at, updated_at"
    };
}

pub mod statements {
    pub const BY_ID: &str = concat!("SELECT ", columns!(), " FROM personas WHERE tenant_id = ? AND id = ?");
    pub const LIST: &str =
        concat!("SELECT ", columns!(), " FROM personas WHERE tenant_id = ? AND id < ? ORDER BY id DESC LIMIT ?");
    pub const BY_NUMBER: &str =
        concat!("SELECT ", columns!(), " FROM personas WHERE channel = ? AND account = ? AND phone = ? LIMIT 1");
    /// Only as long as nobody else has changed it meanwhile.
    pub const SAVE: &str = "UPDATE personas SET position = ?4, throws = ?5, answers_left = ?6, lines = ?7, due_at = ?8, \
                            lease_until = 0, updated_at = ?9, version = version + 1 \
                            WHERE tenant_id = ?1 AND id = ?2 AND version = ?3 RETURNING 1";
    pub const DUE: &str = concat!(
        "UPDATE personas SET lease_until = ?2 WHERE rowid IN (SELECT rowid FROM personas INDEXED BY personas_due \
         WHERE due_at <= ?1 AND lease_until <= ?1 LIMIT ?3) RETURNING ",
        columns!()
    );

    pub const ALL: &[&str] = &[BY_ID, LIST, BY_NUMBER, SAVE, DUE];
}

fn persona(mut row: Row) -> Result<Persona, SqlError> {
    let persona = Persona {
        tenant: row.take()?,
        id: row.take()?,
        scenario: row.take()?,
        seed: row.take()?,
        channel: row.word(crate::persona::Channel::parse)?,
        account: row.take()?,
        phone: row.take()?,
        name: row.take()?,
        progress: Progress { position: row.take()?, throws: row.take()? },
        version: row.take()?,
        answers_left: row.take()?,
        pace: row.take()?,
        lines: lines(&row.take::<String>()?)?,
        due_at: row.take()?,
        created_at: row.take()?,
        updated_at: row.take()?,
    };
    Ok(persona)
}

fn lines(json: &str) -> Result<Vec<Line>, SqlError> {
    serde_json::from_str(json).map_err(|e| SqlError::Row(format!("lines: {e}")))
}

pub async fn insert<D: Driver>(database: &Database<D>, new: &Persona) -> Result<(), SqlError> {
    const INSERT: &str = concat!(
        "INSERT INTO personas (",
        columns!(),
        ", lease_until) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0)"
    );
    let parameters: Vec<Value> = vec![
        (&new.tenant).into(),
        (&new.id).into(),
        (&new.scenario).into(),
        new.seed.into(),
        new.channel.as_str().into(),
        (&new.account).into(),
        (&new.phone).into(),
        (&new.name).into(),
        u64::try_from(new.progress.position).unwrap_or(u64::MAX).into(),
        new.progress.throws.into(),
        new.version.into(),
        new.answers_left.into(),
        new.pace.into(),
        sql::list(&new.lines)?,
        new.due_at.into(),
        new.created_at.into(),
        new.updated_at.into(),
    ];
    database.execute(INSERT, parameters).await.map(|_| ())
}

pub async fn get<D: Driver>(database: &Database<D>, tenant: &str, id: &str) -> Result<Option<Persona>, SqlError> {
    sql::one(database.execute(statements::BY_ID, vec![tenant.into(), id.into()]).await?, persona)
}

/// The newest first.
pub async fn list<D: Driver>(
    database: &Database<D>,
    tenant: &str,
    before: &str,
    limit: u32,
) -> Result<Vec<Persona>, SqlError> {
    sql::many(database.execute(statements::LIST, vec![tenant.into(), before.into(), limit.into()]).await?, persona)
}

/// Whom a provider reaches under this number.
pub async fn by_number<D: Driver>(
    database: &Database<D>,
    channel: &str,
    account: &str,
    phone: &str,
) -> Result<Option<Persona>, SqlError> {
    let parameters = vec![channel.into(), account.into(), phone.into()];
    sql::one(database.execute(statements::BY_NUMBER, parameters).await?, persona)
}

/// False when another has changed it since it was read.
pub async fn save<D: Driver>(database: &Database<D>, persona: &mut Persona) -> Result<bool, SqlError> {
    let parameters: Vec<Value> = vec![
        (&persona.tenant).into(),
        (&persona.id).into(),
        persona.version.into(),
        u64::try_from(persona.progress.position).unwrap_or(u64::MAX).into(),
        persona.progress.throws.into(),
        persona.answers_left.into(),
        sql::list(&persona.lines)?,
        persona.due_at.into(),
        persona.updated_at.into(),
    ];
    let is_saved = !database.execute(statements::SAVE, parameters).await?.is_empty();
    persona.version += u64::from(is_saved);
    Ok(is_saved)
}

/// Those that are to speak, for this caller alone until `lease_until`.
pub async fn claim_due<D: Driver>(
    database: &Database<D>,
    now: Micros,
    lease_until: Micros,
    limit: u32,
) -> Result<Vec<Persona>, SqlError> {
    sql::many(database.execute(statements::DUE, vec![now.into(), lease_until.into(), limit.into()]).await?, persona)
}
