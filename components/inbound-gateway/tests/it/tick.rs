//! What is not finished at once is finished later: exactly once, by one, and not for ever.

use std::time::Duration;

use inbound_gateway::domain::delivery::{LEASE_MICROS, MAX_ATTEMPTS, Store};
use inbound_gateway::domain::tick;
use serde_json::json;

use crate::support::*;

const SOON: Duration = Duration::from_secs(7);
const LEASE: Duration = Duration::from_micros(LEASE_MICROS as u64);

/// A message and a receipt, so that every service has something to do.
fn body() -> serde_json::Value {
    delivery(json!({
        "messages": [text("m1", "1", "1749416380", "hello")],
        "statuses": [status("out-1", "delivered", "1749416380")],
    }))
}

#[test]
fn whatever_fails_and_however_the_tick_finishes_exactly_once() {
    for mood in [Mood::Down, Mood::LosesAnswers, Mood::Hangs, Mood::AnswersShort] {
        for broken in 0..5 {
            let world = World::new();
            let lines = [
                &world.customers.line,
                &world.conversations.resolve_line,
                &world.messages.insert_line,
                &world.conversations.touch_line,
                &world.messages.receipt_line,
            ];
            // A call that answers nothing but yes or no cannot answer short.
            if mood == Mood::AnswersShort && broken == 3 {
                continue;
            }
            lines[broken].is(mood);
            let received = world.receive(&body());
            assert!(!received.answer.processed, "{mood:?} {broken}");
            assert_eq!(received.answer.duplicates, 0, "an unfinished delivery is never a duplicate");
            assert_eq!(world.only_row().state, "pending");

            lines[broken].is(Mood::Well);
            let report = world.tick_after(SOON);

            assert_eq!((report.finished, report.postponed), (1, 0), "{mood:?} {broken}");
            assert_eq!(world.messages.bodies(), ["hello"]);
            assert_eq!(world.messages.receipts.borrow().len(), 1);
            assert_eq!(world.conversations.opened.borrow().len(), 1);
            let (seq, preview, unread) = world.conversations.state.borrow()["conversation-1"].clone();
            assert_eq!((seq, preview.as_str(), unread), (1, "hello", 1));
            let row = world.only_row();
            assert_eq!((row.state.as_str(), row.attempts), ("done", 2));
            assert_eq!(world.tick_after(SOON), Default::default(), "and there is nothing left to do");
        }
    }
}

#[test]
fn what_was_accepted_before_the_failure_stays_accepted() {
    let world = World::new();
    world.conversations.touch_line.is(Mood::Down);
    let received = world.receive(&texts(&["m1"]));
    assert_eq!(
        items(&received.conclusion.outcome),
        [("open".to_owned(), "conversation: unavailable: down".to_owned())]
    );

    world.conversations.touch_line.is(Mood::Well);
    world.tick_after(SOON);

    assert_eq!(items(&world.only_row().outcome.unwrap()), [("accepted".to_owned(), String::new())]);
}

#[test]
fn a_retry_does_only_what_is_left() {
    let world = World::new();
    world.messages.receipt_line.is(Mood::Down);
    world.receive(&body());
    world.messages.receipt_line.is(Mood::Well);
    let before = world.calls();
    world.tick_after(SOON);
    assert_eq!(world.calls() - before, 1);
}

#[test]
fn a_providers_retry_of_an_unfinished_delivery_does_the_work_once() {
    let world = World::new();
    world.messages.insert_line.is(Mood::Down);
    world.receive(&body());
    world.messages.insert_line.is(Mood::Well);

    let again = world.receive(&body());
    assert_eq!((again.answer.accepted, again.answer.duplicates), (1, 1), "the message is new, the receipt is known");

    assert_eq!(world.tick_after(SOON).finished, 1);
    assert_eq!(world.messages.bodies(), ["hello"]);
    assert_eq!(world.conversations.state.borrow()["conversation-1"].2, 1);
}

#[test]
fn a_crash_after_the_answer_costs_a_repetition_and_nothing_else() {
    let world = World::new();
    assert!(world.receive_and_crash(&body()).answer.processed);

    assert_eq!(world.tick_after(SOON).finished, 0, "the lease still runs");
    assert_eq!(world.tick_after(LEASE).finished, 1);
    assert_eq!(world.messages.bodies(), ["hello"]);
    assert_eq!(world.conversations.state.borrow()["conversation-1"].2, 1);
}

#[test]
fn of_two_ticks_at_once_one_gets_the_delivery() {
    let world = World::new();
    world.messages.insert_line.is(Mood::Down);
    world.receive(&body());
    world.messages.insert_line.is(Mood::Well);
    world.pass(SOON);

    let (one, other) = block_on(sdk::testing::both(tick(&world, RETENTION), tick(&world, RETENTION)));

    assert_eq!(one.unwrap().finished + other.unwrap().finished, 1);
    assert_eq!(world.messages.bodies(), ["hello"]);
    assert_eq!(world.only_row().attempts, 2);
}

#[test]
fn an_attempt_that_lost_its_lease_cannot_undo_a_later_one() {
    let world = World::new();
    world.messages.insert_line.is(Mood::Down);
    let late = world.receive_and_crash(&body()).conclusion;
    world.messages.insert_line.is(Mood::Well);
    assert_eq!(world.tick_after(LEASE).finished, 1);

    block_on(world.store.conclude(&late)).unwrap();

    assert_eq!(world.only_row().state, "done");
}

#[test]
fn an_attempt_that_lost_its_lease_cannot_shorten_the_next_ones() {
    let world = World::new();
    world.is_down(Mood::Down);
    let late = world.receive_and_crash(&body()).conclusion;
    world.pass(LEASE);
    let lease_until = world.now_micros() + LEASE_MICROS;
    let claimed = block_on(world.store.claim(world.now_micros(), lease_until, 1)).unwrap();
    assert_eq!(claimed.len(), 1);

    block_on(world.store.conclude(&late)).unwrap();

    assert_eq!(world.only_row().lease_until, Some(lease_until));
}

#[test]
fn after_twenty_attempts_it_is_failed_and_stays_visible() {
    let world = World::new();
    world.messages.insert_line.is(Mood::Down);
    world.receive(&body());
    let hours = Duration::from_secs(2 * 3600);
    for attempt in 2..MAX_ATTEMPTS {
        assert_eq!(world.tick_after(hours).postponed, 1, "attempt {attempt}");
    }
    assert_eq!(world.tick_after(hours).failed, 1);
    assert_eq!(world.tick_after(hours), Default::default(), "nobody tries again");

    let row = world.only_row();
    assert_eq!((row.state.as_str(), row.attempts), ("failed", MAX_ATTEMPTS));
    let failed = ("failed".to_owned(), "message: unavailable: down".to_owned());
    assert_eq!(items(&row.outcome.unwrap()), [failed, ("accepted".to_owned(), "waits_for_its_message".to_owned())]);
    world.tick_after(Duration::from_secs(80 * 24 * 3600));
    assert_eq!(world.rows().len(), 1, "what failed is kept for longer");
    world.tick_after(Duration::from_secs(11 * 24 * 3600));
    assert_eq!(world.rows().len(), 0);
}

#[test]
fn a_delivery_whose_attempts_all_crashed_fails_without_another_one() {
    let world = World::new();
    world.receive_and_crash(&body());
    for _ in 1..MAX_ATTEMPTS {
        world.pass(LEASE);
        let claimed = block_on(world.store.claim(world.now_micros(), world.now_micros() + LEASE_MICROS, 1)).unwrap();
        assert_eq!(claimed.len(), 1);
    }
    let before = world.calls();
    assert_eq!(world.tick_after(LEASE).failed, 1);
    assert_eq!(world.calls(), before);
    assert_eq!(items(&world.only_row().outcome.unwrap())[0], ("failed".to_owned(), "interrupted".to_owned()));
}

#[test]
fn a_tick_works_through_more_than_it_holds_at_once() {
    let world = World::new();
    world.is_down(Mood::Down);
    for n in 0..10 {
        world.receive(&texts(&[&format!("m{n}")]));
    }
    world.is_down(Mood::Well);
    assert_eq!(world.tick_after(Duration::from_secs(20)).finished, 10);
    assert_eq!(world.messages.rows.borrow().len(), 10);
}

#[test]
fn one_tick_forgets_more_than_one_step_takes() {
    let world = World::new();
    for n in 0..1300 {
        world.receive(&texts(&[&format!("m{n}")]));
    }
    let report = world.tick_after(Duration::from_secs(31 * 24 * 3600));
    assert_eq!((report.swept, world.rows().len()), (1300, 0));
}

/// A clock that was ahead for a while, and is right again.
#[test]
fn a_clock_that_jumped_and_came_back_strands_no_delivery() {
    const HOUR: i64 = 3600 * 1_000_000;
    for ahead in [2 * HOUR, 30 * DAY, 3650 * DAY] {
        let world = World::new();
        world.is_down(Mood::Down);
        world.receive(&texts(&["waits"]));
        let right = world.now_micros();
        world.set_clock(right + ahead);
        // One comes while the clock is ahead and is lost in a crash; the tick tries the other.
        world.receive_and_crash(&texts(&["leased"]));
        world.tick_after(SOON);
        world.set_clock(right + 10_000_000);
        world.is_down(Mood::Well);
        let first = world.tick_after(SOON);
        assert_eq!(first.finished, 2, "both are due at once, {ahead} µs");
        assert_eq!(world.messages.bodies().len(), 2);
    }
}

#[test]
fn leases_and_retries_that_are_as_long_as_they_may_be_are_left_alone() {
    let world = World::new();
    world.is_down(Mood::Down);
    world.receive(&texts(&["m1"]));
    for attempt in 2..MAX_ATTEMPTS {
        world.set_clock(world.only_row().lease_until.unwrap());
        assert_eq!(world.tick_after(Duration::ZERO).postponed, 1, "attempt {attempt}");
        assert_eq!(world.tick_after(Duration::ZERO), Default::default(), "it waits after attempt {attempt}");
    }
    let world = World::new();
    world.receive_and_crash(&texts(&["m1"]));
    assert_eq!(world.tick_after(SOON), Default::default(), "its lease still runs");
}

#[test]
fn finished_deliveries_are_forgotten_after_their_time() {
    let world = World::new();
    world.receive(&sample());
    world.try_receive(b"junk").err().unwrap();
    assert_eq!(world.tick_after(Duration::from_secs(29 * 24 * 3600)).swept, 0);
    world.receive(&texts(&["young"]));
    assert_eq!(world.tick_after(Duration::from_secs(2 * 24 * 3600)).swept, 2);
    assert_eq!(world.rows().len(), 1);
}
