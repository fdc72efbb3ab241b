//! `fermyon:spin/sqlite@2.0.0`: synchronous, for components of SDK 5 and other languages. The connections are the same.

use wasmtime::component::Resource;

use crate::bindings::fermyon::spin::sqlite::{Error, Host, HostConnection, QueryResult, RowResult, Value};
use crate::bindings::spin::sqlite::sqlite as current;
use crate::host::run;
use crate::instance::{Connection, InstanceView};

impl Host for InstanceView<'_> {}

impl HostConnection for InstanceView<'_> {
    fn open(&mut self, database: String) -> wasmtime::Result<Result<Resource<Connection>, Error>> {
        Ok(InstanceView::open(self, &database)?.map_err(Error::from))
    }

    async fn execute(
        &mut self,
        connection: Resource<Connection>,
        statement: String,
        parameters: Vec<Value>,
    ) -> wasmtime::Result<Result<QueryResult, Error>> {
        let session = self.get(&connection)?;
        let parameters = parameters.into_iter().map(current::Value::from).collect();
        let trace = self.trace.clone();
        let output = run(&session, &trace, &statement, parameters).await;
        Ok(output
            .map_err(Error::from)
            .map(|(columns, rows, _held)| QueryResult { columns, rows: rows.into_iter().map(row).collect() }))
    }

    fn drop(&mut self, connection: Resource<Connection>) -> wasmtime::Result<()> {
        self.close(connection)
    }
}

fn row(row: current::RowResult) -> RowResult {
    RowResult { values: row.values.into_iter().map(Value::from).collect() }
}

impl From<Value> for current::Value {
    fn from(value: Value) -> Self {
        match value {
            Value::Integer(number) => Self::Integer(number),
            Value::Real(number) => Self::Real(number),
            Value::Text(text) => Self::Text(text),
            Value::Blob(bytes) => Self::Blob(bytes),
            Value::Null => Self::Null,
        }
    }
}

impl From<current::Value> for Value {
    fn from(value: current::Value) -> Self {
        match value {
            current::Value::Integer(number) => Self::Integer(number),
            current::Value::Real(number) => Self::Real(number),
            current::Value::Text(text) => Self::Text(text),
            current::Value::Blob(bytes) => Self::Blob(bytes),
            current::Value::Null => Self::Null,
        }
    }
}

impl From<current::Error> for Error {
    fn from(error: current::Error) -> Self {
        match error {
            current::Error::NoSuchDatabase => Self::NoSuchDatabase,
            current::Error::AccessDenied => Self::AccessDenied,
            current::Error::InvalidConnection => Self::InvalidConnection,
            current::Error::DatabaseFull => Self::DatabaseFull,
            current::Error::Io(reason) => Self::Io(reason),
        }
    }
}
