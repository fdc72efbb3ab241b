//! The envelope: every exit has a name, at every level.

use inbound_gateway::channel::Unreadable;
use inbound_gateway::channel::whatsapp::Envelope;
use inbound_gateway::channel::whatsapp::envelope::MAX_ITEMS;
use inbound_gateway::domain::Content;
use serde_json::{Value, json};

use crate::support::*;

/// Every update as `at: what it is`.
fn exits(body: &Value) -> Vec<String> {
    let body = body.to_string();
    let updates = Envelope::read(body.as_bytes()).unwrap().updates(START);
    let name = |content: &Content| match content {
        Content::Message(message) => format!("message {}", message.external_id),
        Content::Receipt(receipt) => format!("receipt {} {}", receipt.external_message_id, receipt.status),
        Content::Ignored(reason) => format!("ignored {reason}"),
        Content::Rejected(reason) => format!("rejected {reason}"),
    };
    updates.iter().map(|update| format!("{}: {}", update.at, name(&update.content))).collect()
}

#[test]
fn loops_over_entries_changes_messages_statuses_and_errors() {
    let value = |n: u32| {
        json!({
            "messages": [text(&format!("m{n}a"), "1", "1", "x"), text(&format!("m{n}b"), "1", "1", "x")],
            "statuses": [status(&format!("s{n}"), "sent", "1")],
            "errors": [{"code": 130429, "title": "Rate limit hit"}],
        })
    };
    let body = json!({"entry": [
        {"id": "1", "changes": [change(ACCOUNT, value(1)), change("222", value(2))]},
        {"id": "2", "changes": [change(ACCOUNT, value(3))]},
    ]});
    let found = exits(&body);
    assert_eq!(found.len(), 12);
    assert_eq!(found[0], "/entry/0/changes/0/value/messages/0: message m1a");
    assert_eq!(found[6], "/entry/0/changes/1/value/statuses/0: receipt s2 sent");
    assert_eq!(found[11], "/entry/1/changes/0/value/errors/0: ignored provider_error:130429 Rate limit hit");
    let text = body.to_string();
    assert_eq!(Envelope::read(text.as_bytes()).unwrap().accounts(), [ACCOUNT, "222"]);
}

#[test]
fn every_malformed_level_is_named_and_harms_no_sibling() {
    let good = change(ACCOUNT, json!({"messages": [text("m", "1", "1", "x")]}));
    let body = json!({"object": 3, "entry": [
        7, {"id": "x"}, {"changes": "no list"},
        {"changes": [null, {"field": "messages"}, {"field": 9, "value": {}}, {"field": "messages", "value": 1}, good]},
    ]});
    assert_eq!(
        exits(&body),
        [
            "/entry/0: rejected entry_malformed",
            "/entry/1: ignored no_changes",
            "/entry/2: rejected changes_malformed",
            "/entry/3/changes/0: rejected change_malformed",
            "/entry/3/changes/1: rejected change_malformed",
            "/entry/3/changes/2: rejected field_malformed",
            "/entry/3/changes/3: rejected value_malformed",
            "/entry/3/changes/4/value/messages/0: message m",
        ]
    );
}

#[test]
fn lists_that_are_none_and_accounts_that_are_missing_are_named() {
    let broken = change(
        ACCOUNT,
        json!({"messages": {}, "statuses": [status("s", "sent", "1"), 4, {"id": "s"}, {"status": "sent"}], "contacts": 5}),
    );
    let homeless =
        json!({"field": "messages", "value": {"messages": [text("m", "1", "1", "x")], "errors": [{"code": 1}, "?"]}});
    assert_eq!(
        exits(&delivery_of(&[broken, homeless])),
        [
            "/entry/0/changes/0/value/messages: rejected messages_malformed",
            "/entry/0/changes/0/value/statuses/0: receipt s sent",
            "/entry/0/changes/0/value/statuses/1: rejected status_malformed",
            "/entry/0/changes/0/value/statuses/2: rejected status_without_status",
            "/entry/0/changes/0/value/statuses/3: rejected status_without_id",
            "/entry/0/changes/1/value/messages/0: rejected account_missing",
            "/entry/0/changes/1/value/errors/0: ignored provider_error:1",
            "/entry/0/changes/1/value/errors/1: rejected error_malformed",
        ]
    );
}

#[test]
fn what_is_not_for_us_is_ignored_by_name() {
    let echo = json!({"field": "smb_message_echoes", "value": {}});
    let other = json!({"field": "message_template_status_update", "value": {"event": "APPROVED"}});
    assert_eq!(
        exits(&delivery_of(&[echo, other, change(ACCOUNT, json!({}))])),
        [
            "/entry/0/changes/0: ignored nothing_in_it",
            "/entry/0/changes/1: ignored field:message_template_status_update",
            "/entry/0/changes/2: ignored nothing_in_it",
        ]
    );
    assert_eq!(exits(&json!({})), [": ignored no_entry"]);
    assert_eq!(exits(&json!({"entry": null})), [": ignored no_entry"]);
    assert_eq!(exits(&json!({"entry": 1})), ["/entry: rejected entry_malformed"]);
    assert!(exits(&json!({"entry": []})).is_empty());
}

#[test]
fn unknown_fields_are_tolerated_at_every_level() {
    let mut body = sample();
    body["new"] = json!([1]);
    body["entry"][0]["new"] = json!({});
    body["entry"][0]["time"] = json!(1749416383);
    let change = &mut body["entry"][0]["changes"][0];
    change["new"] = json!(null);
    change["value"]["new"] = json!(true);
    change["value"]["metadata"]["new"] = json!("x");
    change["value"]["contacts"][0]["new"] = json!("x");
    change["value"]["messages"][0]["new"] = json!({"a": [{}]});
    assert_eq!(exits(&body), [format!("/entry/0/changes/0/value/messages/0: message {SAMPLE_ID}")]);
}

#[test]
fn as_many_items_as_ever_come_and_not_one_more() {
    let body = |count: usize| delivery(json!({"messages": vec![json!({}); count]})).to_string();
    // One entry and one change count too.
    assert!(Envelope::read(body(MAX_ITEMS - 2).as_bytes()).is_ok());
    assert_eq!(Envelope::read(body(MAX_ITEMS - 1).as_bytes()).err(), Some(Unreadable::TooManyItems));
    let entries = json!({"entry": vec![0; MAX_ITEMS + 1]}).to_string();
    assert_eq!(Envelope::read(entries.as_bytes()).err(), Some(Unreadable::TooManyItems));
}
