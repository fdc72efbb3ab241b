//! Until when a customer may be answered freely, and what an answer has to know of what was said before.

use messaging::{
    answering::{Party, Window, recent, windows},
    domain::{Direction, Error, NewMessage, insert_many},
};
use sdk::{ids, testing::block_on};

use crate::{CONVERSATION, NOW, TestApp, context};

const DAY: i64 = 24 * 3600 * 1_000_000;

fn party(channel: &str, account: &str, customer: &str) -> Party {
    Party { channel: channel.into(), channel_account_id: account.into(), customer_id: customer.into() }
}

/// Stored one after the other, with numbers for ids.
fn said(app: &TestApp, messages: Vec<NewMessage>) {
    for stored in block_on(insert_many(&app.app.store, &context(), messages, NOW)).unwrap() {
        stored.unwrap();
    }
}

fn message(account: &str, customer: Option<&str>, sent_at: i64) -> NewMessage {
    NewMessage {
        conversation_id: ids::new(),
        sender_customer_id: customer.map(str::to_owned),
        direction: if customer.is_some() { Direction::Inbound } else { Direction::Outbound },
        body: Some("hello".into()),
        content_type: "text".into(),
        media_id: None,
        channel: Some("whatsapp".into()),
        channel_account_id: Some(account.into()),
        external_message_id: Some(ids::new()),
        client_ref: None,
        sent_at: Some(sent_at),
        metadata: "{}".into(),
    }
}

#[test]
fn the_window_belongs_to_account_and_customer_whatever_the_conversation() {
    let app = TestApp::start();
    let (ann, bob) = (ids::new(), ids::new());
    said(&app, vec![message("acc", Some(&ann), NOW - 3 * DAY), message("acc", Some(&ann), NOW - DAY / 2)]);
    said(&app, vec![message("acc", None, NOW), message("whatsapp:+1", Some(&bob), NOW + DAY)]);
    let asked = [
        party("whatsapp", "acc", &ann),
        party("sms", "+1555", &ann),
        party("whatsapp", "other", &ann),
        party("whatsapp", "acc", &bob),
        party("sms", "whatsapp:+1", &bob),
        party("sms", "messenger:1", &bob),
        party("telegram", "acc", &ann),
    ];
    let found = block_on(windows(&app.app.store, &context(), &asked)).unwrap();
    assert_eq!(
        found,
        [
            Window::ClosesAt(NOW + DAY / 2),
            Window::Unlimited,
            Window::NeverOpened,
            Window::NeverOpened,
            // A sender whose clock is ahead opens it no longer than a day from now.
            Window::ClosesAt(NOW + DAY),
            Window::NeverOpened,
            Window::Unlimited,
        ]
    );
    let too_many = vec![party("whatsapp", "acc", &ann); 101];
    assert!(matches!(block_on(windows(&app.app.store, &context(), &too_many)), Err(Error::Invalid { .. })));
}

#[test]
fn another_tenants_messages_open_nothing() {
    let app = TestApp::start();
    let ann = ids::new();
    said(&app, vec![message("acc", Some(&ann), NOW)]);
    let theirs = sdk::Context { tenant: "acme".into(), ..context() };
    let found = block_on(windows(&app.app.store, &theirs, &[party("whatsapp", "acc", &ann)])).unwrap();
    assert_eq!(found, [Window::NeverOpened]);
}

#[test]
fn what_was_said_lately_is_of_the_account_and_without_what_is_long() {
    let app = TestApp::start();
    let in_one = |number: i64, account: &str| NewMessage {
        conversation_id: CONVERSATION.into(),
        external_message_id: Some(number.to_string()),
        metadata: format!(r#"{{"subject":"S{number}","html":"<p>","raw":{{}},"attachments":[1],"headers":[]}}"#),
        ..message(account, None, NOW + number)
    };
    said(&app, (0..250).map(|number| in_one(number, if number % 2 == 0 { "even" } else { "odd" })).collect());
    let found = block_on(recent(&app.app.store, &context(), CONVERSATION, "odd", 3)).unwrap();
    let names: Vec<_> = found.iter().map(|one| one.external_message_id.clone().unwrap()).collect();
    assert_eq!(names, ["249", "247", "245"]);
    assert_eq!(found[0].metadata, r#"{"subject":"S249"}"#);
    assert!(block_on(recent(&app.app.store, &context(), &ids::new(), "odd", 3)).unwrap().is_empty());
    assert!(matches!(
        block_on(recent(&app.app.store, &context(), CONVERSATION, "odd", 51)),
        Err(Error::Invalid { .. })
    ));
}
