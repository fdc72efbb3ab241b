//! A channel that its provider refuses as a whole: nothing more goes by it until somebody has set it right.

use outbound_gateway::domain::Done;
use outbound_gateway::domain::services::Ended;
use serde_json::{Value, json};

use crate::support::*;

const EVENTS: &str = "SELECT count(*) FROM outbox WHERE type = 'com.kobliat.channel.stopped.v1'";

/// A world whose token was refused.
fn stopped() -> World {
    let world = World::whatsapp();
    world.is(Mood::Answers(401, json!({"error": {"code": 190, "message": "Access token has expired"}})));
    assert!(matches!(world.deliver("e1").unwrap(), Done::Ended(Ended::Failed(_))));
    world
}

/// Another message.
fn writes_another(world: &World, event: &str) -> Done {
    world.asks_again();
    // Of another message, though its body be the same: the first has no other order.
    world.memory.sqlite().execute("UPDATE deliveries SET message_id = event_id", []).unwrap();
    world.deliver(event).unwrap()
}

#[test]
fn the_first_refusal_stops_the_channel_and_is_told_once() {
    let world = stopped();
    assert_eq!(world.memory.scalar(EVENTS), 1);
    let event: String = world.memory.sqlite().query_row("SELECT event FROM outbox", [], |row| row.get(0)).unwrap();
    let event: Value = serde_json::from_str(&event).unwrap();
    assert_eq!(event["subject"], "whatsapp/106540352242922");
    assert_eq!((&event["data"]["code"], &event["data"]["reason"]), (&json!("190"), &json!("Access token has expired")));
    assert!(!event.to_string().contains("wa-token"));
    let Done::Ended(Ended::Failed(failure)) = writes_another(&world, "e2") else { panic!() };
    assert_eq!(failure.reason, "the channel is stopped: Access token has expired");
    assert_eq!((world.sent(), world.memory.scalar(EVENTS)), (1, 1), "nothing is sent, nothing is told again");
}

#[test]
fn another_token_is_another_try() {
    let world = stopped();
    world.set("whatsapp_access_token", "fresh");
    world.is(taken("whatsapp"));
    assert!(matches!(writes_another(&world, "e2"), Done::Ended(Ended::Sent(_))));
}

#[test]
fn what_a_person_sends_again_is_tried_and_starts_the_channel() {
    let world = stopped();
    world.asks_again();
    assert!(matches!(world.deliver("e2").unwrap(), Done::Ended(Ended::Failed(_))));
    assert_eq!((world.sent(), world.memory.scalar(EVENTS)), (2, 1), "tried, and still refused");
    world.is(taken("whatsapp"));
    world.asks_again();
    assert!(matches!(world.deliver("e3").unwrap(), Done::Ended(Ended::Sent(_))));
    assert_eq!(world.memory.scalar("SELECT count(*) FROM channel_stops"), 0);
}

#[test]
fn another_account_and_another_channel_go_on() {
    let world = stopped();
    world.is(taken("whatsapp"));
    world.conversation.borrow_mut().channel_account_id = Some("222".to_owned());
    assert!(matches!(writes_another(&world, "e2"), Done::Ended(Ended::Sent(_))));
}
