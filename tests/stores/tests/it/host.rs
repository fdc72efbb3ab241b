//! The host's SQLite behind the SDK's traits: a service's statements run as they do in production, policy and all, without a guest.

use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;

use kobliat_sqlite::{Database, Error, Options, Session, Value};
use sdk::sql::{self, Driver, Execute, Row, SqlError};

pub struct Host(Arc<Database>);

impl Host {
    pub fn open(path: &Path) -> Self {
        Self(Database::open(path, Options::default()).unwrap())
    }
}

pub struct Connection(Session);

impl Driver for Host {
    type Connection = Connection;

    async fn shared(&self) -> Result<Rc<Connection>, SqlError> {
        self.take().await.map(Rc::new)
    }

    fn discard_shared(&self) {}

    async fn take(&self) -> Result<Connection, SqlError> {
        Ok(Connection(self.0.session()))
    }

    fn give_back(&self, _: Connection) {}
}

impl Execute for Connection {
    async fn execute(&self, sql: &str, parameters: Vec<sql::Value>) -> Result<Vec<Row>, SqlError> {
        let output = self.0.execute(sql, parameters.into_iter().map(to_host).collect()).await.map_err(error)?;
        Ok(output.rows.into_iter().map(|row| Row::new(row.into_iter().map(from_host).collect())).collect())
    }
}

fn error(error: Error) -> SqlError {
    match error {
        Error::Busy(_) | Error::Full | Error::Closed => SqlError::Unavailable(error.to_string()),
        other => SqlError::Failed(other.to_string()),
    }
}

fn to_host(value: sql::Value) -> Value {
    match value {
        sql::Value::Null => Value::Null,
        sql::Value::Integer(number) => Value::Integer(number),
        sql::Value::Real(number) => Value::Real(number),
        sql::Value::Text(text) => Value::Text(text),
        sql::Value::Blob(bytes) => Value::Blob(bytes),
    }
}

fn from_host(value: Value) -> sql::Value {
    match value {
        Value::Null => sql::Value::Null,
        Value::Integer(number) => sql::Value::Integer(number),
        Value::Real(number) => sql::Value::Real(number),
        Value::Text(text) => sql::Value::Text(text),
        Value::Blob(bytes) => sql::Value::Blob(bytes),
    }
}
