//! Lists of conversations, and opening one.

use api_gateway::clients::conversations::Status;
use api_gateway::routes::Service;
use http::Method;
use serde_json::{Value, json};

use crate::app::{Answer, TestApp, request_as};
use crate::world::Fault;

const UNKNOWN: &str = "019a0000-0000-7000-8000-ffffffffffff";

fn ids(answer: &Answer) -> Vec<String> {
    answer.json()["data"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_list_shows_names_previews_and_unread_counts() {
    let app = TestApp::new();
    let ada = app.world.customer("Ada");
    let id = app.world.conversation(&[&ada]);
    let message = json!({ "conversation_id": id, "direction": "inbound", "sender_customer_id": ada, "body": "Hello?" });
    assert_eq!(app.post("/api/v1/messages", &message).status, 201);

    let list = app.get("/api/v1/conversations").json();
    let one = &list["data"][0];
    assert_eq!(one["id"], id);
    assert_eq!(one["type"], "direct");
    assert_eq!(one["status"], "open");
    assert_eq!(one["metadata"], json!({ "topic": "sweaters" }));
    assert_eq!(one["last_message_preview"], "Hello?");
    assert_eq!(one["last_message_at"], "2026-01-01T00:00:00.000Z");
    assert_eq!(one["unread_count"], 1);
    assert_eq!(one["participants"][0]["customer_id"], ada);
    assert_eq!(one["participants"][0]["name"], "Ada");
    assert_eq!(one["participants"][0]["external_type"], "whatsapp");
    assert_eq!(list["meta"], json!({ "limit": 20, "next_cursor": null, "has_more": false }));
    assert!(list.get("warnings").is_none());
}

#[test]
fn one_conversation_shows_until_when_it_may_be_answered_freely() {
    let app = TestApp::new();
    let (ada, agent) = (app.world.customer("Ada"), app.world.customer("Agent"));
    let id = app.world.conversation(&[&ada, &agent]);
    let path = format!("/api/v1/conversations/{id}");
    let shown = app.get(&path);
    assert_eq!(shown.status, 200);
    assert_eq!(shown.json()["reply_window"], json!({ "closes_at": null }));
    assert_eq!(shown.json()["participants"][0]["name"], "Ada");
    app.world.message(&id, Some(&ada), "Hello?");
    let shown = app.get(&path);
    assert_eq!(shown.json()["reply_window"], json!({ "closes_at": "2026-01-02T00:00:01.000Z" }));
    assert!(shown.json().get("warnings").is_none());
    app.world.fault(Service::Messaging, Fault::Down);
    let shown = app.get(&path);
    assert_eq!(shown.status, 200);
    assert!(shown.json().get("reply_window").is_none(), "what cannot be known is not told");
    assert_eq!(shown.json()["warnings"][0]["part"], "reply_window");
    assert_eq!(app.get(&format!("/api/v1/conversations/{UNKNOWN}")).status, 404);
}

#[test]
fn a_channel_without_such_a_rule_has_no_window() {
    let app = TestApp::new();
    let ada = app.world.customer("Ada");
    for channel in [Some("telegram"), None] {
        let id = app.world.conversation(&[&ada]);
        app.world.conversations.borrow_mut().last_mut().unwrap().1.channel = channel.map(str::to_owned);
        assert_eq!(app.get(&format!("/api/v1/conversations/{id}")).json()["reply_window"], Value::Null);
    }
}

#[test]
fn a_page_costs_two_calls_however_long_it_is() {
    let app = TestApp::new();
    for at in 0..100 {
        let customer = app.world.customer(&format!("customer {at}"));
        app.world.conversation(&[&customer]);
    }
    assert_eq!(ids(&app.get("/api/v1/conversations?limit=100")).len(), 100);
    assert_eq!(app.world.calls(), ["conversations.find-page", "customers.get-many"]);
}

#[test]
fn every_page_costs_as_many_calls_for_a_hundred_rows_as_for_one() {
    let calls = |rows: usize, path: &dyn Fn(&str, &str) -> String| {
        let app = TestApp::new();
        let ada = app.world.customer("Ada");
        let chat = app.world.conversation(&[&ada]);
        for at in 0..rows {
            let customer = app.world.customer(&format!("customer {at}"));
            app.world.conversation(&[&customer, &ada]);
            app.world.message(&chat, Some(&customer), "hello");
        }
        assert_eq!(app.get(&path(&ada, &chat)).status, 200);
        app.world.calls().into_iter().filter(|call| *call != "conversations.touch-many").collect::<Vec<_>>()
    };
    type Path = dyn Fn(&str, &str) -> String;
    let pages: [(&Path, usize); 4] = [
        (&|_, _| "/api/v1/conversations?limit=100".to_owned(), 2),
        (&|ada, _| format!("/api/v1/customers/{ada}/conversations?limit=100"), 3),
        (&|_, chat| format!("/api/v1/conversations/{chat}/messages?limit=100"), 2),
        (&|_, chat| format!("/api/v1/conversations/{chat}/details?limit=100"), 3),
    ];
    for (at, (path, expected)) in pages.into_iter().enumerate() {
        let one = calls(1, path);
        assert_eq!((calls(100, path), one.len()), (one, expected), "page {at}");
    }
}

#[test]
fn pages_follow_each_other_without_repeating_or_skipping() {
    let app = TestApp::new();
    let ada = app.world.customer("Ada");
    let all: Vec<String> = (0..5).map(|_| app.world.conversation(&[&ada])).collect();
    let (mut path, mut seen) = ("/api/v1/conversations?limit=2&channel=whatsapp".to_owned(), Vec::new());
    loop {
        let answer = app.get(&path);
        seen.extend(ids(&answer));
        let Some(cursor) = answer.json()["meta"]["next_cursor"].as_str().map(str::to_owned) else { break };
        assert_eq!(answer.header("link"), format!("<?limit=2&channel=whatsapp&cursor={cursor}>; rel=\"next\""));
        path = format!("/api/v1/conversations?limit=2&channel=whatsapp&cursor={cursor}");
    }
    seen.sort();
    assert_eq!(seen, all);
}

#[test]
fn filters_narrow_the_list() {
    let app = TestApp::new();
    let (ada, bob) = (app.world.customer("Ada"), app.world.customer("Bob"));
    let (first, second) = (app.world.conversation(&[&ada]), app.world.conversation(&[&bob]));
    app.world.conversation_of("acme", &[&ada]);
    app.world.conversations.borrow_mut()[1].1.status = Status::Closed;
    for (query, expected) in [
        ("status=open", vec![&first]),
        ("status=closed", vec![&second]),
        (&format!("customer_id={bob}"), vec![&second]),
        (&format!("customer_id={}", ada.to_uppercase()), vec![&first]),
        ("channel=sms", vec![]),
        ("sort=-last_message_at&status=open", vec![&first]),
    ] {
        let found = ids(&app.get(&format!("/api/v1/conversations?{query}")));
        assert_eq!(found.iter().collect::<Vec<_>>(), expected, "{query}");
    }
}

/// The subject, a message, a participant: each finds its conversation, and the filters narrow what was found.
#[test]
fn a_search_finds_by_subject_by_message_and_by_person_in_four_calls() {
    let app = TestApp::new();
    let (ada, bob, eve) = (app.world.customer("Ada Sweater"), app.world.customer("Bob"), app.world.customer("Eve"));
    let (hers, said, titled) =
        (app.world.conversation(&[&ada]), app.world.conversation(&[&bob]), app.world.conversation(&[&eve]));
    app.world.conversation(&[&eve]);
    app.world.message(&said, Some(&bob), "Where is my sweater?");
    app.world.conversations.borrow_mut()[2].1.subject = Some("Sweaters".into());
    let found = |query: &str| ids(&app.get(&format!("/api/v1/conversations?q=sweater{query}")));
    assert_eq!(found("&sort=created_at"), [&hers, &said, &titled].map(Clone::clone));
    assert_eq!(
        app.world.calls(),
        ["messages.find-conversations", "customers.find-ids", "conversations.find-page", "customers.get-many"]
    );
    assert_eq!(found("&sort=-created_at&limit=1"), [titled.as_str()]);
    assert_eq!(found(&format!("&customer_id={bob}")), [said.as_str()]);
    assert_eq!(app.get(&format!("/api/v1/conversations?q={}", "x".repeat(201))).pointers(), ["?q"]);
}

#[test]
fn a_search_does_without_what_is_down_and_without_messages_that_nobody_may_read() {
    let app = TestApp::new();
    let bob = app.world.customer("Bob");
    let said = app.world.conversation(&[&bob]);
    app.world.message(&said, Some(&bob), "sweater");
    let blind = app.key_of("default", &["conversations:read"]);
    app.world.typed_calls.borrow_mut().clear();
    let answer = app.send(request_as(&blind, Method::GET, "/api/v1/conversations?q=sweater", ""));
    assert!(ids(&answer).is_empty() && !app.world.calls().contains(&"messages.find-conversations"));
    app.world.fault(Service::Messaging, Fault::Down);
    let answer = app.get("/api/v1/conversations?q=bob");
    assert_eq!((ids(&answer), &answer.json()["warnings"][0]["part"]), (vec![said], &json!("messages")));
    app.world.fault(Service::Customer, Fault::Broken);
    let warnings = app.get("/api/v1/conversations?q=bob").json()["warnings"].as_array().unwrap().len();
    assert_eq!(warnings, 2, "each part once");
}

#[test]
fn bad_queries_are_422_and_point_at_the_parameter() {
    let app = TestApp::new();
    let ada = app.world.customer("Ada");
    for path in ["/api/v1/conversations".to_owned(), format!("/api/v1/customers/{ada}/conversations")] {
        for (query, pointer) in [
            ("limit=0", "?limit"),
            ("limit=-1", "?limit"),
            ("limit=101", "?limit"),
            ("limit=ten", "?limit"),
            ("limit=99999999999999999999", "?limit"),
            ("status=opened", "?status"),
            ("sort=name", "?sort"),
            ("stauts=open", "?stauts"),
            ("offset=20", "?offset"),
            ("cursor=tampered", "?cursor"),
        ] {
            assert_eq!(app.get(&format!("{path}?{query}")).pointers(), [pointer], "{path}?{query}");
        }
    }
    assert_eq!(app.get("/api/v1/conversations?customer_id=7").pointers(), ["?customer_id"]);
    app.get("/api/v1/conversations?status=%ff").problem(400);
}

#[test]
fn a_list_without_names_says_so_when_customers_are_down() {
    let app = TestApp::new();
    let ada = app.world.customer("Ada");
    app.world.conversation(&[&ada]);
    app.world.fault(Service::Customer, Fault::Broken);
    let answer = app.get("/api/v1/conversations");
    assert_eq!(answer.status, 200);
    assert_eq!(answer.json()["data"][0]["participants"][0]["name"], Value::Null);
    assert_eq!(answer.json()["data"][0]["participants"][0]["customer_id"], ada);
    assert_eq!(answer.json()["warnings"][0]["part"], "customers");
    assert!(!String::from_utf8_lossy(&answer.body).contains("SELECT"));
}

#[test]
fn a_list_is_503_when_conversations_are_down_and_502_when_they_fail() {
    let app = TestApp::new();
    app.world.fault(Service::Conversation, Fault::Down);
    let answer = app.get("/api/v1/conversations");
    answer.problem(503);
    assert!(!answer.header("retry-after").is_empty());
    app.world.fault(Service::Conversation, Fault::Broken);
    let problem = app.get("/api/v1/conversations").problem(502);
    assert!(!problem.to_string().contains("SELECT"));
}

#[test]
fn a_customer_s_conversations_need_the_customer() {
    let app = TestApp::new();
    let (ada, bob) = (app.world.customer("Ada"), app.world.customer("Bob"));
    let hers = app.world.conversation(&[&ada]);
    app.world.conversation(&[&bob]);
    assert_eq!(ids(&app.get(&format!("/api/v1/customers/{ada}/conversations"))), [hers]);
    app.get(&format!("/api/v1/customers/{UNKNOWN}/conversations")).problem(404);
    let eve = app.world.customer_of("acme", "Eve");
    app.get(&format!("/api/v1/customers/{eve}/conversations")).problem(404);
}

#[test]
fn opening_a_conversation_checks_every_participant_with_one_call() {
    let app = TestApp::new();
    let people: Vec<String> = (0..40).map(|at| app.world.customer(&format!("customer {at}"))).collect();
    let answer = app.post("/api/v1/conversations", &json!({ "type": "group", "participants": people }));
    assert_eq!(answer.status, 201);
    let id = answer.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(app.world.find_conversation(&id).participants.len(), 40, "nobody is left out");
    assert_eq!(app.world.calls(), ["customers.get-many"]);
}

#[test]
fn a_thousand_participants_cost_two_calls() {
    let app = TestApp::new();
    let people: Vec<String> = (0..1000).map(|at| app.world.customer(&format!("customer {at}"))).collect();
    assert_eq!(app.post("/api/v1/conversations", &json!({ "participants": people })).status, 201);
    assert_eq!(app.world.calls(), ["customers.get-many", "customers.get-many"]);
}

#[test]
fn participants_that_are_no_customers_are_422_each_at_its_place() {
    let app = TestApp::new();
    let (ada, eve) = (app.world.customer("Ada"), app.world.customer_of("acme", "Eve"));
    for (participants, pointers) in [
        (json!([ada, UNKNOWN]), vec!["/participants/1"]),
        (json!([UNKNOWN, ada, eve]), vec!["/participants/0", "/participants/2"]),
        (json!([ada, ada]), vec!["/participants/1"]),
        (json!([ada, ada.to_uppercase()]), vec!["/participants/1"]),
        (
            json!([ada, "7", 7, null, {}]),
            vec!["/participants/1", "/participants/2", "/participants/3", "/participants/4"],
        ),
        (json!(vec![UNKNOWN; 1001]), vec!["/participants"]),
    ] {
        let answer = app.post("/api/v1/conversations", &json!({ "participants": participants }));
        assert_eq!(answer.pointers(), pointers, "{participants}");
    }
    assert!(app.world.forwarded.borrow().is_empty(), "nothing was written");
}

#[test]
fn what_is_no_list_is_the_owner_s_to_refuse() {
    let app = TestApp::new();
    for body in [json!({}), json!({ "participants": null }), json!({ "participants": "Ada" })] {
        assert_eq!(app.post("/api/v1/conversations", &body).pointers(), ["/participants"], "{body}");
    }
}

#[test]
fn no_conversation_is_opened_while_customers_cannot_be_checked() {
    let app = TestApp::new();
    let ada = app.world.customer("Ada");
    app.world.fault(Service::Customer, Fault::Down);
    app.post("/api/v1/conversations", &json!({ "participants": [ada] })).problem(503);
    assert!(app.world.forwarded.borrow().is_empty());
}

#[test]
fn a_thousand_mistakes_are_told_in_full() {
    let app = TestApp::new();
    let participants: Vec<String> = (0..1000).map(|_| app.world.next_id()).collect();
    let answer = app.post("/api/v1/conversations", &json!({ "participants": participants, "type": "group" }));
    assert_eq!(answer.header("content-length"), answer.body.len().to_string(), "the length that was promised");
    assert_eq!(answer.pointers().len(), 1000);
}
