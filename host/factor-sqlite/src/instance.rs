//! What one guest instance may open, and the connections that it holds.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use kobliat_engine::State;
use kobliat_sqlite::{Database, Session};
use kobliat_telemetry::Trace;
use wasmtime::component::{HasData, Resource, ResourceTable};

use crate::bindings::spin::sqlite::sqlite::Error;
use crate::databases::Databases;

/// Connections that an instance may hold, as in Spin. They are cheap here, but not free.
const MAX_CONNECTIONS: usize = 256;
/// Refused labels that are logged for one component: a guest may make them up.
const MAX_WARNINGS: usize = 16;

/// A guest's `connection`. Shared with the statements under way, which may outlive the handle.
pub type Connection = Arc<Labelled>;

/// A session, and how the guest calls its database.
pub struct Labelled {
    pub session: Session,
    pub label: Arc<str>,
}

/// A component's share of the databases.
pub(crate) struct Grant {
    component: String,
    allowed: HashMap<Arc<str>, Arc<Database>>,
    /// Labels of others: told apart from unknown ones.
    denied: HashSet<String>,
    warned: Mutex<HashSet<String>>,
}

impl Grant {
    pub fn new(component: &str, labels: &[String], databases: &Databases) -> Self {
        let allowed: HashMap<_, _> =
            labels.iter().filter_map(|label| Some((label.as_str().into(), databases.get(label)?))).collect();
        let denied = databases.labels().into_iter().filter(|label| !allowed.contains_key(label.as_str())).collect();
        Self { component: component.to_owned(), allowed, denied, warned: Mutex::default() }
    }

    fn open(&self, label: &str) -> Result<Labelled, Error> {
        if let Some((label, database)) = self.allowed.get_key_value(label) {
            return Ok(Labelled { session: database.session(), label: Arc::clone(label) });
        }
        self.warn_once(label);
        Err(if self.denied.contains(label) { Error::AccessDenied } else { Error::NoSuchDatabase })
    }

    fn warn_once(&self, label: &str) {
        let mut warned = self.warned.lock().unwrap_or_else(PoisonError::into_inner);
        if warned.len() < MAX_WARNINGS && label.len() <= 64 && warned.insert(label.to_owned()) {
            let component = &self.component;
            tracing::warn!(
                component = %component,
                "component `{component}` may not open database `{label}`: add {label:?} to sqlite_databases of [component.{component}] in spin.toml (and to its `own`, if it has one)"
            );
        }
    }
}

/// An instance's data in its store.
pub(crate) struct Instance {
    grant: Arc<Grant>,
    connections: usize,
    /// It only probes a new version of its component.
    read_only: bool,
}

impl Instance {
    pub fn new(grant: Arc<Grant>, read_only: bool) -> Self {
        Self { grant, connections: 0, read_only }
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
        let session = match self.instance.grant.open(label) {
            Ok(open) if self.instance.read_only => Labelled { session: open.session.read_only(), ..open },
            Ok(open) => open,
            Err(error) => return Ok(Err(error)),
        };
        let connection = self.table.push(Arc::new(session))?;
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
