//! Deleting much, in steps that never hold the writer for long.

use sdk::sql::{Database, Driver, SqlError, Value};

/// Rows that one step takes away: some 20 ms of the writer's time.
const STEP: usize = 5000;
/// Steps of one sweep of one table: a million rows a minute, more than any gateway writes.
const MAX_STEPS: usize = 200;

/// `statement` ends with the number of rows of a step, and returns one row for each that it deleted.
pub(super) async fn until_done<D: Driver>(
    tables: &Database<D>,
    statement: &str,
    parameters: &[Value],
) -> Result<(), SqlError> {
    let step = i64::try_from(STEP).unwrap_or(i64::MAX);
    for _ in 0..MAX_STEPS {
        let parameters = parameters.iter().cloned().chain([step.into()]).collect();
        if tables.execute(statement, parameters).await?.len() < STEP {
            break;
        }
    }
    Ok(())
}
