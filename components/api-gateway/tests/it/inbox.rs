//! What is done in a conversation: answering, marking as read, bringing somebody in.

use api_gateway::routes::Service;
use http::Method;
use serde_json::{Value, json};

use crate::app::{Answer, request};
use crate::chat::{Chat, UNKNOWN};
use crate::world::Fault;

impl Chat {
    fn act(&self, what: &str, body: &Value) -> Answer {
        self.app.post(&format!("{}/{what}", self.path), body)
    }
}

#[test]
fn a_reply_goes_out_on_the_conversation_s_channel() {
    let chat = Chat::new();
    let answer = chat.act("reply", &json!({ "body": "In blue.", "client_ref": "r1" }));
    assert_eq!((answer.status.as_u16(), &answer.json()["direction"]), (201, &json!("outbound")));
    let stored = chat.app.world.messages.borrow()[0].1.clone();
    assert_eq!((stored.conversation_id.as_str(), stored.body.as_deref()), (chat.id.as_str(), Some("In blue.")));
    assert_eq!(
        (stored.channel.as_deref(), stored.channel_account_id.as_deref()),
        (Some("whatsapp"), Some("106540352242922"))
    );
    let conversation = chat.app.world.find_conversation(&chat.id);
    assert_eq!((conversation.last_message_preview.as_deref(), conversation.unread_count), (Some("In blue."), 0));
    assert_eq!(chat.app.world.calls(), ["conversations.get-many", "conversations.touch-many"]);
}

#[test]
fn a_repeated_reply_is_one_message() {
    let chat = Chat::new();
    let path = format!("{}/reply", chat.path);
    let send = || chat.app.post_with_key(&path, "k1", &json!({ "body": "Once." }));
    let (first, again) = (send(), send());
    assert_eq!((first.status.as_u16(), &first.body), (201, &again.body));
    assert_eq!((again.header("idempotency-replayed"), chat.app.world.messages.borrow().len()), ("true", 1));
}

#[test]
fn a_reply_says_where_it_goes_by_its_path_alone() {
    let chat = Chat::new();
    for (body, pointers) in [
        (json!({ "body": "x", "direction": "inbound" }), ["/direction"]),
        (json!({ "body": "x", "conversation_id": chat.id }), ["/conversation_id"]),
        (json!({ "body": "x", "channel": "sms" }), ["/channel"]),
        (json!({ "body": "x", "a/b~c": 1 }), ["/a~1b~0c"]),
        (json!({ "body": "x", "sender_customer_id": UNKNOWN }), ["/sender_customer_id"]),
    ] {
        assert_eq!(chat.act("reply", &body).pointers(), pointers, "{body}");
    }
    chat.app.post(&format!("/api/v1/conversations/{UNKNOWN}/reply"), &json!({ "body": "x" })).problem(404);
    let theirs = chat.app.world.conversation_of("acme", &[&chat.ada]);
    chat.app.post(&format!("/api/v1/conversations/{theirs}/reply"), &json!({ "body": "x" })).problem(404);
    assert!(chat.app.world.messages.borrow().is_empty());
    assert_eq!(chat.app.send(request(Method::POST, &format!("{}/reply", chat.path), "[]")).pointers(), [""]);
}

#[test]
fn reading_up_to_a_message_leaves_what_came_after() {
    let chat = Chat::new();
    let one = chat.app.world.message(&chat.id, Some(&chat.ada), "one");
    chat.app.world.message(&chat.id, None, "ours");
    let last = chat.app.world.message(&chat.id, Some(&chat.ada), "two");
    let read = chat.act("read", &json!({ "up_to": one.id.to_uppercase() }));
    let expected = json!({ "conversation_id": chat.id, "up_to": one.id, "unread_count": 1, "last_seq": 0 });
    assert_eq!((read.status.as_u16(), read.json()), (200, expected));
    assert_eq!(chat.act("read", &json!({ "up_to": last.id })).json()["unread_count"], 0);
}

#[test]
fn reading_without_a_message_reads_all() {
    let chat = Chat::new();
    let nothing = chat.act("read", &json!({})).json();
    let expected = json!({ "conversation_id": chat.id, "up_to": null, "unread_count": 0, "last_seq": 0 });
    assert_eq!(nothing, expected, "there is none yet");
    chat.app.world.message(&chat.id, Some(&chat.ada), "one");
    let last = chat.app.world.message(&chat.id, Some(&chat.ada), "two");
    let read = chat.act("read", &json!({}));
    assert_eq!(
        (read.json()["up_to"].as_str(), read.json()["unread_count"].as_u64()),
        (Some(last.id.as_str()), Some(0))
    );
    let without_body = chat.app.send(request(Method::POST, &format!("{}/read", chat.path), ""));
    assert_eq!(without_body.json(), read.json());
}

#[test]
fn only_a_message_of_the_conversation_is_read_up_to() {
    let chat = Chat::new();
    let elsewhere = chat.app.world.conversation(&[&chat.ada]);
    let other = chat.app.world.message(&elsewhere, Some(&chat.ada), "other");
    for body in
        [json!({ "up_to": other.id }), json!({ "up_to": UNKNOWN }), json!({ "up_to": 7 }), json!({ "up_to": null })]
    {
        assert_eq!(chat.act("read", &body).pointers(), ["/up_to"], "{body}");
    }
    assert_eq!(chat.act("read", &json!({ "up_to": other.id, "all": true })).pointers(), ["/all"]);
    chat.app.post(&format!("/api/v1/conversations/{UNKNOWN}/read"), &json!({ "up_to": other.id })).problem(404);
    chat.app.world.fault(Service::Messaging, Fault::Down);
    chat.act("read", &json!({ "up_to": other.id })).problem(503);
    assert!(!chat.app.world.calls().contains(&"conversations.mark-read"));
}

#[test]
fn who_joins_is_a_customer() {
    let chat = Chat::new();
    let (bob, eve) = (chat.app.world.customer("Bob"), chat.app.world.customer_of("acme", "Eve"));
    let answer = chat.act("participants", &json!({ "customer_id": bob, "role": "admin" }));
    let uri = format!("http://conversation.spin.internal/conversations/{}/participants", chat.id);
    assert_eq!(answer.json()["uri"], uri);
    chat.app.world.forwarded.borrow_mut().clear();
    for id in [eve.as_str(), UNKNOWN, "7"] {
        assert_eq!(chat.act("participants", &json!({ "customer_id": id })).pointers(), ["/customer_id"], "{id}");
    }
    assert!(chat.app.world.forwarded.borrow().is_empty());
    let gone = chat.app.delete(&format!("{}/participants/{UNKNOWN}", chat.path));
    assert_eq!(gone.status, 204);
}

#[test]
fn a_search_in_a_conversation_has_no_total() {
    let chat = Chat::new();
    chat.app.world.message(&chat.id, Some(&chat.ada), "blue");
    chat.app.world.message(&chat.id, Some(&chat.ada), "red");
    let found = chat.app.get(&format!("{}/messages?q=blu", chat.path)).json();
    assert_eq!((found["data"].as_array().unwrap().len(), &found["data"][0]["body"]), (1, &json!("blue")));
    assert_eq!(found["meta"], json!({ "limit": 50, "next_cursor": null, "has_more": false }));
    assert_eq!(chat.app.get(&format!("{}/messages?q=blu&after=1", chat.path)).pointers(), ["?after"]);
    chat.app.get(&format!("/api/v1/conversations/{UNKNOWN}/messages?q=blu")).problem(404);
}

#[test]
fn reading_with_a_key_gives_the_first_answer_again() {
    let chat = Chat::new();
    let one = chat.app.world.message(&chat.id, Some(&chat.ada), "one");
    let read = |key: &str, up_to: &str| {
        chat.app.post_with_key(&format!("{}/read", chat.path), key, &json!({ "up_to": up_to }))
    };
    read("k", UNKNOWN).problem(422);
    let first = read("k", &one.id);
    assert_eq!(
        (first.status.as_u16(), first.header("idempotency-replayed")),
        (200, ""),
        "a refusal has used no key up"
    );
    chat.app.world.message(&chat.id, Some(&chat.ada), "two");
    let again = read("k", &one.id);
    assert_eq!((again.json(), again.header("idempotency-replayed")), (first.json(), "true"));
    assert_eq!(read("k", &one.id.to_uppercase()).pointers(), ["Idempotency-Key"], "another payload");
    chat.app.world.fault(Service::Conversation, Fault::Down);
    read("l", &one.id).problem(503);
    chat.app.world.faults.borrow_mut().clear();
    read("l", &one.id).problem(409);
    assert_eq!(chat.app.world.calls().iter().filter(|call| **call == "conversations.mark-read").count(), 1);
}
