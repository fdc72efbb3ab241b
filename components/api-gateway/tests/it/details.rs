//! Everything about one conversation in one answer, and its messages page by page.

use api_gateway::routes::Service;
use serde_json::Value;

use crate::chat::{Chat, UNKNOWN};
use crate::world::Fault;

#[test]
fn details_have_it_all_in_a_few_calls() {
    let chat = Chat::begun();
    let details = chat.details().json();
    assert_eq!(details["conversation"]["id"], chat.id);
    assert_eq!(details["participants"][0]["name"], "Ada");
    assert_eq!(details["participants"][0]["role"], "member");
    assert_eq!(details["messages"][0]["body"], "In blue.");
    assert_eq!(details["messages"][0]["sender_name"], Value::Null);
    assert_eq!(details["messages"][1]["sender_name"], "Ada");
    assert_eq!(details["messages"][1]["sender_customer_id"], chat.ada);
    assert_eq!(details["messages"][1]["seq"], 1);
    assert_eq!(details["message_count"], 2);
    assert_eq!(details["warnings"], serde_json::json!([]));
    chat.app.world.typed_calls.borrow_mut().clear();
    chat.details();
    assert_eq!(chat.app.world.calls(), ["conversations.get-many", "messages.list-page", "customers.get-many"]);
}

#[test]
fn details_limit_the_messages() {
    let chat = Chat::begun();
    let path = format!("/api/v1/conversations/{}/details?limit=1", chat.id);
    let details = chat.app.get(&path).json();
    assert_eq!(details["messages"].as_array().unwrap().len(), 1);
    assert_eq!(details["message_count"], 2);
    assert_eq!(chat.app.get(&format!("{}1", path)).status, 200);
    assert_eq!(chat.app.get(&format!("{path}&messages=5")).pointers(), ["?messages"]);
    assert_eq!(chat.app.get(&format!("{path}000")).pointers(), ["?limit"]);
}

#[test]
fn a_part_that_is_down_is_null_with_a_warning() {
    for (service, part, nulls) in [
        (Service::Conversation, "conversation", vec!["/conversation", "/participants"]),
        (Service::Messaging, "messages", vec!["/messages", "/message_count"]),
        (Service::Customer, "customers", vec!["/participants/0/name", "/messages/1/sender_name"]),
    ] {
        for fault in [Fault::Down, Fault::Broken, Fault::Hangs] {
            let chat = Chat::begun();
            chat.app.world.fault(service, fault);
            let answer = chat.details();
            assert_eq!(answer.status, 200, "{part}");
            let details = answer.json();
            for pointer in nulls.clone() {
                assert_eq!(details.pointer(pointer), Some(&Value::Null), "{pointer} without {part}");
            }
            assert_eq!(details["warnings"][0]["part"], part);
            assert!(!details.to_string().contains("SELECT"), "{details}");
        }
    }
}

#[test]
fn details_of_nothing_are_not_found_and_of_everything_down_503() {
    let chat = Chat::begun();
    chat.app.get(&format!("/api/v1/conversations/{UNKNOWN}/details")).problem(404);
    let theirs = chat.app.world.conversation_of("acme", &[&chat.ada]);
    chat.app.get(&format!("/api/v1/conversations/{theirs}/details")).problem(404);
    chat.app.world.fault(Service::Messaging, Fault::Down);
    chat.app.get(&format!("/api/v1/conversations/{UNKNOWN}/details")).problem(404);
    chat.app.world.fault(Service::Conversation, Fault::Down);
    chat.details().problem(503);
}

#[test]
fn a_conversation_that_never_learned_of_its_messages_is_repaired_when_it_is_read() {
    let chat = Chat::begun();
    assert_eq!(chat.app.world.find_conversation(&chat.id).last_seq, 0);
    assert_eq!(chat.details().status, 200);
    let repaired = chat.app.world.find_conversation(&chat.id);
    assert_eq!((repaired.last_seq, repaired.unread_count), (2, 1));
    assert_eq!(repaired.last_message_preview.as_deref(), Some("In blue."));
}

#[test]
fn messages_come_newest_first_with_their_number() {
    let chat = Chat::begun();
    let path = format!("/api/v1/conversations/{}/messages", chat.id);
    let list = chat.app.get(&path).json();
    assert_eq!(list["data"][0]["seq"], 2);
    assert_eq!(list["data"][1]["sent_at"], "2026-01-01T00:00:01.000Z");
    assert_eq!(list["meta"]["limit"], 50);
    assert_eq!(list["meta"]["total"], 2);
    let first = chat.app.get(&format!("{path}?limit=1"));
    assert_eq!(first.json()["meta"]["has_more"], true);
    assert!(first.header("link").starts_with("<?limit=1&cursor="));
    let missed = chat.app.get(&format!("{path}?after=1")).json();
    assert_eq!(missed["data"].as_array().unwrap().len(), 1);
    assert_eq!(missed["data"][0]["seq"], 2);
    for (query, pointer) in [
        ("after=-1", "?after"),
        ("after=x", "?after"),
        ("limit=-5", "?limit"),
        ("befor=2", "?befor"),
        ("cursor=zz", "?cursor"),
    ] {
        assert_eq!(chat.app.get(&format!("{path}?{query}")).pointers(), [pointer], "{query}");
    }
}

#[test]
fn messages_of_an_unknown_conversation_are_not_found() {
    let chat = Chat::begun();
    chat.app.get(&format!("/api/v1/conversations/{UNKNOWN}/messages")).problem(404);
    chat.app.world.fault(Service::Messaging, Fault::Down);
    chat.app.get(&format!("/api/v1/conversations/{UNKNOWN}/messages")).problem(404);
    chat.app.get(&format!("/api/v1/conversations/{}/messages", chat.id)).problem(503);
}

#[test]
fn metadata_is_shown_as_it_was_given_digit_by_digit() {
    let chat = Chat::begun();
    let given = r#"{"z":1,"a":12345678901234567890123,"price":1.10}"#;
    chat.app.world.conversations.borrow_mut()[0].1.metadata = given.into();
    chat.app.world.messages.borrow_mut()[0].1.metadata = given.into();
    let shown = |path: &str| {
        let body = chat.app.get(path).body;
        String::from_utf8_lossy(&body).matches(&format!("\"metadata\":{given}")).count()
    };
    assert_eq!(shown(&format!("/api/v1/conversations/{}/details", chat.id)), 2);
    assert_eq!(shown(&format!("/api/v1/conversations/{}/messages", chat.id)), 1);
    chat.app.world.fault(Service::Customer, Fault::Down);
    assert_eq!(shown("/api/v1/conversations"), 1);
}
