//! A crash at any point: what was written down decides, and no message goes twice.

use std::time::Duration;

use outbound_gateway::domain::services::Ended;
use outbound_gateway::domain::{Done, deliver};
use sdk::testing::both;

use crate::support::*;

/// Polls the delivery until its call is out, and drops it there: the process dies, the provider may have the message.
pub fn dies_while_calling(world: &World, event: &str) {
    world.is(Mood::Hangs);
    let order = order(event);
    let mut delivery = std::pin::pin!(deliver(world, &order));
    let mut task = std::task::Context::from_waker(std::task::Waker::noop());
    while world.sent() == 0 {
        assert!(delivery.as_mut().poll(&mut task).is_pending());
    }
}

/// Longer than any attempt is left alone.
const AFTERWARDS: Duration = Duration::from_secs(45);

#[test]
fn an_attempt_that_died_is_unknown_and_not_repeated() {
    for world in [World::whatsapp(), World::sms(), World::telegram(), World::email()] {
        dies_while_calling(&world, "e1");
        world.is(taken("whatsapp"));
        let wait = world.deliver("e1").unwrap_err();
        assert!(wait.seconds > 10, "somebody may be at it: {}", wait.seconds);
        world.pass(AFTERWARDS);
        // Those that can be asked say nothing of use.
        let Done::Ended(ended @ Ended::Unknown(_)) = world.deliver_to_the_end("e1") else { panic!() };
        let expected = if world.asked() == 0 { "interrupted" } else { "unsettled" };
        assert_eq!((code(&ended), world.sent()), (expected, 1));
        assert!(matches!(world.last_report().ended, Ended::Unknown(_)));
    }
}

#[test]
fn a_receiver_that_knows_repetitions_gets_it_again() {
    let world = World::webhook();
    dies_while_calling(&world, "e1");
    world.is(taken("pigeon"));
    world.pass(AFTERWARDS);
    assert_eq!(world.deliver("e1").unwrap(), Done::Ended(Ended::Sent(MESSAGE.to_owned())));
    assert_eq!(world.sent(), 2);
}

#[test]
fn what_a_status_has_settled_meanwhile_stays_settled() {
    let world = World::whatsapp();
    dies_while_calling(&world, "e1");
    world.message.borrow_mut().as_mut().unwrap().is_queued = false;
    world.pass(AFTERWARDS);
    assert_eq!(world.deliver("e1").unwrap(), Done::Nothing);
    assert_eq!((world.sent(), world.reports.borrow().len()), (1, 0));
}

#[test]
fn what_may_have_arrived_is_not_failed_because_it_may_not_be_sent_any_more() {
    let world = World::whatsapp();
    dies_while_calling(&world, "e1");
    world.last_inbound_at.set(None);
    world.pass(AFTERWARDS);
    assert!(matches!(world.deliver("e1").unwrap(), Done::Ended(Ended::Unknown(_))));
}

#[test]
fn of_two_at_once_one_sends() {
    let world = World::whatsapp();
    let (first, second) = (order("e1"), order("e1"));
    let (first, second) = block_on(both(deliver(&world, &first), deliver(&world, &second)));
    assert_eq!(world.sent(), 1);
    assert_ne!(first.is_ok(), second.is_ok(), "the other one comes again");
    assert!(matches!(world.deliver("e1").unwrap(), Done::Ended(Ended::Sent(_))));
    assert_eq!(world.sent(), 1);
}

#[test]
fn the_attempt_is_durable_before_the_call() {
    let world = World::whatsapp();
    dies_while_calling(&world, "e1");
    assert_eq!(world.memory.scalar("SELECT count(*) FROM deliveries WHERE state = 'calling' AND attempts = 1"), 1);
}

#[test]
fn every_statement_uses_indexes_only() {
    let world = World::whatsapp();
    world.deliver("e1").unwrap();
    for statement in outbound_gateway::store::statements::ALL {
        sdk::testing::assert_uses_indexes(&world.memory, statement);
    }
}
