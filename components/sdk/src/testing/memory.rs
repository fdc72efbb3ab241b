//! SQLite in memory behind the same traits as the host's: the services' real statements run in their native tests.

use std::{
    cell::{Cell, RefCell},
    future::poll_fn,
    rc::Rc,
    task::{Context as TaskContext, Poll},
};

use rusqlite::types::{Value as Stored, ValueRef};

use crate::sql::{Driver, Execute, Row, SqlError, Value};

/// One database. Its connections are one underneath, with a lock that a transaction holds: as on the host, writers take turns.
#[derive(Clone)]
pub struct Memory(Rc<Inner>);

struct Inner {
    sqlite: rusqlite::Connection,
    in_transaction: Cell<bool>,
    statements: RefCell<Vec<String>>,
}

impl Memory {
    #[expect(clippy::new_without_default, reason = "it opens a database, which is no default")]
    pub fn new() -> Self {
        let sqlite = rusqlite::Connection::open_in_memory().expect("SQLite opens in memory");
        Self(Rc::new(Inner { sqlite, in_transaction: Cell::new(false), statements: RefCell::default() }))
    }

    /// The texts of the statements since the last call, so that a test can count round trips.
    pub fn statements(&self) -> Vec<String> {
        self.0.statements.take()
    }

    /// The first column of the first row of a query, past all locks; for what no API tells.
    pub fn scalar(&self, sql: &str) -> i64 {
        self.0.sqlite.query_row(sql, [], |row| row.get(0)).expect("the query gives a number")
    }

    pub fn sqlite(&self) -> &rusqlite::Connection {
        &self.0.sqlite
    }
}

/// A connection; `is_owner` while its transaction is open.
pub struct Connection {
    inner: Rc<Inner>,
    is_owner: Cell<bool>,
}

impl Driver for Memory {
    type Connection = Connection;

    async fn shared(&self) -> Result<Rc<Connection>, SqlError> {
        Ok(Rc::new(self.take().await?))
    }

    fn discard_shared(&self) {}

    async fn take(&self) -> Result<Connection, SqlError> {
        Ok(Connection { inner: self.0.clone(), is_owner: Cell::new(false) })
    }

    fn give_back(&self, _: Connection) {}
}

impl Execute for Connection {
    async fn execute(&self, sql: &str, parameters: Vec<Value>) -> Result<Vec<Row>, SqlError> {
        yield_once().await; // as a round trip to the host: others may run
        poll_fn(|task| if self.may_run() { Poll::Ready(()) } else { again(task) }).await;
        self.inner.statements.borrow_mut().push(sql.to_owned());
        let result = self.inner.run(sql, parameters).map_err(|e| SqlError::Failed(e.to_string()));
        self.is_owner.set(self.is_owner.get() || (result.is_ok() && sql.starts_with("BEGIN")));
        if self.inner.sqlite.is_autocommit() {
            self.is_owner.set(false);
        }
        self.inner.in_transaction.set(!self.inner.sqlite.is_autocommit());
        result
    }
}

impl Connection {
    fn may_run(&self) -> bool {
        self.is_owner.get() || !self.inner.in_transaction.get()
    }
}

impl Drop for Connection {
    /// An abandoned transaction is undone, as the host does.
    fn drop(&mut self) {
        if self.is_owner.get() && !self.inner.sqlite.is_autocommit() {
            let _ = self.inner.sqlite.execute_batch("ROLLBACK");
            self.inner.in_transaction.set(false);
        }
    }
}

impl Inner {
    fn run(&self, sql: &str, parameters: Vec<Value>) -> rusqlite::Result<Vec<Row>> {
        let mut statement = self.sqlite.prepare_cached(sql)?;
        let columns = statement.column_count();
        let parameters = rusqlite::params_from_iter(parameters.into_iter().map(to_sqlite));
        let mut rows = statement.query(parameters)?;
        let mut read = Vec::new();
        while let Some(row) = rows.next()? {
            let values = (0..columns).map(|i| row.get_ref(i).map(from_sqlite)).collect::<rusqlite::Result<_>>()?;
            read.push(Row::new(values));
        }
        Ok(read)
    }
}

fn to_sqlite(value: Value) -> Stored {
    match value {
        Value::Null => Stored::Null,
        Value::Integer(number) => Stored::Integer(number),
        Value::Real(number) => Stored::Real(number),
        Value::Text(text) => Stored::Text(text),
        Value::Blob(bytes) => Stored::Blob(bytes),
    }
}

fn from_sqlite(value: ValueRef<'_>) -> Value {
    match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) => Value::Integer(number),
        ValueRef::Real(number) => Value::Real(number),
        ValueRef::Text(text) => Value::Text(String::from_utf8_lossy(text).into_owned()),
        ValueRef::Blob(bytes) => Value::Blob(bytes.to_vec()),
    }
}

/// Lets others run once.
pub async fn yield_once() {
    let mut yielded = false;
    poll_fn(|task| if std::mem::replace(&mut yielded, true) { Poll::Ready(()) } else { again(task) }).await;
}

/// Not yet. Who polls only what was woken is to come again, too.
fn again(task: &TaskContext<'_>) -> Poll<()> {
    task.waker().wake_by_ref();
    Poll::Pending
}
