//! Runs one statement on a connection and collects its rows, within bounds.

use rusqlite::types::ValueRef;
use rusqlite::{Row, Statement};

use crate::bounds::Bounds;
use crate::connection::Connection;
use crate::{Error, QueryOutput, Value, heap};

/// A compiled statement that is larger is not kept: a service's have some KiB, and there may be [`STATEMENTS`] of them.
///
/// [`STATEMENTS`]: crate::connection::STATEMENTS
const LARGEST_KEPT: i64 = 64 << 10;

/// Why a run stopped short of an answer of SQLite's.
#[derive(Debug)]
pub(crate) enum Stop {
    OutOfTime,
    OutOfSpace,
    Failed(Error),
}

impl From<rusqlite::Error> for Stop {
    fn from(error: rusqlite::Error) -> Self {
        Self::Failed(error.into())
    }
}

/// Runs `sql`, which the caller has classified.
pub(crate) fn run(connection: &Connection, sql: &str, params: &[Value], bounds: Bounds) -> Result<QueryOutput, Stop> {
    let copied = params.iter().map(Value::size_bytes).sum();
    let in_force = bounds.enforce(copied, connection.cache_bytes);
    connection.guard.limit(bounds.time, bounds.cancelled);
    let result = collect(connection, sql, params, bounds.result_bytes);
    connection.guard.lift();
    match result {
        Err(Stop::Failed(_)) if connection.guard.stopped() => Err(Stop::OutOfTime),
        Err(Stop::Failed(error)) => Err(Stop::Failed(in_force.explain().unwrap_or(error))),
        result => result,
    }
}

fn collect(connection: &Connection, sql: &str, params: &[Value], max_bytes: usize) -> Result<QueryOutput, Stop> {
    let before = heap::used();
    let mut statement = connection.sqlite.prepare_cached(sql)?;
    let is_kept = heap::used() - before <= LARGEST_KEPT;
    let output = rows_of(&mut statement, params, max_bytes);
    if !is_kept {
        statement.discard();
    }
    output
}

fn rows_of(statement: &mut Statement<'_>, params: &[Value], max_bytes: usize) -> Result<QueryOutput, Stop> {
    bind(statement, params)?;
    let mut output = QueryOutput { columns: column_names(statement), rows: Vec::new(), commit: None };
    let mut bytes = 0;
    let mut rows = statement.raw_query();
    while let Some(row) = rows.next()? {
        if output.rows.is_empty() {
            // The first step may have compiled the statement anew, for a schema with other columns.
            output.columns = column_names(row.as_ref());
        }
        output.rows.push(read_row(row, output.columns.len(), &mut bytes, max_bytes)?);
    }
    Ok(output)
}

fn bind(statement: &mut Statement<'_>, params: &[Value]) -> rusqlite::Result<()> {
    let expected = statement.parameter_count();
    if params.len() != expected {
        return Err(rusqlite::Error::InvalidParameterCount(params.len(), expected));
    }
    params.iter().enumerate().try_for_each(|(index, value)| statement.raw_bind_parameter(index + 1, value))
}

fn column_names(statement: &Statement<'_>) -> Vec<String> {
    statement.column_names().map(str::to_owned).collect()
}

fn read_row(row: &Row<'_>, width: usize, bytes: &mut usize, max_bytes: usize) -> Result<Vec<Value>, Stop> {
    let mut values = Vec::with_capacity(width);
    *bytes += size_of::<Vec<Value>>();
    for column in 0..width {
        let value = row.get_ref(column)?;
        *bytes += size_of::<Value>() + held_bytes(value);
        if *bytes > max_bytes {
            return Err(Stop::OutOfSpace);
        }
        values.push(own(value, column)?);
    }
    Ok(values)
}

fn held_bytes(value: ValueRef<'_>) -> usize {
    match value {
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => bytes.len(),
        ValueRef::Null | ValueRef::Integer(_) | ValueRef::Real(_) => 0,
    }
}

fn own(value: ValueRef<'_>, column: usize) -> Result<Value, Stop> {
    Ok(match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) => Value::Integer(number),
        ValueRef::Real(number) => Value::Real(number),
        ValueRef::Blob(bytes) => Value::Blob(bytes.to_vec()),
        ValueRef::Text(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) => Value::Text(text.to_owned()),
            Err(_) => return Err(Stop::Failed(Error::Statement(not_text(column)))),
        },
    })
}

fn not_text(column: usize) -> String {
    format!("column {column} holds text that is not UTF-8; select it as CAST(… AS BLOB)")
}
