//! The business may begin: its message goes to the one who is reached, the answer arrives where it wrote, and the provider's own name of the
//! recipient is learned.

use outbound_gateway::domain::Done;
use outbound_gateway::domain::services::{Alias, Ended, Party};
use serde_json::json;

use crate::support::*;

const ACCOUNT: &str = "106540352242922";

/// A customer whom the API made, and an agent, in a conversation on no channel.
fn opened_by_the_business() -> World {
    let world = World::whatsapp();
    world.conversation.borrow_mut().channel = None;
    world.conversation.borrow_mut().channel_account_id = None;
    world.conversation.borrow_mut().participants = vec![AGENT.to_owned(), CUSTOMER.to_owned()];
    world.last_inbound_at.set(None);
    let mut person = world.person.borrow_mut();
    (person.external_type, person.external_id) = ("whatsapp".to_owned(), "525512345678".to_owned());
    person.identities.clear();
    drop(person);
    world.writes("template", None, json!({ "template": { "name": "hola", "language": "es" } }));
    let mut message = world.message.borrow_mut();
    message.as_mut().unwrap().channel = Some("whatsapp".to_owned());
    message.as_mut().unwrap().channel_account_id = Some(ACCOUNT.to_owned());
    drop(message);
    world
}

#[test]
fn a_template_reaches_who_never_wrote_and_the_answer_is_expected_there() {
    let world = opened_by_the_business();
    assert!(matches!(world.deliver("e1").unwrap(), Done::Ended(Ended::Sent(_))));
    assert_eq!(world.last_json()["to"], "525512345678");
    let party = Party {
        channel: "whatsapp".to_owned(),
        channel_account_id: ACCOUNT.to_owned(),
        customer_id: CUSTOMER.to_owned(),
    };
    assert_eq!(*world.routed.borrow(), [(CONVERSATION.to_owned(), party)]);
}

#[test]
fn a_reply_without_a_sender_goes_to_the_customer_and_not_to_the_agent() {
    let world = opened_by_the_business();
    world.last_inbound_at.set(Some(START - 1));
    world.message.borrow_mut().as_mut().unwrap().content_type = "text".to_owned();
    world.message.borrow_mut().as_mut().unwrap().body = Some("Hello".to_owned());
    assert!(matches!(world.deliver("e1").unwrap(), Done::Ended(Ended::Sent(_))));
    assert_eq!(world.last_json()["to"], "525512345678");
}

#[test]
fn what_is_not_sent_moves_no_answers() {
    let world = opened_by_the_business();
    world.writes("text", Some("Hello"), json!({}));
    world.conversation.borrow_mut().channel = Some("whatsapp".to_owned());
    world.conversation.borrow_mut().channel_account_id = Some(ACCOUNT.to_owned());
    let Done::Ended(ended) = world.deliver("e1").unwrap() else { panic!() };
    assert_eq!((code(&ended), world.sent(), world.routed.borrow().len()), ("window_closed", 0, 0));
}

#[test]
fn a_group_keeps_its_own_messages_and_still_sends() {
    let world = World::whatsapp();
    world.conversation.borrow_mut().is_direct = false;
    assert!(matches!(world.deliver("e1").unwrap(), Done::Ended(Ended::Sent(_))));
}

#[test]
fn the_window_is_the_customers_whatever_the_conversation() {
    // The conversation is new and empty; the customer wrote to the account an hour ago.
    let world = opened_by_the_business();
    world.writes("text", Some("Hello again"), json!({}));
    world.conversation.borrow_mut().channel = Some("whatsapp".to_owned());
    world.conversation.borrow_mut().channel_account_id = Some(ACCOUNT.to_owned());
    world.last_inbound_at.set(Some(START - 3_600_000_000));
    assert!(matches!(world.deliver("e1").unwrap(), Done::Ended(Ended::Sent(_))));
}

#[test]
fn another_id_in_the_answer_is_the_same_person() {
    let world = opened_by_the_business();
    let answer = json!({
        "messaging_product": "whatsapp", "messages": [{"id": "wamid.1"}],
        "contacts": [{"input": "525512345678", "wa_id": "5215512345678", "user_id": "MX.13491208655302741918"}],
    });
    world.is(Mood::Answers(200, answer));
    assert!(matches!(world.deliver("e1").unwrap(), Done::Ended(Ended::Sent(_))));
    let alias = |kind: &str, value: &str| {
        let (kind, value) = (kind.to_owned(), value.to_owned());
        (ACCOUNT.to_owned(), Alias { kind, value })
    };
    assert_eq!(world.memory.scalar("SELECT count(*) FROM deliveries WHERE outcome LIKE '%5215512345678%'"), 0);
    assert_eq!(
        *world.learned.borrow(),
        [alias("phone", "525512345678"), alias("phone", "5215512345678"), alias("bsuid", "MX.13491208655302741918"),]
    );
}

#[test]
fn what_is_no_other_id_teaches_nothing() {
    for contact in [
        json!({"wa_id": "525512345678"}),
        json!({"wa_id": "Ann"}),
        json!({"wa_id": ""}),
        json!({}),
        json!({"user_id": "x"}),
    ] {
        let world = opened_by_the_business();
        world.is(Mood::Answers(200, json!({"contacts": [contact], "messages": [{"id": "wamid.1"}]})));
        assert!(matches!(world.deliver("e1").unwrap(), Done::Ended(Ended::Sent(_))));
        assert!(world.learned.borrow().is_empty(), "{contact}");
    }
}

#[test]
fn a_name_is_learned_although_the_services_were_away_when_it_was_told() {
    let world = opened_by_the_business();
    let answer = json!({"contacts": [{"wa_id": "5215512345678"}], "messages": [{"id": "wamid.1"}]});
    world.is(Mood::Answers(200, answer));
    world.forgetful.set(true);
    world.deliver("e1").unwrap_err();
    assert_eq!((world.reports.borrow().len(), world.learned.borrow().len()), (0, 0), "nobody is told before");
    world.forgetful.set(false);
    for _ in 0..2 {
        assert_eq!(world.deliver("e1").unwrap(), Done::Ended(Ended::Sent("wamid.1".to_owned())));
    }
    assert_eq!(
        (world.sent(), world.learned.borrow().len()),
        (1, 2),
        "learned once: the name that we wrote to, and the other one"
    );
}
