//! What became of deliveries is written some at a time, and all of it is.

use std::cell::Cell;
use std::rc::Rc;

use inbound_gateway::channel::whatsapp::CHANNEL;
use inbound_gateway::domain::conclusions::Conclusions;
use inbound_gateway::domain::delivery::{Conclusion, NewDelivery, State, Store};

use crate::support::*;

/// A delivery that is stored, and its conclusion.
fn stored(world: &World, id: &str, state: State) -> Conclusion {
    let delivery = NewDelivery {
        id,
        channel: CHANNEL,
        tenant: "default",
        account: None,
        grants: "{}",
        versions: &[],
        received_at: 1,
        lease_until: 60_000_001,
        headers: "{}",
        query: "",
        body: b"{}",
    };
    assert_eq!(block_on(world.store.insert(&delivery)), Ok(true));
    let outcome = r#"[{"at":"0","outcome":"accepted","reason":"it's \"fine\""}]"#.to_owned();
    Conclusion { tenant: "default".to_owned(), id: id.to_owned(), attempt: 1, state, outcome }
}

fn state_of(world: &World, id: &str) -> (String, Option<i64>, Option<String>) {
    let sql = "SELECT state, lease_until, outcome FROM webhook_deliveries WHERE id = ?";
    world.memory.sqlite().query_row(sql, [id], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).unwrap()
}

#[test]
fn those_that_gather_are_written_together() {
    let world = World::new();
    let conclusions = Rc::<Conclusions>::default();
    let first = stored(&world, "one", State::Done);
    let outcome = first.outcome.clone();
    let turn = conclusions.add(first).expect("nobody writes yet");
    let others = [stored(&world, "two", State::Done), stored(&world, "three", State::Pending { retry_at: 77 })];
    for conclusion in others {
        assert!(conclusions.add(conclusion).is_none(), "one writes for all");
    }
    block_on(turn.run(&world.store, async || {}, |_, reason| panic!("{reason}")));
    for id in ["one", "two"] {
        assert_eq!(state_of(&world, id), ("done".to_owned(), None, Some(outcome.clone())));
    }
    assert_eq!(state_of(&world, "three"), ("pending".to_owned(), Some(77), Some(outcome)));
}

#[test]
fn what_comes_while_it_is_written_is_written_next() {
    let world = World::new();
    let conclusions = Rc::<Conclusions>::default();
    let turn = conclusions.add(stored(&world, "one", State::Done)).unwrap();
    let second = Cell::new(Some(stored(&world, "two", State::Done)));
    let rounds = Cell::new(0);
    let gather = async || {
        rounds.set(rounds.get() + 1);
        if rounds.get() == 2 {
            assert!(conclusions.add(second.take().unwrap()).is_none());
        }
    };
    block_on(turn.run(&world.store, gather, |_, reason| panic!("{reason}")));
    assert_eq!(state_of(&world, "two").0, "done");
    assert!(conclusions.add(stored(&world, "three", State::Done)).is_some(), "the turn is over");
}

#[test]
fn a_turn_that_ends_with_its_request_leaves_the_duty_to_the_next() {
    let world = World::new();
    let conclusions = Rc::<Conclusions>::default();
    drop(conclusions.add(stored(&world, "one", State::Done)));
    let turn = conclusions.add(stored(&world, "two", State::Done)).expect("nobody writes any more");
    block_on(turn.run(&world.store, async || {}, |_, reason| panic!("{reason}")));
    assert_eq!((state_of(&world, "one").0, state_of(&world, "two").0), ("done".to_owned(), "done".to_owned()));
}

#[test]
fn under_load_a_later_request_takes_over() {
    let world = World::new();
    let conclusions = Rc::<Conclusions>::default();
    let turn = conclusions.add(stored(&world, "first", State::Done)).unwrap();
    let (next, taken_over) = (Cell::new(0), Cell::new(None));
    let gather = async || {
        next.set(next.get() + 1);
        let taken = conclusions.add(stored(&world, &format!("next-{}", next.get()), State::Done));
        taken_over.set(taken_over.take().or(taken));
    };
    block_on(turn.run(&world.store, gather, |_, reason| panic!("{reason}")));
    let turn = taken_over.take().expect("its turn ended though more came");
    block_on(turn.run(&world.store, async || {}, |_, reason| panic!("{reason}")));
    assert_eq!(state_of(&world, &format!("next-{}", next.get())).0, "done");
}
