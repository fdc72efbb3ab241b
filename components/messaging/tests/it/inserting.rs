//! Messages are stored once, numbered without gaps, and told with their event.

use messaging::{
    domain::{Error, NewMessage, Status, insert_many},
    events,
};
use sdk::{
    Context, Event, ids,
    testing::{block_on, both},
};

use crate::{NOW, TestApp, carried, context, inbound, outbound};

#[test]
fn stores_a_message_with_its_event_in_one_statement() {
    let app = TestApp::start();
    app.insert_one(inbound("wamid.1"));
    app.memory.statements();
    let inserted = app.insert_one(inbound("wamid.2"));
    assert!(!inserted.duplicate);
    assert_eq!((inserted.message.seq, inserted.message.status), (2, Status::Delivered));
    let statements = app.memory.statements();
    assert_eq!(statements.len(), 1, "{statements:?}");
    assert_eq!(app.get(&inserted.message.id), inserted.message);
    assert_eq!(app.events("received"), 2);
}

#[test]
fn tells_in_the_event_what_is_stored() {
    let app = TestApp::start();
    for new in [inbound("wamid.1"), outbound(), carried("wamid.2")] {
        let message = app.insert_one(new).message;
        let told = "SELECT tenant_id, event_id, type, partition_key, event, created_at FROM outbox \
                    WHERE json_extract(event, '$.subject') = ?";
        let row = app.memory.sqlite().query_row(told, [&message.id], |row| {
            let columns: [String; 5] = [row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?];
            Ok((columns, row.get::<_, i64>(5)?))
        });
        let ([tenant, id, kind, partition_key, event], at) = row.unwrap();
        let expected = Event { id, ..events::stored(&context(), &message, NOW) };
        assert_eq!(as_json(&event), as_json(&expected.to_json().unwrap()));
        assert_eq!((tenant.as_str(), kind.as_str(), at), ("default", expected.kind, NOW));
        assert_eq!(partition_key, message.conversation_id);
    }
}

fn as_json(text: &str) -> serde_json::Value {
    serde_json::from_str(text).unwrap()
}

#[test]
fn takes_two_statements_more_than_messages_for_a_batch() {
    let app = TestApp::start();
    block_on(app.insert(vec![inbound("wamid.1"), inbound("wamid.2"), outbound()]));
    let statements = app.memory.statements();
    assert_eq!(statements.len(), 5, "{statements:?}");
    assert_eq!((statements[0].as_str(), statements[4].as_str()), ("BEGIN IMMEDIATE", "COMMIT"));
}

#[test]
fn answers_a_repetition_with_the_first_message_and_no_second_event() {
    let app = TestApp::start();
    let first = app.insert_one(inbound("wamid.1")).message;
    let again = app.insert_one(NewMessage { body: Some("other".into()), ..inbound("wamid.1") });
    assert!(again.duplicate);
    assert_eq!((again.message, app.events("received")), (first, 1));
}

#[test]
fn stores_one_of_two_deliveries_that_come_together() {
    let app = TestApp::start();
    let (a, b) = block_on(both(app.insert(vec![inbound("wamid.1")]), app.insert(vec![inbound("wamid.1")])));
    let (a, b) = (a[0].as_ref().unwrap(), b[0].as_ref().unwrap());
    assert_eq!((&a.message, a.duplicate ^ b.duplicate), (&b.message, true));
    assert_eq!(app.memory.scalar("SELECT count(*) FROM messages"), 1);
}

#[test]
fn numbers_a_conversation_without_gaps_whatever_is_repeated_or_refused() {
    let app = TestApp::start();
    let other = NewMessage { conversation_id: ids::new(), ..inbound("wamid.9") };
    let bad = NewMessage { metadata: "[]".into(), ..inbound("wamid.3") };
    let batch = vec![inbound("wamid.1"), inbound("wamid.1"), bad, other, inbound("wamid.2"), outbound(), outbound()];
    let answers = block_on(app.insert(batch));
    let seqs: Vec<_> = answers.iter().map(|answer| answer.as_ref().map_or(0, |i| i.message.seq)).collect();
    assert_eq!(seqs, [1, 1, 0, 1, 2, 3, 4]);
    assert!(matches!(answers[2], Err(Error::Invalid { field: "metadata", .. })));
    assert_eq!((app.events("received"), app.events("queued")), (3, 2));
}

#[test]
fn keeps_ids_of_other_accounts_tenants_and_directions_apart() {
    let app = TestApp::start();
    let elsewhere = NewMessage { channel_account_id: Some("other".into()), ..inbound("1") };
    for message in [inbound("1"), elsewhere, carried("1")] {
        assert!(!app.insert_one(message).duplicate);
    }
    let tenant = Context { tenant: "other".into(), ..Context::default() };
    let theirs = block_on(insert_many(&app.app.store, &tenant, vec![inbound("1")], NOW)).unwrap();
    assert_eq!(theirs[0].as_ref().map(|i| (i.duplicate, i.message.seq)), Ok((false, 1)));
}

#[test]
fn deduplicates_by_the_callers_own_reference_within_a_conversation() {
    let app = TestApp::start();
    let mine = || NewMessage { client_ref: Some("r1".into()), ..outbound() };
    let first = app.insert_one(mine());
    let again = app.insert_one(mine());
    assert_eq!((again.duplicate, again.message), (true, first.message));
    assert!(!app.insert_one(NewMessage { conversation_id: ids::new(), ..mine() }).duplicate);
}

#[test]
fn deduplicates_an_external_id_without_an_account() {
    let app = TestApp::start();
    let message = || NewMessage { channel_account_id: None, ..inbound("1") };
    assert!(!app.insert_one(message()).duplicate);
    assert!(app.insert_one(message()).duplicate);
}

#[test]
fn refuses_what_no_caller_should_send() {
    let app = TestApp::start();
    let wrong = [
        NewMessage { conversation_id: "x".into(), ..inbound("1") },
        NewMessage { sender_customer_id: Some("x".into()), ..inbound("1") },
        NewMessage { body: Some("x".repeat((1 << 20) + 1)), ..inbound("1") },
        NewMessage { body: Some("\0".into()), ..inbound("1") },
        NewMessage { content_type: String::new(), ..inbound("1") },
        NewMessage { external_message_id: Some(String::new()), ..inbound("1") },
        NewMessage { metadata: "{".into(), ..inbound("1") },
    ];
    for message in wrong {
        assert!(matches!(block_on(app.insert(vec![message])).remove(0), Err(Error::Invalid { .. })));
    }
    let too_many = block_on(insert_many(&app.app.store, &context(), vec![inbound("1"); 1001], NOW));
    assert!(matches!(too_many, Err(Error::Invalid { .. })));
    assert_eq!(app.memory.scalar("SELECT count(*) FROM messages"), 0);
}
