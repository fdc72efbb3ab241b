//! The values that go into a statement and come out of it.

use rusqlite::ToSql;
use rusqlite::types::{ToSqlOutput, ValueRef};

/// One SQLite value.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    Integer(i64),
    Real(f64),
    Text(String),
    Blob(Vec<u8>),
    Null,
}

impl Value {
    /// What this value holds in memory, roughly: the bounds on parameters and results count with it.
    pub fn size_bytes(&self) -> usize {
        size_of::<Self>()
            + match self {
                Self::Text(text) => text.len(),
                Self::Blob(bytes) => bytes.len(),
                Self::Integer(_) | Self::Real(_) | Self::Null => 0,
            }
    }
}

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Integer(number) => ValueRef::Integer(*number),
            Self::Real(number) => ValueRef::Real(*number),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
            Self::Blob(bytes) => ValueRef::Blob(bytes),
            Self::Null => ValueRef::Null,
        }))
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Integer(number)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

/// The result of one statement; both parts are empty for a statement that returns nothing.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct QueryOutput {
    pub columns: Vec<String>,
    pub rows: Vec<Vec<Value>>,
    /// The commit that brought it to disk; `None` for what needed none.
    pub commit: Option<Commit>,
}

impl QueryOutput {
    pub(crate) fn size_bytes(&self) -> usize {
        self.rows.iter().map(|row| size_of::<Vec<Value>>() + row.iter().map(Value::size_bytes).sum::<usize>()).sum()
    }
}

/// One commit of the writer, shared by everything in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Commit {
    pub took: std::time::Duration,
    /// Writes and transactions in it.
    pub jobs: usize,
}
