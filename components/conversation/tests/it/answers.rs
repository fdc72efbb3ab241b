//! Where answers arrive: in the conversation from which the business wrote last.

use ::http::Method;
use conversation::{
    answers::route,
    domain::{Conversation, Created, Error, Kind, NewConversation, create},
};
use sdk::{
    Context,
    idempotency::Done,
    ids,
    testing::{block_on, json},
};

use crate::{NOW, TestApp, direct, tenant};

/// A direct conversation of a customer and an agent, opened on no channel.
fn opened_by_the_business(app: &TestApp, customer: &str) -> Conversation {
    let new = NewConversation {
        kind: Kind::Direct,
        participants: vec![customer.to_owned(), ids::new()],
        channel: None,
        channel_account_id: None,
        subject: None,
        metadata: "{}".into(),
    };
    made(block_on(create(&app.app.store, &tenant(), &new, NOW, None)).unwrap())
}

fn made(done: Done<Created>) -> Conversation {
    let Done::Now(created) = done else { panic!("nothing was asked for before") };
    created.conversation
}

fn writes_to(app: &TestApp, conversation: &str, customer: &str) -> Result<(), Error> {
    block_on(route(&app.app.store, &tenant(), conversation, &direct(customer), NOW))
}

fn arrives_in(app: &TestApp, customer: &str) -> String {
    block_on(app.resolve(&[customer])).remove(0).unwrap().id
}

#[test]
fn an_answer_arrives_where_the_business_wrote() {
    let app = TestApp::start();
    let customer = ids::new();
    let ours = opened_by_the_business(&app, &customer);
    writes_to(&app, &ours.id, &customer).unwrap();
    assert_eq!(arrives_in(&app, &customer), ours.id);
    assert_eq!(app.memory.scalar("SELECT count(*) FROM conversations"), 1, "no other one was opened");
    let shown = json(&app.send(Method::GET, &format!("/conversations/{}", ours.id), ""));
    assert_eq!((&shown["channel"], &shown["channel_account_id"]), (&"whatsapp".into(), &"acc".into()));
    assert_eq!(app.events("updated"), 1, "that it has a channel now is told");
    let second = opened_by_the_business(&app, &customer);
    writes_to(&app, &second.id, &customer).unwrap();
    assert_eq!(arrives_in(&app, &customer), second.id, "the last one wins");
    writes_to(&app, &ours.id, &customer).unwrap();
    assert_eq!(arrives_in(&app, &customer), ours.id);
}

#[test]
fn a_reply_in_the_customers_own_conversation_brings_the_answers_back() {
    let app = TestApp::start();
    let own = app.open();
    let customer = own.participants[0].customer_id.clone();
    let ours = opened_by_the_business(&app, &customer);
    writes_to(&app, &ours.id, &customer).unwrap();
    assert_eq!(arrives_in(&app, &customer), ours.id);
    writes_to(&app, &own.id, &customer).unwrap();
    assert_eq!(arrives_in(&app, &customer), own.id);
    assert_eq!(app.memory.scalar("SELECT count(*) FROM answer_routes"), 0, "nothing is kept that says nothing");
}

#[test]
fn writing_on_writes_nothing() {
    let app = TestApp::start();
    let own = app.open();
    let customer = own.participants[0].customer_id.clone();
    let ours = opened_by_the_business(&app, &ids::new());
    writes_to(&app, &ours.id, &ours.participants[0].customer_id).unwrap();
    app.memory.statements();
    writes_to(&app, &own.id, &customer).unwrap();
    writes_to(&app, &ours.id, &ours.participants[0].customer_id).unwrap();
    let statements = app.memory.statements();
    assert!(statements.iter().all(|sql| sql.starts_with("SELECT")), "{statements:?}");
}

#[test]
fn nobody_is_brought_into_a_conversation_by_it() {
    let app = TestApp::start();
    let (customer, own) = (ids::new(), app.open());
    assert!(matches!(writes_to(&app, &own.id, &customer), Err(Error::Conflict(_))));
    assert!(matches!(writes_to(&app, &ids::new(), &customer), Err(Error::NotFound)));
    let theirs = Context { tenant: "acme".into(), ..tenant() };
    let item = direct(&own.participants[0].customer_id);
    let refused = block_on(route(&app.app.store, &theirs, &own.id, &item, NOW));
    assert!(matches!(refused, Err(Error::NotFound)));
    let group = NewConversation {
        kind: Kind::Group,
        participants: vec![customer.clone(), ids::new(), ids::new()],
        channel: None,
        channel_account_id: None,
        subject: None,
        metadata: "{}".into(),
    };
    let group = made(block_on(create(&app.app.store, &tenant(), &group, NOW, None)).unwrap());
    assert!(matches!(writes_to(&app, &group.id, &customer), Err(Error::Conflict(_))));
    assert_eq!(app.memory.scalar("SELECT count(*) FROM answer_routes"), 0);
}
