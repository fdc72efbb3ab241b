//! Messages are stored once, numbered without gaps, and told with their event.

use messaging::domain::{Error, NewMessage, Status, insert_many};
use sdk::{
    Context, ids,
    testing::{block_on, both},
};

use crate::{CONVERSATION, NOW, TestApp, carried, context, inbound, outbound};

#[test]
fn stores_a_message_with_its_event_in_one_transaction_of_four_statements() {
    let app = TestApp::start();
    let inserted = app.insert_one(inbound("wamid.1"));
    assert!(!inserted.duplicate);
    assert_eq!((inserted.message.seq, inserted.message.status), (1, Status::Delivered));
    let statements = app.memory.statements();
    assert_eq!(statements.len(), 4, "{statements:?}");
    assert_eq!((statements[0].as_str(), statements[3].as_str()), ("BEGIN IMMEDIATE", "COMMIT"));
    assert_eq!(app.get(&inserted.message.id), inserted.message);
    assert_eq!(app.events("received"), 1);
    let told = format!(
        "SELECT count(*) FROM outbox WHERE partition_key = '{CONVERSATION}' \
         AND json_extract(event, '$.subject') = '{}' AND json_extract(event, '$.data.seq') = 1 \
         AND json_extract(event, '$.traceparent') IS NOT NULL",
        inserted.message.id
    );
    assert_eq!(app.memory.scalar(&told), 1);
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
    let theirs = block_on(insert_many(&app.service.store, &tenant, vec![inbound("1")], NOW)).unwrap();
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
    let too_many = block_on(insert_many(&app.service.store, &context(), vec![inbound("1"); 1001], NOW));
    assert!(matches!(too_many, Err(Error::Invalid { .. })));
    assert_eq!(app.memory.scalar("SELECT count(*) FROM messages"), 0);
}
