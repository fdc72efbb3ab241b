//! What one guest instance may open, and the connections that it holds.

use std::sync::Arc;

use kobliat_engine::{Allowance, Grant, Held, Labelled, Refused, State};
use kobliat_sqlite::{Database, Session, SessionLimits};
use kobliat_telemetry::Trace;
use wasmtime::component::{HasData, Resource, ResourceTable};

use crate::bindings::spin::sqlite::sqlite::Error;
use crate::databases::Databases;

/// Connections that an instance may hold, as in Spin. They are cheap here, but not free.
const MAX_CONNECTIONS: usize = 256;
static DATABASES: Labelled = Labelled { noun: "database", key: "sqlite_databases" };

/// A guest's `connection`. Shared with the statements under way, which may outlive the handle.
pub type Connection = Arc<Opened>;

/// A session, and how the guest calls its database.
pub struct Opened {
    pub session: Session,
    pub label: Arc<str>,
    allowance: Allowance,
}

impl Opened {
    /// Counts what the host holds for the instance; the error is what the guest is told.
    pub fn hold(&self, bytes: usize) -> Result<Held, Error> {
        self.allowance.take(bytes).map_err(|exhausted| Error::Io(exhausted.to_string()))
    }
}

/// A component's share of the databases.
pub(crate) fn grant(component: &str, labels: &[String], databases: &Databases) -> Arc<Grant<Arc<Database>>> {
    let known =
        databases.labels().into_iter().filter_map(|label| databases.get(&label).map(|database| (label, database)));
    Arc::new(Grant::new(component, &DATABASES, labels, known))
}

impl From<Refused> for Error {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Denied => Self::AccessDenied,
            Refused::Unknown => Self::NoSuchDatabase,
        }
    }
}

/// An instance's data in its store.
pub(crate) struct Instance {
    grant: Arc<Grant<Arc<Database>>>,
    connections: usize,
    allowance: Allowance,
    /// It only probes a new version of its component.
    read_only: bool,
}

impl Instance {
    pub fn new(grant: Arc<Grant<Arc<Database>>>, allowance: Allowance, read_only: bool) -> Self {
        Self { grant, connections: 0, allowance, read_only }
    }
}

/// The view of the store that the host functions work on.
pub(crate) struct SqliteHost;

impl HasData for SqliteHost {
    type Data<'a> = InstanceView<'a>;
}

impl SqliteHost {
    pub fn of(state: &mut State) -> InstanceView<'_> {
        let trace = state.only_trace();
        let (instance, table) = state.get_with_table::<Instance>().expect("prepare_instance has inserted it");
        InstanceView { instance, table, trace }
    }
}

pub(crate) struct InstanceView<'a> {
    instance: &'a mut Instance,
    table: &'a mut ResourceTable,
    /// Of the instance's only request, for calls that can not tell whose they are.
    pub trace: Trace,
}

impl InstanceView<'_> {
    pub fn open(&mut self, label: &str) -> wasmtime::Result<Result<Resource<Connection>, Error>> {
        if self.instance.connections >= MAX_CONNECTIONS {
            let why = format!("this instance holds {MAX_CONNECTIONS} connections already: drop those it does not need");
            return Ok(Err(Error::Io(why)));
        }
        let (label, database) = match self.instance.grant.open(label) {
            Ok(found) => found,
            Err(refused) => return Ok(Err(refused.into())),
        };
        let allowance = self.instance.allowance.clone();
        let limits = SessionLimits { memory_bytes: allowance.limit(), result_bytes: allowance.limit() };
        let session = database.session().within(limits);
        let session = if self.instance.read_only { session.read_only() } else { session };
        let connection = self.table.push(Arc::new(Opened { session, label: Arc::clone(label), allowance }))?;
        self.instance.connections += 1;
        Ok(Ok(connection))
    }

    pub fn get(&self, connection: &Resource<Connection>) -> wasmtime::Result<Connection> {
        Ok(self.table.get(connection)?.clone())
    }

    pub fn close(&mut self, connection: Resource<Connection>) -> wasmtime::Result<()> {
        self.table.delete(connection)?;
        self.instance.connections -= 1;
        Ok(())
    }
}

#[cfg(test)]
#[path = "instance_tests.rs"]
mod tests;
