//! Where an answer goes, and in which thread: what was said before decides.

use outbound_gateway::domain::Done;
use outbound_gateway::domain::services::{Ended, Identity};
use outbound_gateway::provider::Earlier;
use sdk::query::Query;
use serde_json::{Value, json};

use crate::support::*;

fn said(is_inbound: bool, external_id: &str, metadata: &Value) -> Earlier {
    Earlier {
        id: format!("id-of-{external_id}"),
        is_inbound,
        is_system: false,
        external_id: (!external_id.is_empty()).then(|| external_id.to_owned()),
        metadata: metadata.as_object().unwrap().clone(),
    }
}

fn sent(world: &World) -> Value {
    world.deliver("e1").unwrap();
    assert!(matches!(world.last_report().ended, Ended::Sent(_)), "{:?}", world.last_report());
    world.last_json()
}

fn header(mail: &Value, name: &str) -> Option<String> {
    let headers = mail["Headers"].as_array().unwrap();
    headers.iter().find(|one| one["Name"] == name).map(|one| one["Value"].as_str().unwrap().to_owned())
}

const GROUP: &str = "-1001000000009";

#[test]
fn telegram_answers_where_the_question_was() {
    let in_group = || said(true, &format!("{GROUP}:55"), &json!({ "group_id": GROUP, "message_thread_id": 3 }));
    let in_business = || said(true, "4242:7", &json!({ "business_connection_id": "bc-9" }));
    let private = || said(true, "4242:8", &json!({}));
    for (earlier, reply_to, expected) in [
        (vec![in_group()], None, json!({ "chat_id": GROUP, "message_thread_id": 3 })),
        (
            vec![said(false, "4242:9", &json!({})), in_group()],
            None,
            json!({ "chat_id": GROUP, "message_thread_id": 3 }),
        ),
        (vec![private(), in_group()], None, json!({ "chat_id": "4242" })),
        (
            vec![private(), in_group()],
            Some(format!("{GROUP}:55")),
            json!({ "chat_id": GROUP, "message_thread_id": 3, "reply_parameters": { "message_id": 55, "allow_sending_without_reply": true } }),
        ),
        (
            vec![in_group(), in_business()],
            Some("4242:7".to_owned()),
            json!({ "chat_id": "4242", "business_connection_id": "bc-9", "reply_parameters": { "message_id": 7, "allow_sending_without_reply": true } }),
        ),
        (vec![in_business()], None, json!({ "chat_id": "4242", "business_connection_id": "bc-9" })),
        (vec![], None, json!({ "chat_id": "4242" })),
        // A chat in which the customer never wrote is quoted from, and not written to.
        (
            vec![in_business()],
            Some("-999:5".to_owned()),
            json!({ "chat_id": "4242", "business_connection_id": "bc-9", "reply_parameters": { "message_id": 5, "chat_id": "-999", "allow_sending_without_reply": true } }),
        ),
        // A button's tap is no message that could be quoted.
        (vec![private()], Some("callback:77".to_owned()), json!({ "chat_id": "4242" })),
        (
            vec![private()],
            Some("4242:8:edit:9".to_owned()),
            json!({ "chat_id": "4242", "reply_parameters": { "message_id": 8, "allow_sending_without_reply": true } }),
        ),
    ] {
        let world = World::telegram();
        let metadata = reply_to.clone().map_or(json!({}), |id| json!({ "reply_to": id }));
        world.writes("text", Some("Hi"), metadata);
        world.earlier.replace(earlier.clone());
        let mut sent = sent(&world);
        sent.as_object_mut().unwrap().remove("text");
        assert_eq!(sent, expected, "{earlier:?} {reply_to:?}");
    }
}

#[test]
fn an_answer_by_mail_belongs_to_the_thread() {
    let world = World::email();
    let question = json!({ "subject": "Broken lamp", "references": ["zero@customer.example"] });
    world.earlier.replace(vec![
        said(false, "pm-2", &json!({})),
        said(true, "one@customer.example", &question),
        said(false, "pm-0", &json!({})),
    ]);
    let mail = sent(&world);
    assert_eq!(mail["Subject"], "Re: Broken lamp");
    assert_eq!(header(&mail, "In-Reply-To").as_deref(), Some("<one@customer.example>"));
    assert_eq!(header(&mail, "References").as_deref(), Some("<zero@customer.example> <one@customer.example>"));
    assert_eq!(header(&mail, "Message-ID"), Some(format!("<{MESSAGE}@kobliat.example>")));
    assert_eq!(header(&mail, "X-PM-KeepID").as_deref(), Some("true"));
    assert_eq!(header(&mail, "Auto-Submitted"), None, "a person writes");
}

#[test]
fn a_thread_that_began_with_us_is_one_too() {
    let world = World::email();
    world.writes("text", Some("And one more thing"), json!({}));
    world.earlier.replace(vec![
        said(false, "", &json!({ "subject": "never sent" })),
        said(false, "pm-2", &json!({ "subject": "Your order" })),
        said(false, "pm-1", &json!({ "subject": "Your order" })),
    ]);
    let mail = sent(&world);
    assert_eq!(mail["Subject"], "Your order");
    assert_eq!(header(&mail, "In-Reply-To").as_deref(), Some("<id-of-pm-2@kobliat.example>"));
    let references = "<id-of-pm-1@kobliat.example> <id-of-pm-2@kobliat.example>";
    assert_eq!(header(&mail, "References").as_deref(), Some(references));
    // Their answer knows ours: nothing is lost when we answer again.
    let answer = json!({ "subject": "RE: Your order", "message_id": "<two@customer.example>", "references": ["id-of-pm-1@kobliat.example", "id-of-pm-2@kobliat.example"] });
    let again = World::email();
    again.earlier.replace(vec![said(true, "ann@customer.example/two", &answer)]);
    let mail = sent(&again);
    assert_eq!(mail["Subject"], "RE: Your order", "one prefix is enough");
    assert_eq!(header(&mail, "In-Reply-To").as_deref(), Some("<two@customer.example>"));
    assert_eq!(header(&mail, "References"), Some(format!("{references} <two@customer.example>")));
}

#[test]
fn the_first_mail_begins_a_thread() {
    let world = World::email();
    world.conversation.borrow_mut().subject = Some("Welcome".to_owned());
    let mail = sent(&world);
    assert_eq!(
        (&mail["Subject"], header(&mail, "In-Reply-To"), header(&mail, "References")),
        (&json!("Welcome"), None, None)
    );
}

#[test]
fn references_do_not_grow_for_ever() {
    let world = World::email();
    let ids: Vec<String> = (0..100).map(|number| format!("{number}@x")).collect();
    world.earlier.replace(vec![said(true, "last@x", &json!({ "references": ids }))]);
    let references = header(&sent(&world), "References").unwrap();
    let ids: Vec<_> = references.split(' ').collect();
    assert_eq!((ids.len(), ids[0], ids[1], ids[11]), (12, "<0@x>", "<90@x>", "<last@x>"));
}

#[test]
fn a_machine_says_so_and_answers_no_machine() {
    let world = World::email();
    world.writes("text", Some("We got your mail"), json!({ "auto_submitted": "auto-replied" }));
    world.earlier.replace(vec![said(true, "one@x", &json!({ "subject": "Hello", "auto_submitted": "no" }))]);
    let mail = sent(&world);
    assert_eq!(header(&mail, "Auto-Submitted").as_deref(), Some("auto-replied"));
    assert_eq!(header(&mail, "X-Auto-Response-Suppress").as_deref(), Some("All"));
    for theirs in
        [json!({ "auto_submitted": "auto-replied" }), json!({ "auto_reply": true }), json!({ "precedence": "bulk" })]
    {
        let world = World::email();
        world.writes("text", Some("We got your mail"), json!({ "auto_submitted": "auto-replied" }));
        // The inbound side takes some of them for no message at all.
        let notice = Earlier { is_inbound: false, is_system: true, ..said(true, "one@x", &theirs) };
        let question = said(true, "zero@x", &json!({ "subject": "Hello" }));
        world.earlier.replace(vec![notice, question.clone()]);
        let Done::Ended(ended @ Ended::Failed(_)) = world.deliver("e0").unwrap() else { panic!("{theirs}") };
        assert_eq!(code(&ended), "auto_reply_loop", "{theirs}");
        world.asks_again();
        world.earlier.replace(vec![said(true, "one@x", &theirs), question]);
        let Done::Ended(ended @ Ended::Failed(_)) = world.deliver("e1").unwrap() else { panic!("{theirs}") };
        assert_eq!((code(&ended), world.sent()), ("auto_reply_loop", 0), "{theirs}");
        // A person may answer all the same.
        world.writes("text", Some("I am a person"), json!({}));
        assert!(matches!(world.deliver("e2").unwrap(), Done::Ended(Ended::Sent(_))));
    }
    let world = World::email();
    world.writes("text", Some("x"), json!({ "auto_submitted": "yes\r\nBcc: all@x" }));
    assert!(matches!(world.deliver("e1").unwrap(), Done::Ended(Ended::Failed(_))));
}

#[test]
fn who_wrote_from_messenger_is_answered_there_and_never_at_a_number() {
    let world = World::new("sms", "messenger:1122334455", "sender-id", "messenger:2415001122");
    let phone =
        Identity { channel_account_id: "+15550783881".into(), kind: "phone".into(), value: "2415001122".into() };
    world.person.borrow_mut().identities.insert(0, phone);
    world.deliver("e1").unwrap();
    let call = world.last_call();
    let form = Query::parse(std::str::from_utf8(call.body()).unwrap()).unwrap();
    assert_eq!((form.get("To"), form.get("From")), (Some("messenger:2415001122"), Some("messenger:1122334455")));

    let by_phone = World::sms();
    let page =
        Identity { channel_account_id: "messenger:1".into(), kind: "sender-id".into(), value: "messenger:9".into() };
    by_phone.person.borrow_mut().identities.insert(0, page);
    by_phone.deliver("e1").unwrap();
    assert!(String::from_utf8_lossy(by_phone.last_call().body()).starts_with("To=%2B16505551234&"));

    for value in ["2415001122", "instagram:2415001122", "messenger:"] {
        let world = World::new("sms", "messenger:1122334455", "sender-id", value);
        world.deliver("e1").unwrap();
        assert_eq!((code(&world.last_report().ended), world.sent()), ("recipient_malformed", 0), "{value}");
    }
    let rcs = World::new("sms", "rcs:shop", "phone", "16505551234");
    rcs.deliver("e1").unwrap();
    assert!(String::from_utf8_lossy(rcs.last_call().body()).starts_with("To=rcs%3A%2B16505551234&"));
}

#[test]
fn every_provider_learns_who_asks_and_no_provider_gets_our_trace() {
    for world in [World::whatsapp(), World::sms(), World::telegram(), World::email(), World::webhook()] {
        world.is(Mood::Closes);
        let _ = world.deliver("e1");
        world.pass(std::time::Duration::from_secs(10));
        let _ = world.deliver("e1");
        for call in world.calls.borrow().iter() {
            assert!(call.headers()["user-agent"].to_str().unwrap().starts_with("Kobliat/"), "{call:?}");
            assert!(!call.headers().contains_key("traceparent"));
        }
    }
}
