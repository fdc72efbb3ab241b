//! Sending on what is in the outbox: in order, once acknowledged, whatever the sink says and whoever else is sending.

use std::{cell::RefCell, collections::BTreeSet};

use sdk::{
    Event,
    outbox::{
        self,
        flush::{Flushed, flush},
        sink::{Said, Sink},
    },
    sql::{Database, Execute, Migration, SqlError},
    testing::{FixedClock, Memory, block_on, both},
};

const MIGRATIONS: &[Migration] = &[Migration::new(1, outbox::MIGRATION), Migration::new(2, outbox::RELAY_MIGRATION)];
const SECOND: i64 = 1_000_000;

/// A sink that keeps what it takes, each event once, as the broker does.
#[derive(Default)]
struct FakeSink {
    taken: RefCell<Vec<i64>>,
    batches: RefCell<Vec<usize>>,
    /// What it says to the next batches, before it takes them.
    answers: RefCell<Vec<Said>>,
    /// The number of an event that it refuses.
    refused: Option<i64>,
}

impl Sink for FakeSink {
    async fn send(&self, batch: String) -> Said {
        let events: Vec<serde_json::Value> = serde_json::from_str(&batch).expect("a batch is a JSON array");
        let numbers: Vec<i64> = events.iter().map(|event| event["data"]["n"].as_i64().unwrap()).collect();
        self.batches.borrow_mut().push(numbers.len());
        // As a request does, it takes a while: others may run.
        sdk::testing::yield_once().await;
        if let Some(answer) = self.answers.borrow_mut().pop() {
            return answer;
        }
        if self.refused.is_some_and(|refused| numbers.contains(&refused)) {
            return Said::Refused("no such type".into());
        }
        let known: BTreeSet<i64> = self.taken.borrow().iter().copied().collect();
        self.taken.borrow_mut().extend(numbers.into_iter().filter(|n| !known.contains(n)));
        Said::Stored
    }
}

fn later() -> Said {
    Said::Later { reason: "busy".into(), after: None }
}

fn event(n: i64) -> Event {
    Event::new("/components/test", "com.kobliat.test.happened.v1", "subject", "default", n)
        .with(&serde_json::json!({ "n": n }))
}

async fn write(database: &Database<Memory>, numbers: impl IntoIterator<Item = i64>) {
    let events: Vec<_> = numbers.into_iter().map(event).collect();
    let written: Result<(), SqlError> = database.transaction(async |c| outbox::append_all(c, &events).await).await;
    written.unwrap();
}

fn database() -> (Memory, Database<Memory>) {
    let memory = Memory::new();
    (memory.clone(), Database::new(memory, MIGRATIONS))
}

#[test]
fn sends_the_oldest_first_in_bounded_batches_and_empties_the_outbox() {
    let (memory, database) = database();
    let (sink, clock) = (FakeSink::default(), FixedClock::at(0));
    block_on(write(&database, 0..250));
    assert_eq!(block_on(flush(&database, &sink, &clock, "a")), Ok(Flushed::Empty));
    assert_eq!(*sink.taken.borrow(), (0..250).collect::<Vec<_>>());
    assert_eq!(*sink.batches.borrow(), [100, 100, 50]);
    assert_eq!(memory.scalar("SELECT count(*) FROM outbox"), 0);
    assert_eq!(memory.scalar("SELECT until FROM outbox_lease"), 0, "nobody has to wait for a lease to run out");
}

#[test]
fn costs_one_read_when_there_is_nothing() {
    let (memory, database) = database();
    let (sink, clock) = (FakeSink::default(), FixedClock::at(0));
    block_on(flush(&database, &sink, &clock, "a")).unwrap();
    memory.statements();
    assert_eq!(block_on(flush(&database, &sink, &clock, "a")), Ok(Flushed::Empty));
    assert_eq!(memory.statements(), [outbox::flush::statements::LOOK]);
    assert!(sink.batches.borrow().is_empty());
}

#[test]
fn a_large_event_goes_alone() {
    let (_memory, database) = database();
    let (sink, clock) = (FakeSink::default(), FixedClock::at(0));
    let large = |n: i64| Event { subject: "x".repeat(400 << 10), ..event(n) };
    let events = [event(0), large(1), large(2), event(3)];
    block_on(database.transaction(async |c| outbox::append_all(c, &events).await)).unwrap();
    assert_eq!(block_on(flush(&database, &sink, &clock, "a")), Ok(Flushed::Empty));
    assert_eq!(*sink.batches.borrow(), [2, 2]);
    let huge = Event { subject: "x".repeat(600 << 10), ..event(4) };
    block_on(database.transaction(async |c| outbox::append_all(c, &[huge, event(5)]).await)).unwrap();
    assert_eq!(block_on(flush(&database, &sink, &clock, "a")), Ok(Flushed::Empty));
    assert_eq!(*sink.batches.borrow(), [2, 2, 1, 1]);
}

#[test]
fn what_the_sink_does_not_take_stays_and_goes_the_next_time() {
    let (memory, database) = database();
    let (sink, clock) = (FakeSink::default(), FixedClock::at(0));
    sink.answers.borrow_mut().push(later());
    block_on(write(&database, 0..3));
    let refused = block_on(flush(&database, &sink, &clock, "a"));
    assert_eq!(refused, Ok(Flushed::Later { reason: "busy".into(), after: None }));
    assert_eq!(memory.scalar("SELECT count(*) FROM outbox"), 3);
    assert_eq!(block_on(flush(&database, &sink, &clock, "b")), Ok(Flushed::Empty), "another instance need not wait");
    assert_eq!(*sink.taken.borrow(), [0, 1, 2]);
}

#[test]
fn several_instances_at_once_send_each_event_once_and_in_order() {
    let (memory, database) = database();
    let other = Database::new(memory.clone(), MIGRATIONS);
    let (sink, clock) = (FakeSink::default(), FixedClock::at(0));
    let (mut a_busy, mut b_busy) = (false, false);
    block_on(both(
        async {
            for n in 0..60 {
                write(&database, [2 * n]).await;
                a_busy |= flush(&database, &sink, &clock, "a").await == Ok(Flushed::Busy);
            }
        },
        async {
            for n in 0..60 {
                write(&other, [2 * n + 1]).await;
                b_busy |= flush(&other, &sink, &clock, "b").await == Ok(Flushed::Busy);
            }
        },
    ));
    assert!(a_busy || b_busy, "they met");
    // Nobody waits: who was busy saw what the other had written by then.
    assert_eq!(memory.scalar("SELECT count(*) FROM outbox"), 0);
    let taken = sink.taken.borrow();
    for parity in [0, 1] {
        let of_one: Vec<i64> = taken.iter().copied().filter(|n| n % 2 == parity).collect();
        assert_eq!(of_one, (0..60).map(|n| 2 * n + parity).collect::<Vec<_>>());
    }
    assert_eq!(sink.batches.borrow().iter().sum::<usize>(), 120, "none was sent twice");
}

#[test]
fn takes_over_when_the_holder_died() {
    let (memory, database) = database();
    let (sink, clock) = (FakeSink::default(), FixedClock::at(0));
    block_on(write(&database, 0..2));
    let abandoned = async { flush(&database, &sink, &clock, "dead").await };
    {
        let mut abandoned = std::pin::pin!(abandoned);
        let mut task = std::task::Context::from_waker(std::task::Waker::noop());
        while sink.batches.borrow().is_empty() {
            assert!(abandoned.as_mut().poll(&mut task).is_pending());
        }
    }
    assert_eq!(block_on(flush(&database, &sink, &clock, "b")), Ok(Flushed::Busy));
    clock.advance(15 * SECOND);
    assert_eq!(block_on(flush(&database, &sink, &clock, "b")), Ok(Flushed::Empty));
    assert_eq!((sink.taken.borrow().as_slice(), memory.scalar("SELECT count(*) FROM outbox")), ([0, 1].as_slice(), 0));
}

#[test]
fn a_clock_that_was_set_back_holds_nobody_up() {
    let (_memory, database) = database();
    let (sink, clock) = (FakeSink::default(), FixedClock::at(3600 * SECOND));
    block_on(write(&database, 0..1));
    block_on(database.execute(
        outbox::flush::statements::CLAIM,
        vec!["dead".into(), (3615 * SECOND).into(), (3600 * SECOND).into()],
    ))
    .unwrap();
    clock.advance(-1800 * SECOND);
    assert_eq!(block_on(flush(&database, &sink, &clock, "b")), Ok(Flushed::Empty));
}

#[test]
fn an_event_that_is_refused_for_good_is_put_aside_and_holds_up_no_other() {
    let (memory, database) = database();
    let sink = FakeSink { refused: Some(1), ..FakeSink::default() };
    block_on(write(&database, 0..4));
    assert_eq!(block_on(flush(&database, &sink, &FixedClock::at(7), "a")), Ok(Flushed::Empty));
    assert_eq!(*sink.taken.borrow(), [0, 2, 3]);
    let kept =
        "SELECT json_extract(event, '$.data.n') FROM outbox_refused WHERE reason = 'no such type' AND refused_at = 7";
    assert_eq!(memory.scalar(kept), 1);
}

#[test]
fn a_position_that_is_used_again_deletes_no_other_event() {
    let (memory, database) = database();
    let (sink, clock) = (FakeSink::default(), FixedClock::at(0));
    block_on(write(&database, 0..1));
    // A sender that was slow to delete: meanwhile another has emptied the outbox, and a new event has the same position.
    let id: String = memory.sqlite().query_row("SELECT event_id FROM outbox", [], |row| row.get(0)).unwrap();
    block_on(flush(&database, &sink, &clock, "b")).unwrap();
    block_on(write(&database, 1..2));
    let late = vec![1_i64.into(), sdk::sql::list(&[id]).unwrap()];
    block_on(database.execute(outbox::flush::statements::DELETE, late)).unwrap();
    assert_eq!(memory.scalar("SELECT count(*) FROM outbox"), 1);
}

#[test]
fn an_event_of_a_transaction_that_fails_never_leaves() {
    let (_memory, database) = database();
    let (sink, clock) = (FakeSink::default(), FixedClock::at(0));
    let failed: Result<(), SqlError> = block_on(database.transaction(async |c| {
        outbox::append_all(c, &[event(1)]).await?;
        c.execute("SELECT nonsense", Vec::new()).await.map(|_| ())
    }));
    assert!(failed.is_err());
    assert_eq!(block_on(flush(&database, &sink, &clock, "a")), Ok(Flushed::Empty));
    assert!(sink.taken.borrow().is_empty());
}

#[test]
fn events_that_nobody_takes_are_kept_for_a_month_and_only_the_newest() {
    const DAY: i64 = 24 * 3600 * 1_000_000;
    let (memory, database) = database();
    let old = "INSERT INTO outbox_refused SELECT 'default', 'old ' || value, '{}', 'no', ?1 FROM \
               (WITH RECURSIVE n (value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM n WHERE value < ?2) SELECT value FROM n)";
    block_on(database.execute("SELECT 1", Vec::new())).unwrap();
    memory.sqlite().execute(old, (DAY, 600)).unwrap();
    memory.sqlite().execute("INSERT INTO outbox_refused VALUES ('other', 'theirs', '{}', 'no', 0)", []).unwrap();
    let sink = FakeSink { refused: Some(1), ..FakeSink::default() };
    block_on(write(&database, [1]));
    block_on(flush(&database, &sink, &FixedClock::at(2 * DAY), "a")).unwrap();
    assert_eq!(memory.scalar("SELECT count(*) FROM outbox_refused WHERE tenant_id = 'default'"), 500);
    assert_eq!(
        memory.scalar("SELECT count(*) FROM outbox_refused WHERE event_id LIKE 'old%'"),
        499,
        "the newest stays"
    );
    let sink = FakeSink { refused: Some(2), ..FakeSink::default() };
    block_on(write(&database, [2]));
    block_on(flush(&database, &sink, &FixedClock::at(31 * DAY + 1), "a")).unwrap();
    assert_eq!(
        memory.scalar("SELECT count(*) FROM outbox_refused"),
        2,
        "those of a month ago are gone, of all tenants"
    );
}
