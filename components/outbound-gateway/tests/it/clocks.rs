//! A clock that was wrong for a while: what it left behind in the future is due at once.

use std::time::Duration;

use outbound_gateway::domain::Done;
use outbound_gateway::domain::services::Ended;
use serde_json::json;

use crate::support::*;

const YEAR: i64 = 365 * 24 * 3600 * 1_000_000;

#[test]
fn a_due_time_of_a_clock_that_was_a_year_ahead_is_due_now() {
    let world = World::whatsapp();
    world.jump(YEAR);
    world.last_inbound_at.set(Some(START + YEAR));
    world.is(Mood::AnswersLater(429, json!({}), 45));
    assert_eq!(world.deliver("e1").unwrap_err().seconds, 45);
    world.jump(-YEAR);
    world.is(taken("whatsapp"));
    assert!(matches!(world.deliver("e1").unwrap(), Done::Ended(Ended::Sent(_))));
}

#[test]
fn a_lease_of_a_clock_that_was_ahead_has_lapsed() {
    let world = World::sms();
    world.jump(YEAR);
    crate::crashes::dies_while_calling(&world, "e1");
    world.jump(-YEAR);
    world.answers.replace(Mood::Answers(200, json!({ "messages": [] })));
    world.is(taken("sms"));
    // The attempt began in a time that is not: what the provider has from now on is compared with that, and found by nobody.
    assert!(matches!(world.deliver_to_the_end("e1"), Done::Ended(Ended::Sent(_) | Ended::Unknown(_))));
    let unknowable = World::whatsapp();
    unknowable.jump(YEAR);
    unknowable.last_inbound_at.set(Some(START + YEAR));
    crate::crashes::dies_while_calling(&unknowable, "e1");
    unknowable.jump(-YEAR);
    unknowable.is(taken("whatsapp"));
    assert!(matches!(unknowable.deliver("e1").unwrap(), Done::Ended(Ended::Unknown(_))));
    assert_eq!(unknowable.sent(), 1);
}

#[test]
fn what_a_clock_that_is_right_has_set_is_waited_for() {
    let world = World::whatsapp();
    world.is(Mood::AnswersLater(429, json!({}), 3600));
    assert_eq!(world.deliver("e1").unwrap_err().seconds, 3600);
    assert_eq!(world.deliver("e1").unwrap_err().seconds, 3600);
    world.pass(Duration::from_secs(3599));
    assert_eq!((world.deliver("e1").unwrap_err().seconds, world.sent()), (1, 1));
    let calling = World::whatsapp();
    crate::crashes::dies_while_calling(&calling, "e1");
    calling.is(taken("whatsapp"));
    assert!(calling.deliver("e1").unwrap_err().seconds >= 30);
    assert_eq!(calling.sent(), 1);
}
