//! What nobody came for is given up, some rows at a time: so the file stays bounded whatever is never redriven.

use super::counters::Changes;
use super::settle::close_event;
use super::{STEP, SqliteEngine, rows, subscription_names};
use crate::engine::{EngineError, Expired};
use crate::event::Micros;
use kobliat_sqlite::Error;
use kobliat_sqlite::rusqlite::{Connection, OptionalExtension, params};

impl SqliteEngine {
    pub(super) async fn expire_all(&self, before: Micros, most: u64) -> Result<Expired, EngineError> {
        let mut expired = Expired::default();
        loop {
            let surplus = self.counters.dead().saturating_sub(most);
            let step = self.step(move |file| expire_dead(file, before, surplus)).await?;
            expired.dead_letters += step as u64;
            if step < STEP {
                break;
            }
        }
        for id in self.undeclared().await? {
            loop {
                let step = self.step(move |file| expire_orphans(file, id)).await?;
                expired.orphans += step as u64;
                if step < STEP {
                    break;
                }
            }
        }
        Ok(expired)
    }

    async fn step<W>(&self, work: W) -> Result<usize, EngineError>
    where
        W: Fn(&Connection) -> Result<(usize, Changes), Error> + Clone + Send + 'static,
    {
        let (count, changes) = self.write(0, work).await?;
        self.counters.apply(&changes);
        Ok(count)
    }

    async fn undeclared(&self) -> Result<Vec<i64>, EngineError> {
        let names = self.database.read(subscription_names).await?;
        let declared = self.lock();
        Ok(names.into_iter().filter(|(_, name)| !declared.contains_key(name)).map(|(id, _)| id).collect())
    }

    pub(super) async fn oldest_waiting(&self) -> Result<Vec<(String, Micros)>, EngineError> {
        let found = self.database.read(|file| {
            let mut found = Vec::new();
            for (id, name) in subscription_names(file)? {
                found.extend(oldest(file, id)?.map(|at| (name, at)));
            }
            Ok(found)
        });
        Ok(found.await?)
    }
}

/// The oldest `surplus`, and what died before. Their ids sort by time.
fn expire_dead(file: &Connection, before: Micros, surplus: u64) -> Result<(usize, Changes), Error> {
    let mut select =
        file.prepare_cached("SELECT id, subscription, position, died_at FROM dead_letters ORDER BY id LIMIT ?1")?;
    let found = select.query_map([rows(STEP)], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?;
    let (mut count, mut changes, mut expired) = (0, Changes::new(), Vec::new());
    for row in found {
        let (id, subscription, position, died_at): (String, i64, i64, Micros) = row?;
        if died_at >= before && expired.len() as u64 >= surplus {
            break;
        }
        expired.push((id, subscription, position));
    }
    for (id, subscription, position) in expired {
        file.prepare_cached("DELETE FROM dead_letters WHERE id = ?1")?.execute([id])?;
        close_event(file, position)?;
        changes.entry(subscription).or_default().dead -= 1;
        count += 1;
    }
    Ok((count, changes))
}

/// Positions grow with time, and those of remembered ids begin where the retention does.
fn expire_orphans(file: &Connection, subscription: i64) -> Result<(usize, Changes), Error> {
    let select = "SELECT partition, position FROM deliveries WHERE subscription = ?1 \
                  AND position < (SELECT min(position) FROM known) LIMIT ?2";
    let mut select = file.prepare_cached(select)?;
    let found = select.query_map(params![subscription, rows(STEP)], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let found: Vec<(i64, i64)> = found.collect::<Result<_, _>>()?;
    let mut changes = Changes::new();
    for (partition, position) in &found {
        let delete = "DELETE FROM deliveries WHERE subscription = ?1 AND partition = ?2 AND position = ?3";
        file.prepare_cached(delete)?.execute(params![subscription, partition, position])?;
        close_event(file, *position)?;
        changes.entry(subscription).or_default().waiting -= 1;
    }
    Ok((found.len(), changes))
}

/// Of the heads of partitions, since nothing in a partition is older than its head. One whose id is forgotten counts as old
/// as the oldest that is remembered.
fn oldest(file: &Connection, subscription: i64) -> Result<Option<Micros>, Error> {
    let first = "SELECT min(position) FROM deliveries WHERE subscription = ?1 AND due IS NOT NULL";
    let first: Option<i64> = file.prepare_cached(first)?.query_row([subscription], |row| row.get(0))?;
    let Some(first) = first else { return Ok(None) };
    let known = "SELECT published_at FROM known WHERE position >= ?1 ORDER BY position LIMIT 1";
    Ok(file.prepare_cached(known)?.query_row([first], |row| row.get(0)).optional()?)
}
