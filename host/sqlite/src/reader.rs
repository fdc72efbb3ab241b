//! Reads outside transactions: at once on the caller's thread, or, when they turn out long, on a thread of their own.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Semaphore;

use crate::bounds::Bounds;
use crate::connection::Connection;
use crate::options::Options;
use crate::plan::Plan;
use crate::run::{Stop, run};
use crate::session::SessionLimits;
use crate::statistics::Counters;
use crate::{Error, QueryOutput, Value};

/// A result larger than this is not collected on the caller's thread.
const INLINE_RESULT_BYTES: usize = 256 << 10;

/// The reading connections of one database. There are as many as ever read at the same time: at most the runtime's threads
/// and the long reads.
pub(crate) struct Readers {
    path: PathBuf,
    options: Options,
    counters: Arc<Counters>,
    idle: Mutex<Vec<Connection>>,
    long: Arc<Semaphore>,
}

impl Readers {
    pub fn new(path: PathBuf, options: Options, counters: Arc<Counters>) -> Self {
        let long = Arc::new(Semaphore::new(options.long_reads.max(1)));
        Self { path, options, counters, idle: Mutex::default(), long }
    }

    /// Sees everything whose reply was sent before this call.
    pub async fn read(
        self: &Arc<Self>,
        plan: &Arc<Plan>,
        params: Vec<Value>,
        limits: SessionLimits,
    ) -> Result<QueryOutput, Error> {
        let bounds = Bounds {
            time: self.options.inline_budget,
            result_bytes: INLINE_RESULT_BYTES.min(limits.result_bytes),
            memory_bytes: limits.memory_bytes,
            temporary_bytes: self.options.max_temporary_bytes,
            cancelled: None,
        };
        match self.run(plan, &params, bounds) {
            Ok(output) => {
                self.counters.inline_reads.fetch_add(1, Relaxed);
                Ok(output)
            }
            Err(Stop::Failed(error)) => Err(error),
            Err(Stop::OutOfTime | Stop::OutOfSpace) => self.read_long(plan.clone(), params, limits).await,
        }
    }

    async fn read_long(
        self: &Arc<Self>,
        plan: Arc<Plan>,
        params: Vec<Value>,
        limits: SessionLimits,
    ) -> Result<QueryOutput, Error> {
        let permit = self.long.clone().acquire_owned().await.map_err(|_| Error::Closed)?;
        self.counters.long_reads.fetch_add(1, Relaxed);
        let cancelled = Arc::new(AtomicBool::new(false));
        let _cancel = CancelOnDrop(cancelled.clone());
        let readers = self.clone();
        let work = move || {
            let _permit = permit;
            let bounds = Bounds {
                time: readers.options.read_time_limit,
                result_bytes: limits.result_bytes,
                memory_bytes: limits.memory_bytes,
                temporary_bytes: readers.options.max_temporary_bytes,
                cancelled: Some(cancelled),
            };
            readers.run(&plan, &params, bounds)
        };
        match tokio::task::spawn_blocking(work).await {
            Ok(Ok(output)) => Ok(output),
            Ok(Err(stop)) => Err(self.explain(stop, limits)),
            Err(failed) => Err(Error::Io(format!("the reader failed: {failed}"))),
        }
    }

    fn run(&self, plan: &Plan, params: &[Value], bounds: Bounds) -> Result<QueryOutput, Stop> {
        let connection = self.borrow().map_err(Stop::Failed)?;
        let result = run(&connection, &plan.sql, params, bounds);
        self.give_back(connection);
        result
    }

    pub(crate) fn borrow(&self) -> Result<Connection, Error> {
        if self.long.is_closed() {
            return Err(Error::Closed);
        }
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        idle.map_or_else(|| Connection::reader(&self.path, &self.options), Ok)
    }

    pub(crate) fn give_back(&self, connection: Connection) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if !self.long.is_closed() {
            idle.push(connection);
        }
    }

    fn explain(&self, stop: Stop, limits: SessionLimits) -> Error {
        match stop {
            Stop::Failed(error) => error,
            Stop::OutOfTime => Error::TimedOut(self.options.read_time_limit.as_millis()),
            Stop::OutOfSpace => too_large(limits.result_bytes),
        }
    }

    /// Ends the reading; reads that run end by themselves.
    pub fn close(&self) {
        self.long.close();
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

pub(crate) fn too_large(max_bytes: usize) -> Error {
    Error::TooLarge(format!("the result is larger than {max_bytes} bytes; read it in pages"))
}

/// Stops the statement whose caller has gone.
struct CancelOnDrop(Arc<AtomicBool>);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Relaxed);
    }
}
