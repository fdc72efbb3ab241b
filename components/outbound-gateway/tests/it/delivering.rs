//! One order: sent once, attempted again after a provider's fault, and ended with a reason.

use std::time::Duration;

use outbound_gateway::domain::Done;
use outbound_gateway::domain::services::{Ended, Person};
use serde_json::json;

use crate::support::*;

#[test]
fn a_text_is_sent_once_however_often_it_is_ordered() {
    let world = World::whatsapp();
    for _ in 0..3 {
        let done = world.deliver("e1").unwrap();
        assert_eq!(done, Done::Ended(Ended::Sent("wamid.1".to_owned())));
    }
    assert_eq!(world.sent(), 1);
    let report = world.last_report();
    assert_eq!((report.message_id.as_str(), report.channel.as_str()), (MESSAGE, "whatsapp"));
    assert_eq!(report.channel_account_id, "106540352242922");
}

#[test]
fn a_fault_is_tried_again_after_10_30_and_60_seconds_and_then_it_is_a_failure() {
    let world = World::whatsapp();
    world.is(Mood::Answers(503, json!({"error": {"code": 131016, "message": "Service overloaded"}})));
    for (attempt, seconds) in [(1, 10), (2, 30), (3, 60)] {
        assert_eq!(world.deliver("e1").unwrap_err().seconds, seconds);
        assert_eq!(world.sent(), attempt);
        world.pass(Duration::from_secs(seconds) - Duration::from_millis(1500));
        assert_eq!(world.deliver("e1").unwrap_err().seconds, 2, "too early: nothing is sent");
        assert_eq!(world.sent(), attempt);
        world.pass(Duration::from_millis(1500));
    }
    let Done::Ended(Ended::Failed(failure)) = world.deliver("e1").unwrap() else { panic!() };
    assert_eq!((failure.code.as_deref(), failure.reason.as_str()), (Some("131016"), "Service overloaded"));
    assert_eq!((world.sent(), world.reports.borrow().len()), (4, 1));
    world.deliver("e1").unwrap();
    assert_eq!(world.sent(), 4, "an end is an end");
}

#[test]
fn the_schedule_is_a_variable() {
    let world = World::whatsapp();
    world.set("outbound_retry_ms", "50, 70");
    world.is(Mood::Unreachable);
    assert_eq!(world.deliver("e1").unwrap_err().seconds, 1, "the shortest that can be asked for");
    let done = world.deliver_to_the_end("e1");
    assert!(matches!(done, Done::Ended(Ended::Failed(failure)) if failure.code.as_deref() == Some("unreachable")));
    assert_eq!(world.sent(), 3);
    world.asks_again();
    world.set("outbound_retry_ms", "soon");
    assert!(world.deliver("e2").is_err(), "a schedule that is none is a fault of the deployment: nothing is lost");
}

#[test]
fn a_provider_says_itself_when_to_come_again() {
    let world = World::whatsapp();
    world.is(Mood::AnswersLater(429, json!({"error": {"code": 130429, "message": "Rate limit hit"}}), 45));
    assert_eq!(world.deliver("e1").unwrap_err().seconds, 45);
    world.pass(Duration::from_secs(45));
    world.is(taken("whatsapp"));
    assert!(matches!(world.deliver("e1").unwrap(), Done::Ended(Ended::Sent(_))));
}

#[test]
fn what_may_have_arrived_is_unknown_and_never_sent_twice() {
    let faults = [
        Mood::Hangs,
        Mood::Closes,
        Mood::AnswersText(200, "garbage"),
        Mood::AnswersText(200, ""),
        Mood::AnswersText(502, "<html>"),
        Mood::AnswersText(504, ""),
        Mood::AnswersText(500, "oops"),
        Mood::AnswersText(503, "upstream connect error or disconnect/reset before headers"),
        Mood::Answers(200, json!({"messages": []})),
    ];
    for mood in faults {
        for world in [World::whatsapp(), World::sms(), World::telegram(), World::email()] {
            world.is(mood.clone());
            // Those that can be asked do not answer either.
            let done = world.deliver_to_the_end("e1");
            assert!(matches!(done, Done::Ended(Ended::Unknown(_))), "{mood:?} {done:?}");
            world.is(taken("whatsapp"));
            world.deliver("e1").unwrap();
            assert_eq!(world.sent(), 1, "{mood:?}");
        }
    }
}

#[test]
fn an_answer_that_comes_too_late_is_none() {
    let taken = |seconds| Mood::AnswersAfter(seconds, 200, json!({"messages": [{"id": "wamid.1"}]}));
    let world = World::whatsapp();
    world.is(taken(14));
    assert_eq!(world.deliver("e1").unwrap(), Done::Ended(Ended::Sent("wamid.1".to_owned())));
    let world = World::whatsapp();
    world.is(taken(16));
    assert!(matches!(world.deliver_to_the_end("e1"), Done::Ended(Ended::Unknown(_))));
    assert_eq!(world.sent(), 1, "its status will settle it");
}

#[test]
fn a_receiver_that_knows_repetitions_is_asked_again() {
    for mood in [Mood::Hangs, Mood::Closes, Mood::AnswersText(502, ""), Mood::Unreachable] {
        let world = World::webhook();
        world.is(mood);
        assert!(world.deliver("e1").is_err());
        world.is(taken("pigeon"));
        assert_eq!(world.deliver_to_the_end("e1"), Done::Ended(Ended::Sent(MESSAGE.to_owned())));
        let ids: Vec<_> = world.calls.borrow().iter().map(|call| call.headers()["webhook-id"].clone()).collect();
        assert_eq!(ids, [MESSAGE, MESSAGE]);
    }
}

#[test]
fn a_person_may_send_again_what_failed() {
    let world = World::whatsapp();
    world.is(Mood::Answers(400, json!({"error": {"code": 131026, "message": "Message undeliverable"}})));
    assert!(matches!(world.deliver("e1").unwrap(), Done::Ended(Ended::Failed(_))));
    world.is(taken("whatsapp"));
    world.asks_again();
    assert_eq!(world.deliver("e2").unwrap(), Done::Ended(Ended::Sent("wamid.1".to_owned())));
    assert_eq!(world.deliver("e1").map(|_| world.sent()), Ok(2), "the first order is over");
}

#[test]
fn what_is_not_queued_any_more_is_not_sent() {
    let world = World::whatsapp();
    world.message.borrow_mut().as_mut().unwrap().is_queued = false;
    assert_eq!(world.deliver("e1").unwrap(), Done::Nothing);
    world.message.replace(None);
    assert_eq!(world.deliver("e2").unwrap(), Done::Nothing);
    assert_eq!((world.sent(), world.reports.borrow().len()), (0, 0));
}

#[test]
fn services_that_do_not_answer_cost_no_attempt() {
    let world = World::whatsapp();
    world.down.set(true);
    for _ in 0..10 {
        assert_eq!(world.deliver("e1").unwrap_err().seconds, 1);
    }
    assert_eq!(world.sent(), 0);
    world.down.set(false);
    assert!(matches!(world.deliver("e1").unwrap(), Done::Ended(Ended::Sent(_))));
}

#[test]
fn an_end_that_could_not_be_told_is_told_later_and_nothing_is_sent_for_it() {
    let world = World::whatsapp();
    world.deaf.set(true);
    assert!(world.deliver("e1").is_err());
    assert!(world.deliver("e1").is_err());
    world.deaf.set(false);
    assert!(matches!(world.deliver("e1").unwrap(), Done::Ended(Ended::Sent(_))));
    assert_eq!((world.sent(), world.reports.borrow().len()), (1, 1));
}

#[test]
fn outside_of_the_window_only_templates_are_sent() {
    for (last, reason) in
        [(Some(START - 24 * 3_600_000_000), "24 hours ago"), (None, "has not written to this account yet")]
    {
        let world = World::whatsapp();
        world.last_inbound_at.set(last);
        let Done::Ended(Ended::Failed(failure)) = world.deliver("e1").unwrap() else { panic!() };
        assert_eq!(failure.code.as_deref(), Some("window_closed"));
        assert!(failure.reason.contains(reason), "{}", failure.reason);
        assert_eq!(world.sent(), 0, "known before sending");
        world.writes("template", None, json!({"template": {"name": "hello_world", "language": "en_US"}}));
        assert!(matches!(world.deliver("e2").unwrap(), Done::Ended(Ended::Sent(_))));
    }
    let world = World::whatsapp();
    world.last_inbound_at.set(Some(START - 24 * 3_600_000_000 + 1));
    assert!(matches!(world.deliver("e1").unwrap(), Done::Ended(Ended::Sent(_))));
    let world = World::sms();
    world.last_inbound_at.set(None);
    assert!(matches!(world.deliver("e1").unwrap(), Done::Ended(Ended::Sent(_))), "SMS has no window");
}

#[test]
fn who_reads_by_the_api_has_it_at_once() {
    for channel in [Some("web"), None] {
        let world = World::new("web", "shop", "visitor-id", "v1");
        world.conversation.borrow_mut().channel = channel.map(str::to_owned);
        world.conversation.borrow_mut().participants = vec!["a".to_owned(), "b".to_owned()];
        assert_eq!(world.deliver("e1").unwrap(), Done::Ended(Ended::Sent(MESSAGE.to_owned())));
        assert_eq!((world.sent(), world.last_report().channel.as_str()), (0, "web"));
    }
}

#[test]
fn what_cannot_be_sent_says_why() {
    type Spoil = fn(&World);
    let spoil: [(&str, Spoil); 9] = [
        ("not_configured", |world| drop(world.variables.borrow_mut().remove("whatsapp_access_token"))),
        ("no_recipient", |world| world.conversation.borrow_mut().participants.clear()),
        ("no_recipient", |world| {
            let twin = Person { id: AGENT.to_owned(), ..world.person.borrow().clone() };
            world.colleague.replace(twin);
            world.conversation.borrow_mut().participants.push(AGENT.to_owned());
        }),
        ("no_recipient", |world| {
            world.conversation.borrow_mut().participants.push(AGENT.to_owned());
            world.conversation.borrow_mut().is_direct = false;
        }),
        ("no_recipient", |world| world.person.borrow_mut().identities.clear()),
        ("no_text", |world| world.writes("text", None, json!({}))),
        ("too_long", |world| world.writes("text", Some(&"x".repeat(4097)), json!({}))),
        ("type_unsupported", |world| world.writes("hologram", Some("x"), json!({}))),
        ("account_malformed", |world| world.conversation.borrow_mut().channel_account_id = Some("../me".to_owned())),
    ];
    for (expected, spoil) in spoil {
        let world = World::whatsapp();
        spoil(&world);
        let Done::Ended(ended @ Ended::Failed(_)) = world.deliver("e1").unwrap() else { panic!("{expected}") };
        assert_eq!((code(&ended), world.sent()), (expected, 0));
    }
}

#[test]
fn the_deployments_credentials_are_not_every_tenants() {
    let world = World::whatsapp();
    let mut theirs = order("e1");
    theirs.context.tenant = "acme".to_owned();
    let done = block_on(outbound_gateway::domain::deliver(&world, &theirs)).unwrap();
    let Done::Ended(ended) = done else { panic!() };
    assert_eq!((code(&ended), world.sent()), ("not_configured", 0));
}
