//! Runs in SQL.

use sdk::{
    Micros,
    sql::{self, Database, Driver, Execute, Row, SqlError, Value},
};

use crate::run::{Order, Run, State, sending::Slice};

macro_rules! columns {
    () => {
        "tenant_id, id, customers, messages, chaos, seed, state, position, report, created_at, updated_at"
    };
}

pub mod statements {
    pub const BY_ID: &str = concat!("SELECT ", columns!(), " FROM runs WHERE tenant_id = ? AND id = ?");
    /// Unfinished ones are few: one a deployment.
    pub const UNFINISHED: &str =
        "SELECT id FROM runs INDEXED BY runs_unfinished WHERE state <> 'done' AND lease_until >= 0 LIMIT 1";
    pub const CLAIM: &str = concat!(
        "UPDATE runs SET lease_until = ?2 WHERE rowid IN (SELECT rowid FROM runs INDEXED BY runs_unfinished \
         WHERE state <> 'done' AND lease_until <= ?1 LIMIT 1) RETURNING ",
        columns!()
    );
    pub const SAVE: &str = "UPDATE runs SET state = ?3, position = ?4, lease_until = ?5, updated_at = ?6 \
                            WHERE tenant_id = ?1 AND id = ?2";
    pub const RELEASE: &str = "UPDATE runs SET lease_until = 0 WHERE tenant_id = ? AND id = ?";
    pub const FINISH: &str =
        "UPDATE runs SET state = ?3, report = ?4, updated_at = ?5 WHERE tenant_id = ?1 AND id = ?2";
    pub const SLICES: &str = "SELECT results FROM run_slices WHERE tenant_id = ? AND run_id = ? ORDER BY position";
    pub const FORGET_SLICES: &str = "DELETE FROM run_slices WHERE tenant_id = ? AND run_id = ?";

    pub const ALL: &[&str] = &[BY_ID, UNFINISHED, CLAIM, SAVE, RELEASE, FINISH, SLICES, FORGET_SLICES];
}

fn run(mut row: Row) -> Result<Run, SqlError> {
    Ok(Run {
        tenant: row.take()?,
        id: row.take()?,
        order: Order { customers: row.take()?, messages: row.take()?, chaos: row.take()?, seed: row.take()? },
        state: row.word(State::parse)?,
        position: row.take()?,
        report: row.take()?,
        created_at: row.take()?,
        updated_at: row.take()?,
    })
}

/// Claimed until then. `Err` with the id of another one that is not done: one at a time is what a platform is to bear.
pub async fn insert<D: Driver>(
    database: &Database<D>,
    new: &Run,
    lease_until: Micros,
) -> Result<Result<(), String>, SqlError> {
    const INSERT: &str =
        concat!("INSERT INTO runs (", columns!(), ", lease_until) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
    let work = async |transaction: &D::Connection| -> Result<Result<(), String>, SqlError> {
        let unfinished = transaction.execute(statements::UNFINISHED, Vec::new()).await?;
        if let Some(other) = sql::one(unfinished, |mut row| row.take())? {
            return Ok(Err(other));
        }
        let parameters: Vec<Value> = vec![
            (&new.tenant).into(),
            (&new.id).into(),
            new.order.customers.into(),
            new.order.messages.into(),
            new.order.chaos.into(),
            new.order.seed.into(),
            new.state.as_str().into(),
            new.position.into(),
            new.report.clone().into(),
            new.created_at.into(),
            new.updated_at.into(),
            lease_until.into(),
        ];
        transaction.execute(INSERT, parameters).await?;
        Ok(Ok(()))
    };
    database.transaction(work).await
}

pub async fn get<D: Driver>(database: &Database<D>, tenant: &str, id: &str) -> Result<Option<Run>, SqlError> {
    sql::one(database.execute(statements::BY_ID, vec![tenant.into(), id.into()]).await?, run)
}

/// One that nobody works on, for this caller alone until `lease_until`.
pub async fn claim<D: Driver>(
    database: &Database<D>,
    now: Micros,
    lease_until: Micros,
) -> Result<Option<Run>, SqlError> {
    sql::one(database.execute(statements::CLAIM, vec![now.into(), lease_until.into()]).await?, run)
}

/// What came of a slice, and how far the run is after it, in one.
pub async fn save_slice<D: Driver>(
    database: &Database<D>,
    run: &Run,
    slice: &Slice,
    lease_until: Micros,
) -> Result<(), SqlError> {
    const SLICE: &str =
        "INSERT INTO run_slices (tenant_id, run_id, position, results) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING";
    let results = serde_json::to_string(slice).map_err(|e| SqlError::Failed(format!("a slice: {e}")))?;
    let work = async |transaction: &D::Connection| -> Result<(), SqlError> {
        let parameters = vec![(&run.tenant).into(), (&run.id).into(), run.position.into(), results.into()];
        transaction.execute(SLICE, parameters).await?;
        let (state, position) = (run.state.as_str().into(), run.position.into());
        let parameters =
            vec![(&run.tenant).into(), (&run.id).into(), state, position, lease_until.into(), run.updated_at.into()];
        transaction.execute(statements::SAVE, parameters).await.map(|_| ())
    };
    database.transaction(work).await
}

pub async fn slices<D: Driver>(database: &Database<D>, tenant: &str, id: &str) -> Result<Vec<Slice>, SqlError> {
    let rows = database.execute(statements::SLICES, vec![tenant.into(), id.into()]).await?;
    sql::many(rows, |mut row| {
        serde_json::from_str(&row.take::<String>()?).map_err(|e| SqlError::Row(format!("a slice: {e}")))
    })
}

/// The report stays, what it was made of goes.
pub async fn finish<D: Driver>(database: &Database<D>, run: &Run) -> Result<(), SqlError> {
    let work = async |transaction: &D::Connection| -> Result<(), SqlError> {
        let (state, report) = (run.state.as_str().into(), run.report.clone().into());
        let parameters = vec![(&run.tenant).into(), (&run.id).into(), state, report, run.updated_at.into()];
        transaction.execute(statements::FINISH, parameters).await?;
        let parameters = vec![(&run.tenant).into(), (&run.id).into()];
        transaction.execute(statements::FORGET_SLICES, parameters).await.map(|_| ())
    };
    database.transaction(work).await
}

pub async fn release<D: Driver>(database: &Database<D>, run: &Run) -> Result<(), SqlError> {
    database.execute(statements::RELEASE, vec![(&run.tenant).into(), (&run.id).into()]).await.map(|_| ())
}
