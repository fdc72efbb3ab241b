//! The functions of `spin:sqlite/sqlite`. The asynchronous ones do not hold the instance's store while they wait for the
//! database, so that a slow statement holds up its own request only.

use kobliat_engine::{Held, State, current_trace};
use kobliat_telemetry::Trace;
use wasmtime::AsContextMut;
use wasmtime::component::{Accessor, FutureReader, Resource, StreamReader};

use crate::bindings::spin::sqlite::sqlite::{
    Error, Host, HostConnection, HostConnectionWithStore, QueryResult, RowResult, Value,
};
use crate::instance::{Connection, InstanceView, SqliteHost};
use crate::rows::RowStream;
use crate::spans;

type Streamed = (Vec<String>, StreamReader<RowResult>, FutureReader<Result<(), Error>>);

impl Host for InstanceView<'_> {}

impl HostConnection for InstanceView<'_> {
    fn open(&mut self, database: String) -> wasmtime::Result<Result<Resource<Connection>, Error>> {
        InstanceView::open(self, &database)
    }

    /// For synchronous guests. The component model lets such a call hold its whole instance while it waits.
    async fn execute(
        &mut self,
        connection: Resource<Connection>,
        statement: String,
        parameters: Vec<Value>,
    ) -> wasmtime::Result<Result<QueryResult, Error>> {
        let session = self.get(&connection)?;
        let trace = self.trace.clone();
        let output = run(&session, &trace, &statement, parameters).await;
        Ok(output.map(|(columns, rows, _held)| QueryResult { columns, rows }))
    }

    fn last_insert_rowid(&mut self, connection: Resource<Connection>) -> wasmtime::Result<i64> {
        Ok(self.get(&connection)?.session.last_insert_rowid())
    }

    fn changes(&mut self, connection: Resource<Connection>) -> wasmtime::Result<u64> {
        Ok(self.get(&connection)?.session.changes())
    }

    fn drop(&mut self, connection: Resource<Connection>) -> wasmtime::Result<()> {
        self.close(connection)
    }
}

impl HostConnectionWithStore<State> for SqliteHost {
    async fn open_async(
        accessor: &Accessor<State, Self>,
        database: String,
    ) -> wasmtime::Result<Result<Resource<Connection>, Error>> {
        accessor.with(|mut access| access.get().open(&database))
    }

    /// The rows are collected before the guest sees the first, so that a guest that reads slowly, or never, holds no
    /// reader back. They count towards what the host may hold for it. Stream and future are ready when the guest gets them.
    async fn execute_async(
        accessor: &Accessor<State, Self>,
        connection: Resource<Connection>,
        statement: String,
        parameters: Vec<Value>,
    ) -> wasmtime::Result<Result<Streamed, Error>> {
        let (session, trace) = accessor.with(|mut access| {
            wasmtime::error::Ok((access.get().get(&connection)?, current_trace(access.as_context_mut())))
        })?;
        let (columns, rows, held) = match run(&session, &trace, &statement, parameters).await {
            Ok(output) => output,
            Err(error) => return Ok(Err(error)),
        };
        accessor.with(|mut access| {
            let rows = StreamReader::new(&mut access, RowStream::new(rows, held))?;
            let done = FutureReader::new(&mut access, std::future::ready(wasmtime::error::Ok(Ok(()))))?;
            Ok(Ok((columns, rows, done)))
        })
    }

    async fn last_insert_rowid_async(
        accessor: &Accessor<State, Self>,
        connection: Resource<Connection>,
    ) -> wasmtime::Result<i64> {
        accessor.with(|mut access| Ok(access.get().get(&connection)?.session.last_insert_rowid()))
    }

    async fn changes_async(
        accessor: &Accessor<State, Self>,
        connection: Resource<Connection>,
    ) -> wasmtime::Result<u64> {
        accessor.with(|mut access| Ok(access.get().get(&connection)?.session.changes()))
    }
}

/// The answer, with what its rows weigh.
pub(crate) async fn run(
    connection: &Connection,
    trace: &Trace,
    statement: &str,
    parameters: Vec<Value>,
) -> Result<(Vec<String>, Vec<RowResult>, Held), Error> {
    let mut span = spans::of_statement(trace, &connection.label, statement, !parameters.is_empty());
    let parameters: Vec<_> = parameters.into_iter().map(from_guest).collect();
    // They may wait for the writer, with as many others as the guest likes.
    let waiting = connection.hold(statement.len() + weight(&parameters))?;
    let output = connection.session.execute(statement, parameters).await;
    spans::finish(&mut span, &output);
    drop(waiting);
    let output = output.map_err(to_guest_error)?;
    let held = connection.hold(output.rows.iter().map(|row| ROW + weight(row)).sum())?;
    Ok((output.columns, output.rows.into_iter().map(row).collect(), held))
}

/// A row beside its values.
const ROW: usize = size_of::<RowResult>();

fn weight(values: &[kobliat_sqlite::Value]) -> usize {
    values.iter().map(kobliat_sqlite::Value::size_bytes).sum()
}

fn row(values: Vec<kobliat_sqlite::Value>) -> RowResult {
    RowResult { values: values.into_iter().map(to_guest).collect() }
}

fn from_guest(value: Value) -> kobliat_sqlite::Value {
    match value {
        Value::Integer(number) => kobliat_sqlite::Value::Integer(number),
        Value::Real(number) => kobliat_sqlite::Value::Real(number),
        Value::Text(text) => kobliat_sqlite::Value::Text(text),
        Value::Blob(bytes) => kobliat_sqlite::Value::Blob(bytes),
        Value::Null => kobliat_sqlite::Value::Null,
    }
}

fn to_guest(value: kobliat_sqlite::Value) -> Value {
    match value {
        kobliat_sqlite::Value::Integer(number) => Value::Integer(number),
        kobliat_sqlite::Value::Real(number) => Value::Real(number),
        kobliat_sqlite::Value::Text(text) => Value::Text(text),
        kobliat_sqlite::Value::Blob(bytes) => Value::Blob(bytes),
        kobliat_sqlite::Value::Null => Value::Null,
    }
}

/// The guest hears what SQLite says of its statement, and of the host only that it failed: no path, no reason.
fn to_guest_error(error: kobliat_sqlite::Error) -> Error {
    match error {
        kobliat_sqlite::Error::Full => Error::DatabaseFull,
        kobliat_sqlite::Error::Open { .. } => Error::Io("the database cannot be opened".to_owned()),
        other => Error::Io(other.to_string()),
    }
}
