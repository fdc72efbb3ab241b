//! Erasures in SQL: that one was asked for, what each service removed, and who is done.

use std::collections::BTreeMap;

use sdk::{
    Micros,
    sql::{self, Database, Driver, Execute, Row, SqlError},
};

use crate::{
    domain::Error,
    erasure::{Erasure, Report},
};

/// 3 years: as long as somebody may ask whether it was done.
const KEPT: Micros = 3 * 365 * 24 * 3600 * 1_000_000;

pub mod statements {
    pub const REQUESTED: &str = "SELECT requested_at FROM erasures WHERE tenant_id = ?1 AND customer_id = ?2";
    pub const DONE: &str = "SELECT service, done_at FROM erasure_services WHERE tenant_id = ?1 AND customer_id = ?2";
    pub const REMOVED: &str =
        "SELECT service, what, removed FROM erasure_counts WHERE tenant_id = ?1 AND customer_id = ?2";
    pub const SWEEP_OLD: &str = "DELETE FROM erasures WHERE tenant_id = ?1 AND requested_at < ?2";
}

/// In the transaction of the deletion, with what this service removed itself.
pub(super) async fn begin(
    db: &impl Execute,
    tenant: &str,
    customer_id: &str,
    removed: &[(&str, usize)],
    now: Micros,
) -> Result<(), SqlError> {
    const BEGIN: &str =
        "INSERT INTO erasures (tenant_id, customer_id, requested_at) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING";
    db.execute(BEGIN, vec![tenant.into(), customer_id.into(), now.into()]).await?;
    sweep(db, tenant, now).await?;
    let counts = removed.iter().map(|(what, n)| ((*what).to_owned(), u32::try_from(*n).unwrap_or(u32::MAX)));
    let report = Report {
        customer_id: customer_id.to_owned(),
        service: "customer".to_owned(),
        removed: counts.collect(),
        done: true,
    };
    add(db, tenant, &report, now).await
}

async fn sweep(db: &impl Execute, tenant: &str, now: Micros) -> Result<(), SqlError> {
    const LEFT: [&str; 2] = [
        "DELETE FROM erasure_services WHERE tenant_id = ?1 AND customer_id NOT IN \
         (SELECT customer_id FROM erasures WHERE tenant_id = ?1)",
        "DELETE FROM erasure_counts WHERE tenant_id = ?1 AND customer_id NOT IN \
         (SELECT customer_id FROM erasures WHERE tenant_id = ?1)",
    ];
    let old = format!("{} RETURNING 1", statements::SWEEP_OLD);
    if !db.execute(&old, vec![tenant.into(), (now - KEPT).into()]).await?.is_empty() {
        for statement in LEFT {
            db.execute(statement, vec![tenant.into()]).await?;
        }
    }
    Ok(())
}

/// Of an erasure that is known; another's report is passed over.
pub(super) async fn report(db: &impl Execute, tenant: &str, report: &Report, now: Micros) -> Result<(), SqlError> {
    let parameters = vec![tenant.into(), report.customer_id.as_str().into()];
    match db.execute(statements::REQUESTED, parameters).await?.is_empty() {
        true => Ok(()),
        false => add(db, tenant, report, now).await,
    }
}

async fn add(db: &impl Execute, tenant: &str, report: &Report, now: Micros) -> Result<(), SqlError> {
    const COUNT: &str = "INSERT INTO erasure_counts (tenant_id, customer_id, service, what, removed) VALUES (?1, ?2, ?3, ?4, ?5) \
                         ON CONFLICT (tenant_id, customer_id, service, what) DO UPDATE SET removed = removed + excluded.removed";
    const DONE: &str = "INSERT INTO erasure_services (tenant_id, customer_id, service, done_at) VALUES (?1, ?2, ?3, ?4) \
                        ON CONFLICT DO NOTHING";
    let Report { customer_id, service, removed, done } = report;
    for (what, n) in removed {
        let parameters = vec![tenant.into(), customer_id.into(), service.into(), what.into(), (*n).into()];
        db.execute(COUNT, parameters).await?;
    }
    if *done {
        db.execute(DONE, vec![tenant.into(), customer_id.into(), service.into(), now.into()]).await?;
    }
    Ok(())
}

pub(super) async fn get<D: Driver>(
    database: &Database<D>,
    tenant: &str,
    customer_id: &str,
) -> Result<Option<Erasure>, Error> {
    let parameters = || vec![tenant.into(), customer_id.into()];
    let requested = sql::one(database.execute(statements::REQUESTED, parameters()).await?, |mut row| row.take())?;
    let Some(requested_at) = requested else { return Ok(None) };
    let pair = |mut row: Row| -> Result<(String, Micros), SqlError> { Ok((row.take()?, row.take()?)) };
    let done = sql::many(database.execute(statements::DONE, parameters()).await?, pair)?.into_iter().collect();
    let count =
        |mut row: Row| -> Result<(String, String, u64), SqlError> { Ok((row.take()?, row.take()?, row.take()?)) };
    let mut removed: BTreeMap<String, BTreeMap<String, u64>> = BTreeMap::new();
    for (service, what, n) in sql::many(database.execute(statements::REMOVED, parameters()).await?, count)? {
        removed.entry(service).or_default().insert(what, n);
    }
    Ok(Some(Erasure { customer_id: customer_id.to_owned(), requested_at, done, removed }))
}
