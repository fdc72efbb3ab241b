//! How much waits and how much is dead, per subscription: counted once at start, kept up to date with each commit.

use crate::engine::Count;
use kobliat_sqlite::Error;
use kobliat_sqlite::rusqlite::Connection;
use std::collections::{BTreeMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

#[derive(Default)]
pub struct Counters(Mutex<BTreeMap<i64, Change>>);

/// What a write does to the counts of one subscription; also the counts themselves.
#[derive(Clone, Copy, Debug, Default)]
pub struct Change {
    pub waiting: i64,
    pub dead: i64,
}

/// By subscription.
pub type Changes = BTreeMap<i64, Change>;

impl Counters {
    pub fn load(file: &Connection) -> Result<Self, Error> {
        let mut counts = Changes::new();
        for (id, waiting) in grouped(file, "SELECT subscription, count(*) FROM deliveries GROUP BY subscription")? {
            counts.entry(id).or_default().waiting = waiting;
        }
        for (id, dead) in grouped(file, "SELECT subscription, count(*) FROM dead_letters GROUP BY subscription")? {
            counts.entry(id).or_default().dead = dead;
        }
        Ok(Self(Mutex::new(counts)))
    }

    /// Call it when the write is on disk.
    pub fn apply(&self, changes: &Changes) {
        let mut counts = self.lock();
        for (id, change) in changes {
            let count = counts.entry(*id).or_default();
            count.waiting += change.waiting;
            count.dead += change.dead;
        }
    }

    pub fn waiting(&self) -> u64 {
        positive(self.lock().values().map(|count| count.waiting).sum())
    }

    pub fn dead(&self) -> u64 {
        positive(self.lock().values().map(|count| count.dead).sum())
    }

    /// A subscription that nobody declares and that has nothing left is not shown.
    pub fn counts(&self, names: &[(i64, String)], declared: &HashSet<String>) -> Vec<Count> {
        let counts = self.lock();
        let count = |(id, name): &(i64, String)| {
            let count = counts.get(id).copied().unwrap_or_default();
            Count { subscription: name.clone(), waiting: positive(count.waiting), dead: positive(count.dead) }
        };
        let shown = |count: &Count| declared.contains(&count.subscription) || count.waiting + count.dead > 0;
        names.iter().map(count).filter(shown).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Changes> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn grouped(file: &Connection, sql: &str) -> Result<Vec<(i64, i64)>, Error> {
    let mut statement = file.prepare(sql)?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn positive(count: i64) -> u64 {
    u64::try_from(count).unwrap_or(0)
}
