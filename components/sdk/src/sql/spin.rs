//! The host's SQLite: one label, one shared connection, and a few idle ones for transactions.

use std::{cell::RefCell, rc::Rc};

use spin_sdk::{
    sqlite::wit::sqlite::{self, RowResult},
    wit_bindgen::{StreamReader, StreamResult},
};

use super::{Driver, Execute, Row, SqlError, Value};

/// As many as the requests that an instance serves at once; what is opened beyond is closed afterwards.
const IDLE_CONNECTIONS: usize = 16;

pub struct Spin {
    label: &'static str,
    shared: RefCell<Option<Rc<Connection>>>,
    idle: RefCell<Vec<Connection>>,
}

/// The host's own resource: the SDK's wrapper has no synchronous calls.
pub struct Connection {
    host: sqlite::Connection,
    /// Never in a transaction, so that nothing it reads has to wait for the writer.
    is_shared: bool,
}

impl Spin {
    pub const fn new(label: &'static str) -> Self {
        Self { label, shared: RefCell::new(None), idle: RefCell::new(Vec::new()) }
    }

    async fn open(&self, is_shared: bool) -> Result<Connection, SqlError> {
        let host = sqlite::Connection::open_async(self.label.to_owned()).await.map_err(error)?;
        Ok(Connection { host, is_shared })
    }
}

impl Driver for Spin {
    type Connection = Connection;

    async fn shared(&self) -> Result<Rc<Connection>, SqlError> {
        if let Some(connection) = self.shared.borrow().as_ref() {
            return Ok(connection.clone());
        }
        let connection = Rc::new(self.open(true).await?);
        self.shared.replace(Some(connection.clone()));
        Ok(connection)
    }

    fn discard_shared(&self) {
        self.shared.replace(None);
    }

    async fn take(&self) -> Result<Connection, SqlError> {
        let idle = self.idle.borrow_mut().pop();
        match idle {
            Some(connection) => Ok(connection),
            None => self.open(false).await,
        }
    }

    fn give_back(&self, connection: Connection) {
        let mut idle = self.idle.borrow_mut();
        if idle.len() < IDLE_CONNECTIONS {
            idle.push(connection);
        }
    }
}

impl Execute for Connection {
    async fn execute(&self, sql: &str, parameters: Vec<Value>) -> Result<Vec<Row>, SqlError> {
        let (sql, parameters) = (sql.to_owned(), parameters.into_iter().map(to_host).collect());
        let is_read = self.is_shared && sql.starts_with("SELECT");
        let rows = if is_read { self.read(sql, parameters)? } else { self.run(sql, parameters).await? };
        Ok(rows.into_iter().map(|row| Row::new(row.values.into_iter().map(from_host).collect())).collect())
    }
}

impl Connection {
    /// In one call, without the handles of a stream and a future. The host answers a short read at once; during a long one, which
    /// no service has on its path, the instance's other requests wait.
    fn read(&self, sql: String, parameters: Vec<sqlite::Value>) -> Result<Vec<RowResult>, SqlError> {
        self.host.execute(&sql, &parameters).map(|result| result.rows).map_err(error)
    }

    /// Awaits the result too: that is where a failed write tells. A statement without columns has no rows to wait for.
    async fn run(&self, sql: String, parameters: Vec<sqlite::Value>) -> Result<Vec<RowResult>, SqlError> {
        let (columns, stream, done) = self.host.execute_async(sql, parameters).await.map_err(error)?;
        let rows = if columns.is_empty() { Vec::new() } else { read_all(stream).await };
        done.await.map_err(error)?;
        Ok(rows)
    }
}

/// A page and the row that tells of the next one: nearly every result is here with one read.
const ROWS_A_READ: usize = 101;

async fn read_all(mut stream: StreamReader<RowResult>) -> Vec<RowResult> {
    let mut rows = Vec::with_capacity(ROWS_A_READ);
    loop {
        rows.reserve(1);
        let (status, read) = stream.read(rows).await;
        rows = read;
        match status {
            StreamResult::Complete(_) => {}
            StreamResult::Dropped | StreamResult::Cancelled => return rows,
        }
    }
}

fn to_host(value: Value) -> sqlite::Value {
    match value {
        Value::Null => sqlite::Value::Null,
        Value::Integer(number) => sqlite::Value::Integer(number),
        Value::Real(number) => sqlite::Value::Real(number),
        Value::Text(text) => sqlite::Value::Text(text),
        Value::Blob(bytes) => sqlite::Value::Blob(bytes),
    }
}

fn from_host(value: sqlite::Value) -> Value {
    match value {
        sqlite::Value::Null => Value::Null,
        sqlite::Value::Integer(number) => Value::Integer(number),
        sqlite::Value::Real(number) => Value::Real(number),
        sqlite::Value::Text(text) => Value::Text(text),
        sqlite::Value::Blob(bytes) => Value::Blob(bytes),
    }
}

/// The host tells most failures as text only. What is no fault of the statement is worth another try: a caller that gives up
/// too early loses work, one that tries once too often loses a moment.
fn error(error: sqlite::Error) -> SqlError {
    match error {
        sqlite::Error::NoSuchDatabase => SqlError::Failed("no such database label".to_owned()),
        sqlite::Error::AccessDenied => SqlError::Failed("access to the database label denied".to_owned()),
        sqlite::Error::InvalidConnection => SqlError::Unavailable("connection lost".to_owned()),
        sqlite::Error::DatabaseFull => SqlError::Unavailable("database full".to_owned()),
        sqlite::Error::Io(reason) if is_statements_fault(&reason) => SqlError::Failed(reason),
        sqlite::Error::Io(reason) => SqlError::Unavailable(reason),
    }
}

fn is_statements_fault(reason: &str) -> bool {
    const FAULTS: [&str; 9] = [
        "syntax error",
        "no such",
        "has no column",
        "constraint",
        "mismatch",
        "ambiguous",
        "already exists",
        "parameter",
        "one statement at a time",
    ];
    FAULTS.iter().any(|fault| reason.contains(fault))
}
