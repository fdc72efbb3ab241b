//! One webhook: what it becomes, what is answered, and what a faulty world makes of it.

use std::time::Duration;

use inbound_gateway::domain::{Direction, Error};
use serde_json::json;

use crate::support::*;

#[test]
fn metas_sample_becomes_a_message_in_a_conversation() {
    let world = World::new();
    let received = world.try_receive(SAMPLE.as_bytes()).unwrap();

    let answer = serde_json::to_value(&received.answer).unwrap();
    assert_eq!(answer, json!({"status": "received", "processed": true, "accepted": 1, "duplicates": 0, "ignored": 0}));

    let messages = world.messages.rows.borrow();
    let (tenant, message) = &messages[0];
    assert_eq!(tenant, "default");
    assert_eq!(message.body.as_deref(), Some("Does it come in another color?"));
    assert_eq!(message.external_message_id, SAMPLE_ID);
    assert_eq!(message.channel_account_id, ACCOUNT);
    assert_eq!(message.sent_at, 1_749_416_383_000_000);
    assert_eq!((message.content_type.as_str(), message.metadata.as_str()), ("text", "{}"));
    assert_eq!((message.direction, message.sender_customer_id.as_deref()), (Direction::Inbound, Some("customer-1")));
    assert_eq!(world.customers.names.borrow()["customer-1"], "Sheena Nelson");
    let (seq, preview, unread) = world.conversations.state.borrow()["conversation-1"].clone();
    assert_eq!((seq, preview.as_str(), unread), (1, "Does it come in another color?", 1));
    assert_eq!(world.only_row().body, SAMPLE.as_bytes(), "the bytes as they came");
}

#[test]
fn the_happy_path_is_one_insert_four_calls_and_one_update() {
    let world = World::new();
    world.receive(&sample());
    world.memory.statements();
    let before = world.calls();

    world.receive(&texts(&["second"]));

    let statements = world.memory.statements();
    assert_eq!(statements.len(), 2, "{statements:#?}");
    assert!(statements[0].contains("INSERT INTO webhook_deliveries"));
    assert!(statements[1].contains("UPDATE webhook_deliveries"));
    assert_eq!(world.calls() - before, 4);
}

#[test]
fn a_hundred_messages_take_as_many_calls_as_one() {
    let world = World::new();
    let ids: Vec<String> = (0..100).map(|n| format!("m{n:03}")).collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();

    let received = world.receive(&texts(&ids));

    assert_eq!((received.answer.accepted, world.calls()), (100, 4));
    assert_eq!(world.conversations.state.borrow()["conversation-1"].2, 100, "unread");
}

#[test]
fn more_than_a_call_may_carry_goes_in_several_and_keeps_its_order() {
    let world = World::new();
    let ids: Vec<String> = (0..1201).map(|n| format!("m{n:04}")).collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();

    let received = world.receive(&texts(&ids));

    assert_eq!(received.answer.accepted, 1201);
    assert_eq!(world.messages.insert_line.calls.borrow().len(), 3);
    let expected: Vec<String> = ids.iter().map(|id| format!("body of {id}")).collect();
    assert_eq!(world.messages.bodies(), expected);
}

#[test]
fn the_same_webhook_again_is_a_duplicate() {
    let world = World::new();
    world.receive(&sample());
    let again = world.receive(&sample());

    assert_eq!((again.answer.accepted, again.answer.duplicates), (0, 1));
    assert_eq!(world.messages.rows.borrow().len(), 1);
    assert_eq!(world.conversations.state.borrow()["conversation-1"].2, 1, "counted as unread once");
}

#[test]
fn the_same_message_twice_in_one_body_is_one() {
    let world = World::new();
    let received = world.receive(&texts(&["once", "once", "other"]));

    assert_eq!((received.answer.accepted, received.answer.duplicates), (2, 1));
    assert_eq!(world.messages.bodies(), ["body of once", "body of other"]);
}

#[test]
fn messages_are_taken_in_the_order_in_which_they_were_written() {
    let world = World::new();
    world.receive(&delivery(json!({"messages": [
        text("c", "1", "1749416390", "third"),
        text("a", "1", "1749416380", "first"),
        text("b", "1", "1749416380", "second"),
    ]})));
    assert_eq!(world.messages.bodies(), ["first", "second", "third"]);
}

#[test]
fn one_bad_item_rejects_no_sibling() {
    let world = World::new();
    world.messages.refuses.replace(Some("too-long".to_owned()));
    world.customers.refuses.replace(Some("666".to_owned()));
    let received = world.receive(&delivery(json!({"messages": [
        text("good-1", "1", "1749416380", "one"),
        7,
        null,
        {"from": "1", "type": "text", "text": {"body": "no id"}},
        {"id": "nobody", "type": "text", "text": {"body": "no sender"}},
        text("too-long", "1", "1749416380", "refused by messaging"),
        text("bad-customer", "666", "1749416380", "refused by customer"),
        text("good-2", "2", "1749416380", "two"),
    ]})));

    assert_eq!(world.messages.bodies(), ["one", "two"]);
    assert!(received.answer.processed);
    assert_eq!((received.answer.accepted, received.answer.rejected), (2, 6));
    let row = world.only_row();
    assert_eq!(row.state, "done");
    let reasons: Vec<String> = items(&row.outcome.unwrap()).into_iter().map(|(_, reason)| reason).collect();
    let expected = [
        "",
        "message_malformed",
        "message_malformed",
        "message_without_id",
        "message_without_from",
        "message: body: too long",
        "customer: value: not a customer",
        "",
    ];
    assert_eq!(reasons, expected);
}

#[test]
fn statuses_are_recorded_before_and_after_their_message() {
    let world = World::new();
    let statuses = |list: serde_json::Value| delivery(json!({"statuses": list}));
    let early =
        world.receive(&statuses(json!([status("out-1", "read", "1749416390"), status("out-1", "sent", "1749416380")])));
    let again = world.receive(&statuses(json!([status("out-1", "sent", "1749416380")])));
    let twice = world.receive(&statuses(json!([
        status("x", "sent", "1"),
        status("x", "sent", "2"),
        status("x", "delivered", "3")
    ])));

    assert_eq!((early.answer.accepted, early.answer.duplicates), (2, 0), "kept, though their message is not known");
    assert_eq!((again.answer.accepted, again.answer.duplicates), (0, 1));
    assert_eq!((twice.answer.accepted, twice.answer.duplicates), (2, 1));
    let receipts = world.messages.receipts.borrow();
    assert_eq!((receipts[0].status.as_str(), receipts[0].at), ("read", 1_749_416_390_000_000));
    assert_eq!(receipts[0].details, r#"{"recipient_id":"16505551234"}"#);
    assert_eq!(world.calls(), 3, "one call a delivery, and no other service is asked");
}

#[test]
fn a_body_that_cannot_be_read_is_kept_as_rejected() {
    for body in [&b"{"[..], b"", b"[]", b"null", b"\"text\"", b"\xff\xfe", b"{}x"] {
        let world = World::new();
        assert_eq!(world.try_receive(body).err(), Some(Error::Unreadable));
        let row = world.only_row();
        assert_eq!((row.state.as_str(), row.body.as_slice(), row.lease_until), ("rejected", body, None));
        assert_eq!(items(&row.outcome.unwrap()), [("rejected".to_owned(), "unreadable".to_owned())]);
        assert_eq!(world.calls(), 0);
    }
}

#[test]
fn a_hundred_thousand_messages_are_refused_and_leave_nothing() {
    let world = World::new();
    let messages = vec!["{}"; 100_000].join(",");
    let body = format!(r#"{{"entry":[{{"changes":[{{"field":"messages","value":{{"messages":[{messages}]}}}}]}}]}}"#);
    assert_eq!(world.try_receive(body.as_bytes()).err(), Some(Error::TooManyItems));
    assert!(world.rows().is_empty());
}

#[test]
fn without_a_store_nothing_is_promised() {
    let world = World::new();
    world.receive(&sample());
    world.memory.sqlite().execute_batch("ALTER TABLE webhook_deliveries RENAME TO elsewhere").unwrap();
    let refused = world.try_receive(texts(&["lost"]).to_string().as_bytes());
    assert!(matches!(refused.err(), Some(Error::Store(_))));
    assert_eq!(world.messages.rows.borrow().len(), 1, "no work on what is not stored");
}

#[test]
fn a_listed_account_belongs_to_its_tenant_and_any_other_to_the_default_one() {
    let world = World::new();
    world.give_account("111", "acme");
    let body = delivery_of(&[
        change("111", json!({"messages": [text("a", "1", "1749416380", "to acme")]})),
        change("222", json!({"messages": [text("a", "1", "1749416380", "to nobody in particular")]})),
    ]);
    let received = world.receive(&body);

    assert_eq!(received.answer.accepted, 2);
    let tenants: Vec<String> = world.messages.rows.borrow().iter().map(|(tenant, _)| tenant.clone()).collect();
    assert_eq!(tenants, ["acme", "default"]);
    assert_eq!(world.only_row().tenant, "acme", "the row is of the first account's tenant");
    assert_eq!(world.calls(), 8, "one call of each kind for each tenant");
}

#[test]
fn what_hangs_is_left_to_the_tick_after_two_seconds() {
    let world = World::new();
    world.messages.insert_line.is(Mood::Hangs);
    let received = world.receive(&sample());

    assert!(!received.answer.processed);
    assert_eq!(received.answer.accepted, 0);
    let waited = Duration::from_micros(u64::try_from(world.now_micros() - START).unwrap());
    assert!((Duration::from_secs(2)..Duration::from_millis(2100)).contains(&waited), "{waited:?}");
    let deadline = world.messages.insert_line.calls.borrow()[0].deadline_ms;
    assert!((1..=2000).contains(&deadline), "the service knows how long it is waited for: {deadline}");
    assert_eq!(world.only_row().state, "pending");
}

#[test]
fn what_the_business_writes_with_its_phone_is_an_outbound_message_of_the_same_conversation() {
    let world = World::new();
    world.receive(&delivery(json!({"messages": [text("in", "16505551234", "1749416380", "hello?")]})));
    let mut echo = change(
        ACCOUNT,
        json!({"message_echoes": [
            {"from": "15550783881", "to": "16505551234", "id": "out", "timestamp": "1749416390", "type": "text", "text": {"body": "hi!"}},
            {"from": "15550783881", "id": "to-nobody", "type": "text", "text": {"body": "?"}},
        ]}),
    );
    echo["field"] = json!("smb_message_echoes");
    let received = world.receive(&delivery_of(&[echo]));

    assert_eq!((received.answer.accepted, received.answer.rejected), (1, 1));
    let rows = world.messages.rows.borrow();
    let (inbound, outbound) = (&rows[0].1, &rows[1].1);
    assert_eq!(outbound.conversation_id, inbound.conversation_id);
    assert_eq!((outbound.direction, &outbound.sender_customer_id), (Direction::Outbound, &None));
    let (seq, preview, unread) = world.conversations.state.borrow()["conversation-1"].clone();
    assert_eq!((seq, preview.as_str(), unread), (2, "hi!", 1), "our own words are not unread");
}

#[test]
fn a_message_with_too_many_details_is_kept_without_the_largest() {
    let world = World::new();
    let order = json!({"text": "all of it", "product_items": vec!["x".repeat(1000); 300]});
    let message = json!({"from": "1", "id": "m", "type": "order", "order": order, "context": {"id": "wamid.x"}});
    assert_eq!(world.receive(&delivery(json!({"messages": [message]}))).answer.accepted, 1);
    let row = &world.messages.rows.borrow()[0].1;
    assert_eq!(row.body.as_deref(), Some("all of it"));
    assert_eq!(row.metadata, r#"{"context":{"id":"wamid.x"},"omitted":"larger than 256 KiB","reply_to":"wamid.x"}"#);
}
