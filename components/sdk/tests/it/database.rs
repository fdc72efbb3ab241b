//! Migrations and transactions, with requests that interleave at every statement.

use sdk::{
    Event, outbox,
    sql::{Database, Execute, Migration, SqlError},
    testing::{Memory, block_on, both},
};

const FIRST: &str = "-- a list; of things\nCREATE TABLE things (name TEXT); -- 'one;\nCREATE TABLE log (line TEXT);\n\
    CREATE TRIGGER logged AFTER INSERT ON things BEGIN\n  INSERT INTO log VALUES (CASE WHEN NEW.name = 'a;b' THEN 'x' ELSE ';' END);\n\
    INSERT INTO log VALUES ('it''s; done'); END;\n/* ; */";
const MIGRATIONS: &[Migration] = &[Migration::new(1, FIRST), Migration::new(2, "INSERT INTO things VALUES ('a;b')")];

#[test]
fn applies_each_migration_once_though_two_instances_start_together() {
    let memory = Memory::new();
    let (a, b) = (Database::new(memory.clone(), MIGRATIONS), Database::new(memory.clone(), MIGRATIONS));
    let count = "SELECT count(*) FROM log";
    let (a, b) = block_on(both(a.execute(count, Vec::new()), b.execute(count, Vec::new())));
    assert_eq!(a.unwrap()[0].clone().take::<i64>().unwrap(), 2);
    assert_eq!(b.unwrap()[0].clone().take::<i64>().unwrap(), 2);
    assert_eq!(memory.scalar("SELECT count(*) FROM schema_migrations"), 2);
}

#[test]
fn looks_for_migrations_once_in_an_instance() {
    let memory = Memory::new();
    let database = Database::new(memory.clone(), MIGRATIONS);
    block_on(database.execute("SELECT 1", Vec::new())).unwrap();
    memory.statements();
    block_on(database.execute("SELECT 1", Vec::new())).unwrap();
    assert_eq!(memory.statements(), ["SELECT 1"]);
}

#[test]
fn leaves_nothing_of_a_migration_that_fails() {
    const BROKEN: &[Migration] = &[Migration::new(1, "CREATE TABLE a (x); CREATE NONSENSE")];
    let memory = Memory::new();
    let database = Database::new(memory.clone(), BROKEN);
    assert!(block_on(database.execute("SELECT 1", Vec::new())).is_err());
    assert_eq!(memory.scalar("SELECT count(*) FROM sqlite_master"), 0);
}

#[test]
fn passes_over_what_the_store_lacks_and_nothing_else() {
    const LACKING: &[Migration] = &[
        Migration::new(1, "CREATE TABLE a (x)"),
        Migration::new(2, "CREATE VIRTUAL TABLE b USING fts9(x); CREATE TABLE c (x)").needing("fts9"),
        Migration::new(3, "CREATE TABLE d (x)"),
    ];
    let memory = Memory::new();
    let database = Database::new(memory.clone(), LACKING);
    block_on(database.execute("SELECT 1", Vec::new())).unwrap();
    let there = |name: &str| memory.scalar(&format!("SELECT count(*) FROM sqlite_master WHERE name = '{name}'"));
    assert_eq!(["a", "b", "c", "d"].map(there), [1, 0, 0, 1]);
    assert_eq!(memory.scalar("SELECT max(number) FROM schema_migrations"), 3);
    const WRONG: &[Migration] = &[Migration::new(1, "CREATE VIRTUAL TABLE b USING fts9(x)").needing("fts5")];
    assert!(block_on(Database::new(Memory::new(), WRONG).execute("SELECT 1", Vec::new())).is_err());
}

#[test]
fn undoes_what_a_failed_or_abandoned_transaction_did() {
    let memory = Memory::new();
    let database = Database::new(memory.clone(), MIGRATIONS);
    let insert = async |c: &<Memory as sdk::sql::Driver>::Connection| {
        c.execute("INSERT INTO things VALUES ('b')", Vec::new()).await
    };
    let failed = block_on(database.transaction(async |c| {
        insert(c).await?;
        Err::<(), _>(SqlError::Failed("no".into()))
    }));
    assert!(failed.is_err());
    {
        let mut abandoned = std::pin::pin!(database.transaction(insert));
        let mut task = std::task::Context::from_waker(std::task::Waker::noop());
        for _ in 0..3 {
            let _ = abandoned.as_mut().poll(&mut task);
        }
    }
    assert_eq!(memory.scalar("SELECT count(*) FROM things"), 1);
    block_on(database.transaction(insert)).unwrap();
    assert_eq!(memory.scalar("SELECT count(*) FROM things"), 2);
}

#[test]
fn keeps_events_in_the_order_in_which_they_leave() {
    const OUTBOX: &[Migration] = &[Migration::new(1, outbox::MIGRATION)];
    let memory = Memory::new();
    let database = Database::new(memory.clone(), OUTBOX);
    let event = |n: i64| {
        Event::new("/components/test", "com.kobliat.test.happened.v1", "subject", "default", 1_000_000)
            .with(&serde_json::json!({ "n": n }))
    };
    let events: Vec<_> = (1..=120).map(event).collect();
    block_on(database.transaction(async |c| outbox::append_all(c, &events).await)).unwrap();
    let in_order = "SELECT count(*) FROM outbox WHERE json_extract(event, '$.data.n') = position";
    assert_eq!(memory.scalar(in_order), 120);
    let attributes = "SELECT count(*) FROM outbox WHERE json_extract(event, '$.specversion') = '1.0' \
                      AND json_extract(event, '$.id') = event_id AND json_extract(event, '$.tenant') = tenant_id \
                      AND json_extract(event, '$.partitionkey') = 'subject' \
                      AND json_extract(event, '$.time') = '1970-01-01T00:00:01.000Z'";
    assert_eq!(memory.scalar(attributes), 120);
}
