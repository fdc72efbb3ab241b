//! Writing a message: what it refers to is checked, and its conversation learns of it.

use api_gateway::routes::Service;
use http::Method;
use serde_json::{Value, json};

use crate::app::{Answer, request};
use crate::chat::{Chat, UNKNOWN};
use crate::world::Fault;

/// No reader of ours keeps all of its digits.
const PRICE: &str = "1.10000000000000000000000001";

impl Chat {
    fn message(&self, more: Value) -> Value {
        let mut message = json!({ "conversation_id": self.id, "direction": "outbound", "body": "In blue." });
        message.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        message
    }

    fn post(&self, more: Value) -> Answer {
        self.app.post("/api/v1/messages", &self.message(more))
    }

    fn stored(&self) -> usize {
        self.app.world.messages.borrow().len()
    }
}

#[test]
fn a_message_is_stored_and_its_conversation_learns_of_it() {
    let chat = Chat::new();
    let answer = chat.post(json!({ "direction": "inbound", "sender_customer_id": chat.ada }));
    assert_eq!(answer.status, 201);
    assert_eq!(answer.json()["seq"], 1);
    let conversation = chat.app.world.find_conversation(&chat.id);
    assert_eq!((conversation.last_seq, conversation.unread_count), (1, 1));
    assert_eq!(conversation.last_message_preview.as_deref(), Some("In blue."));
    chat.post(json!({}));
    assert_eq!(chat.app.world.find_conversation(&chat.id).unread_count, 1, "our own messages are not unread");
}

#[test]
fn the_preview_is_short_and_says_what_has_no_text() {
    let chat = Chat::new();
    chat.post(json!({ "body": "é".repeat(1000) }));
    assert_eq!(chat.preview(), Some("é".repeat(120)));
    chat.post(json!({ "body": "  In\n\tblue. " }));
    assert_eq!(chat.preview().as_deref(), Some("In blue."));
    chat.post(json!({ "body": null, "content_type": "location" }));
    assert_eq!(chat.preview().as_deref(), Some("[location]"));
    let meta = json!({ "template": { "name": "order_update", "language": "en" } });
    chat.post(json!({ "body": null, "content_type": "template", "metadata": meta }));
    assert_eq!(chat.preview().as_deref(), Some("[template: order_update]"));
    chat.post(json!({ "body": null, "content_type": "template", "metadata": { "content_sid": "HX1" } }));
    assert_eq!(chat.preview().as_deref(), Some("[template: HX1]"));
    chat.post(json!({ "body": "Your order is ready", "content_type": "template", "metadata": meta }));
    assert_eq!(chat.preview().as_deref(), Some("Your order is ready"), "who knows the words may say them");
}

#[test]
fn a_clock_that_runs_ahead_does_not_pin_the_conversation_to_the_top() {
    let chat = Chat::new();
    chat.post(json!({ "sent_at": "2099-01-01T00:00:00Z" }));
    let list = chat.app.get("/api/v1/conversations").json();
    assert_eq!(list["data"][0]["last_message_at"], "2026-01-01T00:00:00.000Z");
}

#[test]
fn what_a_message_refers_to_must_exist() {
    let chat = Chat::new();
    let eve = chat.app.world.customer_of("acme", "Eve");
    let theirs = chat.app.world.conversation_of("acme", &[&eve]);
    for (more, pointers) in [
        (json!({ "conversation_id": UNKNOWN }), vec!["/conversation_id"]),
        (json!({ "conversation_id": theirs }), vec!["/conversation_id"]),
        (json!({ "conversation_id": "7" }), vec!["/conversation_id"]),
        (json!({ "conversation_id": 7 }), vec!["/conversation_id"]),
        (json!({ "conversation_id": null }), vec!["/conversation_id"]),
        (json!({ "sender_customer_id": UNKNOWN }), vec!["/sender_customer_id"]),
        (json!({ "sender_customer_id": eve }), vec!["/sender_customer_id"]),
        (json!({ "sender_customer_id": [] }), vec!["/sender_customer_id"]),
        (json!({ "media_id": UNKNOWN }), vec!["/media_id"]),
        (
            json!({ "conversation_id": UNKNOWN, "sender_customer_id": UNKNOWN, "media_id": UNKNOWN }),
            vec!["/media_id", "/conversation_id", "/sender_customer_id"],
        ),
    ] {
        assert_eq!(chat.post(more.clone()).pointers(), pointers, "{more}");
    }
    assert_eq!(chat.stored(), 0);
    assert!(!chat.app.world.calls().contains(&"conversations.touch-many"));
}

#[test]
fn only_who_takes_part_sends() {
    let chat = Chat::new();
    let bob = chat.app.world.customer("Bob");
    assert_eq!(chat.post(json!({ "sender_customer_id": bob })).pointers(), ["/sender_customer_id"]);
    chat.app.world.conversations.borrow_mut()[0].1.participants[0].left_at = Some(1);
    assert_eq!(chat.post(json!({ "sender_customer_id": chat.ada })).pointers(), ["/sender_customer_id"]);
    assert_eq!(chat.stored(), 0);
}

#[test]
fn ids_are_compared_without_spaces_and_case() {
    let chat = Chat::new();
    let answer = chat.post(json!({ "conversation_id": format!(" {} ", chat.id.to_uppercase()) }));
    assert_eq!(answer.status, 201);
}

#[test]
fn nothing_is_stored_while_references_cannot_be_checked() {
    for service in [Service::Conversation, Service::Customer] {
        let chat = Chat::new();
        chat.app.world.fault(service, Fault::Down);
        chat.post(json!({ "sender_customer_id": chat.ada })).problem(503);
        assert_eq!(chat.stored(), 0);
    }
}

#[test]
fn the_same_key_gives_the_first_answer_and_tells_the_conversation_again() {
    let chat = Chat::new();
    chat.app.world.touches_to_fail.set(2);
    let first = chat.app.post_with_key("/api/v1/messages", "abc", &chat.message(json!({})));
    assert_eq!(first.status, 201, "it is stored, whatever its conversation knows");
    assert_eq!(chat.app.world.find_conversation(&chat.id).last_seq, 0);

    let again = chat.app.post_with_key("/api/v1/messages", "abc", &chat.message(json!({})));
    assert_eq!((again.status, &again.body), (first.status, &first.body));
    assert_eq!(again.header("idempotency-replayed"), "true");
    assert_eq!(chat.stored(), 1);
    assert_eq!(chat.app.world.find_conversation(&chat.id).last_seq, 1);
}

#[test]
fn telling_the_conversation_is_tried_twice() {
    let chat = Chat::new();
    chat.app.world.touches_to_fail.set(1);
    chat.post(json!({}));
    assert_eq!(chat.app.world.find_conversation(&chat.id).last_seq, 1);
}

#[test]
fn the_service_s_refusal_is_told_and_touches_nothing() {
    let chat = Chat::new();
    let answer = chat.app.post("/api/v1/messages", &json!({ "direction": "outbound" }));
    assert_eq!(answer.pointers(), ["/conversation_id"]);
    assert!(chat.app.world.calls().is_empty());
}

#[test]
fn a_message_service_that_fails_is_told_as_such() {
    for (fault, status) in [(Fault::Down, 503), (Fault::Broken, 502), (Fault::Hangs, 504)] {
        let chat = Chat::new();
        chat.app.world.fault(Service::Messaging, fault);
        chat.post(json!({})).problem(status);
    }
}

#[test]
fn an_edited_message_is_shown_in_its_new_words_where_it_is_the_newest() {
    let chat = Chat::new();
    let first = chat.post(json!({ "body": "frist" })).json()["id"].as_str().unwrap().to_owned();
    let edit = |method: Method, body: Value| {
        chat.app.send(request(method, &format!("/api/v1/messages/{first}"), body.to_string()))
    };
    let edited = edit(Method::PATCH, json!({ "body": "first" }));
    assert_eq!((edited.status.as_u16(), edited.json()["body"].as_str()), (200, Some("first")));
    assert!(!edited.header("etag").is_empty(), "the answer is the service's, whole");
    assert_eq!(chat.preview().as_deref(), Some("first"));
    edit(Method::PUT, json!({ "body": "the first" }));
    assert_eq!(chat.preview().as_deref(), Some("the first"));
    let told = || chat.app.world.calls().iter().filter(|call| **call == "conversations.reword").count();
    assert_eq!(told(), 2);
    edit(Method::PATCH, json!({ "status": "read" }));
    edit(Method::PATCH, json!({ "status": "read", "body": null }));
    assert_eq!(told(), 2, "a status is not shown in lists");
    chat.post(json!({ "body": "second" }));
    edit(Method::PATCH, json!({ "body": "1st" }));
    assert_eq!(chat.preview().as_deref(), Some("second"));
    chat.app.world.fault(Service::Conversation, Fault::Down);
    assert_eq!(edit(Method::PATCH, json!({ "body": "changed" })).status, 200, "it is changed, whoever learns of it");
}

#[test]
fn an_attachment_goes_out_as_what_it_is_unless_its_sender_says_otherwise() {
    let chat = Chat::new();
    let attached = || {
        let forwarded = chat.app.world.forwarded.borrow();
        let attached = forwarded.last().unwrap().headers().get("kobliat-attached");
        attached.map(|kind| kind.to_str().unwrap().to_owned())
    };
    let sent = |mime: Option<&str>, more: Value| {
        let media = chat.app.world.medium_of(mime);
        let mut message = chat.message(json!({ "media_id": media, "metadata": { "price": "PRICE" } }));
        message.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let written = message.to_string().replace("\"PRICE\"", PRICE);
        chat.app.send(request(Method::POST, "/api/v1/messages", written.clone()));
        let forwarded = chat.app.world.forwarded.borrow().last().unwrap().body().clone();
        assert_eq!(forwarded, written, "what is passed on stays as it is");
        attached()
    };
    for (mime, kind) in [
        ("image/png", "image"),
        ("audio/ogg; codecs=opus", "audio"),
        ("video/mp4", "video"),
        ("application/pdf", "document"),
        ("text/plain", "document"),
    ] {
        assert_eq!(sent(Some(mime), json!({})).as_deref(), Some(kind), "{mime}");
    }
    assert_eq!(sent(None, json!({})), None, "whose bytes are on their way, its owner calls a document");
    let media = chat.app.world.medium_of(Some("image/png"));
    let replied = json!({ "media_id": media });
    chat.app.post(&format!("{}/reply", chat.path), &replied);
    assert_eq!(attached().as_deref(), Some("image"));
    let forwarded: Value = serde_json::from_slice(chat.app.world.forwarded.borrow().last().unwrap().body()).unwrap();
    assert_eq!(forwarded["channel"], "whatsapp");
}

/// Whatever a client sends, what its attachment is the gateway says.
#[test]
fn a_client_says_nothing_beside_the_body() {
    let chat = Chat::new();
    for name in ["kobliat-attached", "kobliat-repeated-only"] {
        let mut forged = request(Method::POST, "/api/v1/messages", chat.message(json!({})).to_string());
        forged.headers_mut().insert(name, "video".parse().unwrap());
        assert_eq!(chat.app.send(forged).status, 201);
        assert!(!chat.app.world.forwarded.borrow().last().unwrap().headers().contains_key(name));
    }
}

#[test]
fn a_repetition_is_answered_as_the_first_time_whatever_has_become_of_what_it_refers_to() {
    let chat = Chat::new();
    let mut message = chat.message(json!({ "sender_customer_id": chat.ada }));
    message["media_id"] = chat.app.world.medium_of(None).into();
    let send = |key: &str| chat.app.post_with_key("/api/v1/messages", key, &message);
    let first = send("k");
    assert_eq!(first.status, 201);
    chat.app.world.conversations.borrow_mut()[0].1.participants[0].left_at = Some(1);
    let again = send("k");
    assert_eq!((again.status, &again.body, again.header("idempotency-replayed")), (first.status, &first.body, "true"));
    assert_eq!(send("another").pointers(), ["/sender_customer_id"], "what was not done is not done now");
    chat.app.world.fault(Service::Customer, Fault::Down);
    assert_eq!(send("k").status, 201);
    assert_eq!(chat.stored(), 1);
}
