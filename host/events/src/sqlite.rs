//! The embedded engine: one SQLite file, with the group commit that guests' databases have.
//!
//! What is claimed is known in memory only, so a restart makes it wait again. All else is in the file, and what is in
//! memory does not grow with what waits.

mod claim;
mod counters;
mod dead;
mod expire;
mod publish;
mod settle;

use crate::clock::micros;
use crate::engine::*;
use crate::event::{Event, Micros};
use bytes::Bytes;
use counters::Counters;
use futures::future::BoxFuture;
use kobliat_sqlite::rusqlite::{self, Connection, params};
use kobliat_sqlite::{Database, Error, Options};
use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

const SCHEMA: &str = include_str!("sqlite/schema.sql");

/// Events are appended and taken from the front; a claim looks at few pages.
const CACHE_BYTES: usize = 16 << 20;

/// Rows that one step of a long job touches, so that publications get their turn in between.
const STEP: usize = 1000;

pub struct SqliteEngine {
    database: Arc<Database>,
    /// Subscription to its number, and what is claimed of it.
    subscriptions: Mutex<HashMap<String, Arc<Claims>>>,
    counters: Arc<Counters>,
}

/// What is claimed of one subscription: at most one delivery of a partition.
pub(crate) struct Claims {
    id: i64,
    /// Held while a claim reads, and when claims end: a claim never works with a picture of the file in which a delivery
    /// still waits that was settled meanwhile.
    partitions: tokio::sync::Mutex<HashSet<i64>>,
}

impl SqliteEngine {
    /// Opens the file, made if need be. `now` mends due times that a wrong clock left behind.
    pub async fn open(path: &Path, now: Micros) -> Result<Self, EngineError> {
        Self::open_bounded(path, now, None).await
    }

    /// The same, for a file that may have so many bytes at most: beyond them publishers are told that the disk is full.
    pub async fn open_bounded(path: &Path, now: Micros, max_bytes: Option<u64>) -> Result<Self, EngineError> {
        let options = Options { cache_bytes: CACHE_BYTES, max_database_bytes: max_bytes, ..Options::default() };
        let path = path.to_owned();
        let opened = tokio::task::spawn_blocking(move || Database::open(path, options)).await;
        let database = opened.map_err(|error| EngineError::Failed(error.to_string()))??;
        database.write(0, migrate).await?;
        // Jitter may add a little to the longest.
        let longest = now.saturating_add(2 * micros(LONGEST_RETRY));
        database.write(0, move |file| mend(file, now, longest)).await?;
        let counters = Arc::new(database.read(Counters::load).await?);
        Ok(Self { database, subscriptions: Mutex::default(), counters })
    }

    /// The number of a subscription; made when it is new.
    async fn claims(&self, name: &str) -> Result<Arc<Claims>, EngineError> {
        if let Some(claims) = self.lock().get(name) {
            return Ok(Arc::clone(claims));
        }
        let owned = name.to_owned();
        let id = self.database.write(name.len(), move |file| subscription_id(file, &owned)).await?;
        let claims = Arc::new(Claims { id, partitions: tokio::sync::Mutex::default() });
        Ok(Arc::clone(self.lock().entry(name.to_owned()).or_insert(claims)))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, Arc<Claims>>> {
        self.subscriptions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A write of ours; again when a neighbour in the shared commit was what failed.
    async fn write<T, W>(&self, bytes: usize, work: W) -> Result<T, EngineError>
    where
        T: Send + 'static,
        W: Fn(&Connection) -> Result<T, Error> + Clone + Send + 'static,
    {
        const TRIES: usize = 3;
        for _ in 1..TRIES {
            match self.database.write(bytes, work.clone()).await {
                Err(Error::TransactionEnded(_)) => {}
                done => return Ok(done?),
            }
        }
        Ok(self.database.write(bytes, work).await?)
    }
}

/// A number of rows, as SQLite counts them.
fn rows(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn migrate(file: &Connection) -> Result<(), Error> {
    let version: i64 = file.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    match version {
        0 => Ok(file.execute_batch(SCHEMA)?),
        1 => Ok(()),
        newer => Err(Error::Io(format!("the events' file is of version {newer}; a newer host made it"))),
    }
}

/// The clock may have been set back since the file was written: what was never tried is due now, and so is what would wait for longer
/// than any retry does.
fn mend(file: &Connection, now: Micros, longest: Micros) -> Result<(), Error> {
    let mut subscriptions = file.prepare("SELECT id FROM subscriptions")?;
    let ids: Vec<i64> = subscriptions.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    for id in ids {
        file.execute(
            "UPDATE deliveries SET due = ?2 WHERE subscription = ?1 AND due > ?2 AND attempts = 0",
            params![id, now],
        )?;
        file.execute("UPDATE deliveries SET due = ?2 WHERE subscription = ?1 AND due > ?3", params![id, now, longest])?;
    }
    Ok(())
}

fn subscription_id(file: &Connection, name: &str) -> Result<i64, Error> {
    file.prepare_cached("INSERT INTO subscriptions (name) VALUES (?1) ON CONFLICT DO NOTHING")?.execute([name])?;
    Ok(file.prepare_cached("SELECT id FROM subscriptions WHERE name = ?1")?.query_row([name], |row| row.get(0))?)
}

/// The event of a row: its attributes as JSON, and its data.
fn event_of(attributes: &str, data: Vec<u8>) -> Result<Event, Error> {
    let damaged = |what: &str| Error::Io(format!("an event in the file has {what}"));
    let attributes = serde_json::from_str(attributes).map_err(|_| damaged("attributes that are no JSON"))?;
    Event::new(attributes, Bytes::from(data)).map_err(|name| damaged(&format!("no `{name}`")))
}

impl From<Error> for EngineError {
    fn from(error: Error) -> Self {
        match error {
            Error::Full => Self::Full,
            Error::Busy(why) | Error::TransactionEnded(why) => Self::Busy(why),
            other => Self::Failed(other.to_string()),
        }
    }
}

impl Engine for SqliteEngine {
    fn declare(&self, subscriptions: Vec<String>) -> Reply<'_, ()> {
        Box::pin(async move {
            for name in subscriptions {
                self.claims(&name).await?;
            }
            Ok(())
        })
    }

    fn publish(&self, now: Micros, batch: Vec<Publication>) -> Reply<'_, Published> {
        Box::pin(self.publish_batch(now, batch))
    }

    fn claim<'a>(&'a self, subscription: &'a str, now: Micros, room: Room) -> Reply<'a, Claimed> {
        Box::pin(self.claim_due(subscription, now, room))
    }

    fn settle<'a>(&'a self, subscription: &'a str, now: Micros, settled: Vec<Settled>) -> Reply<'a, ()> {
        Box::pin(self.settle_claims(subscription, now, settled))
    }

    fn counts(&self) -> Reply<'_, Vec<Count>> {
        Box::pin(async move {
            let names = self.database.read(subscription_names).await?;
            let declared: HashSet<String> = self.lock().keys().cloned().collect();
            Ok(self.counters.counts(&names, &declared))
        })
    }

    fn backlog(&self) -> u64 {
        self.counters.waiting()
    }

    fn dead_letters(&self, query: DeadLetterQuery) -> Reply<'_, Vec<DeadLetter>> {
        Box::pin(async move { Ok(self.database.read(move |file| dead::list(file, &query)).await?) })
    }

    fn dead_letter(&self, id: String) -> Reply<'_, Option<DeadLetter>> {
        Box::pin(async move { Ok(self.database.read(move |file| dead::get(file, &id)).await?) })
    }

    fn redrive(&self, now: Micros, which: Selection) -> Reply<'_, u64> {
        Box::pin(self.redrive_dead(now, which))
    }

    fn discard(&self, which: Selection) -> Reply<'_, u64> {
        Box::pin(self.discard_dead(which))
    }

    fn forget(&self, before: Micros) -> Reply<'_, u64> {
        Box::pin(self.forget_known(before))
    }

    fn expire(&self, before: Micros, most: u64) -> Reply<'_, Expired> {
        Box::pin(self.expire_all(before, most))
    }

    fn oldest(&self) -> Reply<'_, Vec<(String, Micros)>> {
        Box::pin(self.oldest_waiting())
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(self.database.close())
    }
}

fn subscription_names(file: &Connection) -> Result<Vec<(i64, String)>, Error> {
    let mut rows = file.prepare_cached("SELECT id, name FROM subscriptions ORDER BY name")?;
    let names = rows.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(names.collect::<Result<_, rusqlite::Error>>()?)
}
