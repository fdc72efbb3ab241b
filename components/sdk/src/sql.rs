//! SQL: one statement a call to the host, transactions, typed rows. `store.rs` of each service is written against [`Database`].
//!
//! Each call is a round trip to the host, and a transaction holds the database's only writer: an effect that is one
//! statement needs no transaction, and what can be read or computed before one should be.

pub mod database;
pub mod migration;
mod schema;
pub mod spin;
mod statements;
pub mod value;

pub use database::Database;
pub use migration::Migration;
pub use schema::schema_section;
pub use spin::Spin;
pub use value::{FromValue, Row, Value, many, one};

/// One statement on a connection; its rows are all in memory.
pub trait Execute {
    #[expect(async_fn_in_trait, reason = "a guest is single-threaded: no bound is needed")]
    async fn execute(&self, sql: &str, parameters: Vec<Value>) -> Result<Vec<Row>, SqlError>;
}

/// Where connections come from. A transaction belongs to a connection, and an instance serves several requests at once:
/// so there is one shared connection for single statements, and one of its own for each transaction.
pub trait Driver {
    type Connection: Execute;

    #[expect(async_fn_in_trait, reason = "a guest is single-threaded: no bound is needed")]
    async fn shared(&self) -> Result<std::rc::Rc<Self::Connection>, SqlError>;

    /// The shared connection broke: the next call opens another.
    fn discard_shared(&self);

    #[expect(async_fn_in_trait, reason = "a guest is single-threaded: no bound is needed")]
    async fn take(&self) -> Result<Self::Connection, SqlError>;

    /// A connection whose transaction has ended well; others are dropped, which ends what they left open.
    fn give_back(&self, connection: Self::Connection);
}

/// Why a statement failed; for the log, never for the client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SqlError {
    /// Worth another try: busy, full, timed out, connection lost.
    Unavailable(String),
    /// A fault of ours or of the data.
    Failed(String),
    /// A row was not what the code expects.
    Row(String),
}

impl std::fmt::Display for SqlError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unavailable(reason) => write!(f, "database unavailable: {reason}"),
            Self::Failed(reason) => write!(f, "statement failed: {reason}"),
            Self::Row(reason) => write!(f, "unexpected row: {reason}"),
        }
    }
}

impl std::error::Error for SqlError {}

/// A list as one parameter: read it in SQL with `json_each(?)`, so that a statement for many is one statement with a fixed text.
pub fn list<T: serde::Serialize>(items: &[T]) -> Result<Value, SqlError> {
    serde_json::to_string(items).map(Value::Text).map_err(|e| SqlError::Failed(format!("failed to encode a list: {e}")))
}
