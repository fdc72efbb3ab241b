//! What a service counts for its operators: a table that its triggers keep, and the route at which the gateway reads it.
//!
//! A name ends with `_total` when it only grows. Labels are a JSON object of texts, of which there are few.

use serde::Serialize;
use serde_json::value::RawValue;

use crate::{
    App, Context, Outcome, Problem, Request, Router, log, response,
    sql::{Database, Driver, Row, SqlError},
};
use ::http::Method;

/// The table, for a service's list of migrations; the triggers are the service's own.
pub const MIGRATION: &str = include_str!("../migrations/metrics.sql");

pub const PATH: &str = "/internal/metrics";

/// More kinds than any service has: what is beyond is a fault of its triggers.
const READ: &str = "SELECT name, labels, value FROM metrics WHERE tenant_id = '*' ORDER BY name, labels LIMIT 1000";

#[derive(Serialize)]
struct Sample {
    name: String,
    labels: Box<RawValue>,
    value: i64,
}

/// For a service whose store is its database alone.
impl<D: Driver + 'static> Router<App<Database<D>>> {
    #[must_use]
    pub fn counting(self) -> Self {
        self.tenantless(Method::GET, PATH, async |app: &App<Database<D>>, _: Request| answer(&app.store).await)
    }
}

/// Answers [`PATH`].
pub async fn answer<D: Driver>(tables: &Database<D>) -> Outcome {
    let rows = tables.execute(READ, Vec::new()).await.map_err(|error| {
        log::error(&Context::default(), "failed to read what was counted", &[("reason", &error)]);
        Problem::unavailable("the database is busy")
    })?;
    let samples: Result<Vec<Sample>, SqlError> = rows.into_iter().map(sample).collect();
    let samples = samples.map_err(|error| {
        log::error(&Context::default(), "failed to read what was counted", &[("reason", &error)]);
        Problem::internal()
    })?;
    response::ok(&samples)
}

fn sample(mut row: Row) -> Result<Sample, SqlError> {
    Ok(Sample { name: row.take()?, labels: response::raw_object(row.take()?), value: row.take()? })
}
