//! Runs in SQL.

use sdk::{
    Micros,
    sql::{self, Database, Driver, Execute, Row, SqlError, Value},
};

use crate::run::{Order, Run, State, sending::Slice};

macro_rules! columns {
    () => {
        "tenant_id, id, account, customers, messages, chaos, seed, state, webhooks, position, begun, checked, faults, taken_at, owner, \
         report, reason, created_at, updated_at, ended_at"
    };
}

pub mod statements {
    pub const BY_ID: &str = concat!("SELECT ", columns!(), " FROM runs WHERE tenant_id = ? AND id = ?");
    pub const LIST: &str =
        concat!("SELECT ", columns!(), " FROM runs WHERE tenant_id = ? AND id < ? ORDER BY id DESC LIMIT ?");
    /// Unfinished ones are few: one a deployment.
    pub const UNFINISHED: &str = "SELECT tenant_id, id FROM runs INDEXED BY runs_unfinished \
                                  WHERE ended_at IS NULL AND lease_until >= 0 LIMIT 1";
    pub const CLAIM: &str = concat!(
        "UPDATE runs SET lease_until = ?2, owner = ?3 WHERE rowid IN (SELECT rowid FROM runs INDEXED BY runs_unfinished \
         WHERE ended_at IS NULL AND lease_until <= ?1 LIMIT 1) RETURNING ",
        columns!()
    );
    /// Whoever has it: for the one who ends it.
    pub const TAKE: &str = concat!(
        "UPDATE runs SET owner = ?3, lease_until = ?4 WHERE tenant_id = ?1 AND id = ?2 AND ended_at IS NULL RETURNING ",
        columns!()
    );
    pub const RENEW: &str =
        "UPDATE runs SET lease_until = ?4 WHERE tenant_id = ?1 AND id = ?2 AND owner = ?3 AND ended_at IS NULL";
    pub const SAVE: &str = "UPDATE runs SET state = ?4, position = ?5, begun = ?6, checked = ?7, faults = ?8, taken_at = ?9, report = ?10, \
                            reason = ?11, updated_at = ?12, ended_at = ?13, lease_until = ?14 \
                            WHERE tenant_id = ?1 AND id = ?2 AND owner = ?3 AND ended_at IS NULL RETURNING 1";
    pub const SLICES: &str = "SELECT results FROM run_slices WHERE tenant_id = ? AND run_id = ? ORDER BY position";
    pub const FORGET_SLICES: &str = "DELETE FROM run_slices WHERE tenant_id = ? AND run_id = ?";

    pub const ALL: &[&str] = &[BY_ID, LIST, UNFINISHED, CLAIM, TAKE, RENEW, SAVE, SLICES, FORGET_SLICES];
}

fn run(mut row: Row) -> Result<Run, SqlError> {
    Ok(Run {
        tenant: row.take()?,
        id: row.take()?,
        account: row.take()?,
        order: Order { customers: row.take()?, messages: row.take()?, chaos: row.take()?, seed: row.take()? },
        state: row.word(State::parse)?,
        webhooks: row.take()?,
        position: row.take()?,
        begun: row.take()?,
        checked: row.take()?,
        faults: serde_json::from_str(&row.take::<String>()?).map_err(|e| SqlError::Row(format!("faults: {e}")))?,
        taken_at: row.take()?,
        owner: row.take()?,
        report: row.take()?,
        reason: row.take()?,
        created_at: row.take()?,
        updated_at: row.take()?,
        ended_at: row.take()?,
    })
}

/// Another run that is not done.
pub struct Other {
    pub tenant: String,
    pub id: String,
}

/// Its maker's until then. `Err` with another one that is not done: one at a time is what a platform is to bear.
pub async fn insert<D: Driver>(
    database: &Database<D>,
    new: &Run,
    lease_until: Micros,
) -> Result<Result<(), Other>, SqlError> {
    const INSERT: &str = concat!(
        "INSERT INTO runs (",
        columns!(),
        ", lease_until) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
    );
    let row: Vec<Value> = vec![
        (&new.tenant).into(),
        (&new.id).into(),
        (&new.account).into(),
        new.order.customers.into(),
        new.order.messages.into(),
        new.order.chaos.into(),
        new.order.seed.into(),
        new.state.as_str().into(),
        new.webhooks.into(),
        new.position.into(),
        new.begun.into(),
        new.checked.into(),
        json(&new.faults)?,
        new.taken_at.into(),
        (&new.owner).into(),
        new.report.clone().into(),
        new.reason.clone().into(),
        new.created_at.into(),
        new.updated_at.into(),
        new.ended_at.into(),
        lease_until.into(),
    ];
    let work = async |transaction: &D::Connection| -> Result<Result<(), Other>, SqlError> {
        let unfinished = transaction.execute(statements::UNFINISHED, Vec::new()).await?;
        if let Some(other) = sql::one(unfinished, |mut row| Ok(Other { tenant: row.take()?, id: row.take()? }))? {
            return Ok(Err(other));
        }
        transaction.execute(INSERT, row).await?;
        Ok(Ok(()))
    };
    database.transaction(work).await
}

fn json(value: &impl serde::Serialize) -> Result<Value, SqlError> {
    serde_json::to_string(value).map(Value::Text).map_err(|e| SqlError::Failed(format!("a run: {e}")))
}

pub async fn get<D: Driver>(database: &Database<D>, tenant: &str, id: &str) -> Result<Option<Run>, SqlError> {
    sql::one(database.execute(statements::BY_ID, vec![tenant.into(), id.into()]).await?, run)
}

/// The newest first.
pub async fn list<D: Driver>(
    database: &Database<D>,
    tenant: &str,
    before: &str,
    limit: u32,
) -> Result<Vec<Run>, SqlError> {
    sql::many(database.execute(statements::LIST, vec![tenant.into(), before.into(), limit.into()]).await?, run)
}

/// One that nobody works on, for this owner alone until `lease_until`.
pub async fn claim<D: Driver>(
    database: &Database<D>,
    now: Micros,
    lease_until: Micros,
    owner: &str,
) -> Result<Option<Run>, SqlError> {
    let parameters = vec![now.into(), lease_until.into(), owner.into()];
    sql::one(database.execute(statements::CLAIM, parameters).await?, run)
}

/// This one, from whoever works on it; `None` when it is over.
pub async fn take<D: Driver>(
    database: &Database<D>,
    tenant: &str,
    id: &str,
    owner: &str,
    lease_until: Micros,
) -> Result<Option<Run>, SqlError> {
    let parameters = vec![tenant.into(), id.into(), owner.into(), lease_until.into()];
    sql::one(database.execute(statements::TAKE, parameters).await?, run)
}

/// Nothing happens where it is another's, or over.
pub async fn renew<D: Driver>(database: &Database<D>, run: &Run, lease_until: Micros) -> Result<(), SqlError> {
    let parameters = vec![(&run.tenant).into(), (&run.id).into(), (&run.owner).into(), lease_until.into()];
    database.execute(statements::RENEW, parameters).await.map(|_| ())
}

/// How far it is, with what came of a slice, in one. False when it is another's meanwhile, or over: then nothing is written. Once it is over,
/// what its report was made of goes.
pub async fn save<D: Driver>(
    database: &Database<D>,
    run: &Run,
    slice: Option<&Slice>,
    lease_until: Micros,
) -> Result<bool, SqlError> {
    const SLICE: &str =
        "INSERT INTO run_slices (tenant_id, run_id, position, results) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING";
    let results = slice.map(json).transpose()?;
    let row: Vec<Value> = vec![
        (&run.tenant).into(),
        (&run.id).into(),
        (&run.owner).into(),
        run.state.as_str().into(),
        run.position.into(),
        run.begun.into(),
        run.checked.into(),
        json(&run.faults)?,
        run.taken_at.into(),
        run.report.clone().into(),
        run.reason.clone().into(),
        run.updated_at.into(),
        run.ended_at.into(),
        lease_until.into(),
    ];
    let named = || vec![(&run.tenant).into(), (&run.id).into()];
    let work = async |transaction: &D::Connection| -> Result<bool, SqlError> {
        if transaction.execute(statements::SAVE, row).await?.is_empty() {
            return Ok(false);
        }
        if let Some(results) = results {
            let slice = named().into_iter().chain([run.position.into(), results]).collect();
            transaction.execute(SLICE, slice).await?;
        }
        if run.ended_at.is_some() {
            transaction.execute(statements::FORGET_SLICES, named()).await?;
        }
        Ok(true)
    };
    database.transaction(work).await
}

pub async fn slices<D: Driver>(database: &Database<D>, tenant: &str, id: &str) -> Result<Vec<Slice>, SqlError> {
    let rows = database.execute(statements::SLICES, vec![tenant.into(), id.into()]).await?;
    sql::many(rows, |mut row| {
        serde_json::from_str(&row.take::<String>()?).map_err(|e| SqlError::Row(format!("a slice: {e}")))
    })
}
