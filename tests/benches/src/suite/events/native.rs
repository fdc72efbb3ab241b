//! The limit: one thread that writes the broker's rows, a publication a commit, and takes them out again, as many a commit as a
//! subscription has under way.

use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::{Connection, params};

const SCHEMA: &str = include_str!("../../../../../host/events/src/sqlite/schema.sql");

/// As the broker's publications, and its deliveries under way.
const PUBLISHED: usize = 100;
const SETTLED: usize = 64;

pub fn run(state: &Path, events: usize, subscribers: usize) -> anyhow::Result<Duration> {
    let file = Connection::open(state.join("native.db"))?;
    file.execute_batch("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;")?;
    file.execute_batch(SCHEMA)?;
    file.set_prepared_statement_cache_capacity(32);
    let partitions: Vec<i64> =
        (0..events).map(|number| Ok(super::event(number)?.partition())).collect::<anyhow::Result<_>>()?;
    let began = Instant::now();
    for first in (0..events).step_by(PUBLISHED) {
        let last = (first + PUBLISHED).min(events);
        in_transaction(&file, || (first..last).try_for_each(|number| insert(&file, number, subscribers)))?;
        let rows: Vec<(usize, usize)> =
            (0..subscribers).flat_map(|to| (first..last).map(move |number| (to, number))).collect();
        for some in rows.chunks(SETTLED) {
            let delete = |(to, number): &(usize, usize)| match partitions.get(*number) {
                Some(partition) => delete(&file, *to, *partition, *number),
                None => Ok(()),
            };
            in_transaction(&file, || some.iter().try_for_each(delete))?;
        }
    }
    Ok(began.elapsed())
}

fn in_transaction(file: &Connection, work: impl FnOnce() -> anyhow::Result<()>) -> anyhow::Result<()> {
    file.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
    work()?;
    file.prepare_cached("COMMIT")?.execute([])?;
    Ok(())
}

fn insert(file: &Connection, number: usize, subscribers: usize) -> anyhow::Result<()> {
    let event = super::event(number)?;
    let attributes = serde_json::to_string(event.attributes())?;
    file.prepare_cached("INSERT INTO known (source, event_id, published_at) VALUES (?1, ?2, 0)")?
        .execute([event.source(), event.id()])?;
    let position = file.last_insert_rowid();
    file.prepare_cached("INSERT INTO events (position, attributes, data, open) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![position, attributes, event.data.as_ref(), subscribers as i64])?;
    let mut delivery =
        file.prepare_cached("INSERT INTO deliveries (subscription, partition, position, due) VALUES (?1, ?2, ?3, 0)")?;
    for to in 0..subscribers {
        delivery.execute(params![to as i64, event.partition(), position])?;
    }
    Ok(())
}

fn delete(file: &Connection, to: usize, partition: i64, number: usize) -> anyhow::Result<()> {
    let position = number as i64 + 1;
    file.prepare_cached("DELETE FROM deliveries WHERE subscription = ?1 AND partition = ?2 AND position = ?3")?
        .execute(params![to as i64, partition, position])?;
    if file.prepare_cached("DELETE FROM events WHERE position = ?1 AND open = 1")?.execute([position])? == 0 {
        file.prepare_cached("UPDATE events SET open = open - 1 WHERE position = ?1")?.execute([position])?;
    }
    Ok(())
}
