//! The search: what was said, newest first, one tenant's only, as soon as it is stored.

use ::http::Method;
use messaging::{
    domain::{NewMessage, insert_many},
    finding::conversations,
    reading::place_of,
};
use sdk::{
    Context, ids,
    testing::{block_on, json},
};

use crate::{CONVERSATION, NOW, TestApp, context, inbound, outbound};

fn says(app: &TestApp, body: &str) -> String {
    app.insert_one(NewMessage { body: Some(body.into()), external_message_id: None, ..inbound("") }).message.id
}

/// The bodies that are found, all pages of them.
fn found(app: &TestApp, query: &str) -> Vec<String> {
    walk(app, &format!("/messages?limit=2&{query}"))
}

fn walk(app: &TestApp, path: &str) -> Vec<String> {
    let (mut seen, mut next) = (Vec::new(), path.to_owned());
    loop {
        let answer = app.send(Method::GET, &next, "");
        assert_eq!(answer.status(), 200, "{next}");
        let page = json(&answer);
        seen.extend(page["data"].as_array().unwrap().iter().map(|one| one["body"].as_str().unwrap().to_owned()));
        let Some(cursor) = page["meta"]["next_cursor"].as_str() else { return seen };
        next = format!("{path}&cursor={cursor}");
    }
}

/// With the full-text index, and as in a store without one.
fn in_both_stores(test: impl Fn(&TestApp)) {
    test(&TestApp::start());
    let without = TestApp::start();
    let drop = "DROP TRIGGER index_edited_message; DROP TABLE message_search_progress; DROP TABLE message_words";
    without.memory.sqlite().execute_batch(drop).unwrap();
    test(&without);
}

#[test]
fn finds_what_was_said_newest_first_page_by_page() {
    in_both_stores(|app| {
        for body in ["Where is my order?", "The order is on its way", "Thanks", "My order came broken", "order order"] {
            says(app, body);
        }
        let all = ["order order", "My order came broken", "The order is on its way", "Where is my order?"];
        assert_eq!(found(app, "q=order"), all);
        assert_eq!(found(app, "q=ORDER%20my"), ["My order came broken", "Where is my order?"]);
        assert_eq!(found(app, "q=order%20bro"), ["My order came broken"]);
        says(app, "One more order");
        assert_eq!(found(app, "q=order")[0], "One more order", "at once");
        assert!(found(app, "q=%22*%22").is_empty() && found(app, "q=nothing").is_empty());
    });
}

#[test]
fn looks_into_one_conversation_or_at_one_sender() {
    in_both_stores(|app| {
        let (other, sender) = (ids::new(), ids::new());
        says(app, "hello here");
        app.insert_one(NewMessage {
            conversation_id: other.clone(),
            sender_customer_id: Some(sender.clone()),
            body: Some("hello there".into()),
            ..inbound("2")
        });
        assert_eq!(found(app, &format!("q=hello&conversation_id={other}")), ["hello there"]);
        assert_eq!(found(app, &format!("q=hello&sender_customer_id={sender}")), ["hello there"]);
        assert_eq!(walk(app, &format!("/conversations/{CONVERSATION}/messages?limit=1&q=hello")), ["hello here"]);
        let of = |text: &str, limit| block_on(conversations(&app.app.store, &context(), text, limit)).unwrap();
        assert_eq!(of("hello", 500), [other.as_str(), CONVERSATION]);
        assert_eq!((of("hello", 1).len(), of("* -", 9).len(), of("bye", 9).len()), (1, 0, 0));
        assert!(block_on(conversations(&app.app.store, &context(), "x", 501)).is_err());
    });
}

#[test]
fn follows_an_edit_whether_it_is_in_the_index_or_not_yet() {
    in_both_stores(|app| {
        let (first, second) = (says(app, "a typpo"), says(app, "another typpo"));
        let edit = |id: &str| app.send(Method::PUT, &format!("/messages/{id}"), r#"{"body":"corrected"}"#).status();
        assert_eq!(edit(&first), 200);
        assert_eq!(found(app, "q=typpo"), ["another typpo"]);
        assert_eq!(edit(&second), 200);
        assert_eq!((found(app, "q=typpo").len(), found(app, "q=corrected").len()), (0, 2));
    });
    let app = TestApp::start();
    let id = says(&app, "was said");
    found(&app, "q=x");
    app.send(Method::PATCH, &format!("/messages/{id}"), r#"{"body":"is said"}"#);
    assert_eq!((found(&app, "q=was").len(), found(&app, "q=is").len()), (0, 1));
    let check = "INSERT INTO message_words (message_words) VALUES ('integrity-check')";
    app.memory.sqlite().execute(check, []).unwrap();
    assert_eq!(app.memory.scalar("SELECT count(*) FROM messages_to_index"), 0);
}

#[test]
fn finds_words_of_scripts_that_put_no_blanks_between_them() {
    in_both_stores(|app| {
        let said = ["请问我的订单什么时候到？", "ขอสอบถามสินค้าครับ", "注文番号はA-123です", "plain words"];
        said.iter().for_each(|body| drop(says(app, body)));
        let words = [("订单", 0), ("什么时候", 0), ("到", 0), ("สินค้า", 1), ("番号", 2), ("です", 2), ("plain", 3)];
        for (q, at) in words {
            assert_eq!(found(app, &format!("q={}", sdk::query::percent_encode(q))), [said[at]], "{q}");
        }
        let id = says(app, "旧的订单");
        app.send(Method::PATCH, &format!("/messages/{id}"), r#"{"body":"新的地址"}"#);
        let q = |text: &str| format!("q={}", sdk::query::percent_encode(text));
        assert_eq!((found(app, &q("订单")).len(), found(app, &q("地址"))), (1, vec!["新的地址".to_owned()]));
    });
}

#[test]
fn messages_from_before_go_into_the_new_index_by_and_by() {
    let app = TestApp::start();
    let sql = app.memory.sqlite();
    let back = "DROP TRIGGER index_edited_message; DROP TABLE message_words; DROP TABLE messages_to_index; \
                DROP TABLE message_search_progress;";
    sql.execute_batch(back).unwrap();
    sql.execute_batch(include_str!("../../migrations/0008_message_search.sql")).unwrap();
    says(&app, "我的订单 from before");
    sql.execute_batch(
        "INSERT INTO message_search (rowid, tenant_id, body) SELECT rowid, tenant_id, body FROM messages; \
         UPDATE message_search_progress SET indexed_to = 1",
    )
    .unwrap();
    sql.execute_batch(include_str!("../../migrations/0010_message_words.sql")).unwrap();
    let q = format!("q={}", sdk::query::percent_encode("订单"));
    assert_eq!((found(&app, &q).len(), found(&app, "q=before").len()), (1, 1));
}

#[test]
fn keeps_to_its_tenant() {
    in_both_stores(|app| {
        says(app, "our secret");
        let theirs = Context { tenant: "default-2".into(), ..context() };
        let message = NewMessage { body: Some("their secret".into()), ..inbound("9") };
        block_on(insert_many(&app.app.store, &theirs, vec![message], NOW)).unwrap();
        assert_eq!(found(app, "q=secret"), ["our secret"]);
        let ours = block_on(conversations(&app.app.store, &theirs, "our", 9)).unwrap();
        assert!(ours.is_empty());
    });
}

#[test]
fn takes_nothing_in_q_for_syntax_and_says_what_is_wrong() {
    in_both_stores(|app| {
        says(app, "plain \"quoted\" 100% a_b");
        for q in ["%22quoted", "100%25", "a_b"] {
            assert_eq!(found(app, &format!("q={q}")).len(), 1, "{q}");
        }
        for q in ["plain%20OR%20x", "NEAR(plain", "tenant_id:default", "body:plain", "-", "%28", "%7Bbody%7D:plain"] {
            assert!(found(app, &format!("q={q}")).is_empty(), "{q}");
        }
        let long = format!("q={}", "x".repeat(201));
        for bad in [
            "q=%00",
            &long,
            "q=x&conversation_id=7",
            "q=x&cursor=AAAA",
            "q=x&sender=a",
            "status=sent",
            "failed=1",
            "failed=true&status=failed",
            "sort=body",
        ] {
            assert_eq!(app.send(Method::GET, &format!("/messages?{bad}"), "").status(), 422, "{bad}");
        }
    });
}

#[test]
fn the_index_catches_up_by_batches_and_storing_costs_nothing_more() {
    let app = TestApp::start();
    let batch = |from: usize| (from..from + 1000).map(|n| NewMessage { client_ref: Some(n.to_string()), ..outbound() });
    for from in (0..11_000).step_by(1000) {
        block_on(app.insert(batch(from).collect()));
    }
    let indexed = || app.memory.scalar("SELECT indexed_to FROM message_search_progress");
    assert_eq!(indexed(), 0);
    says(&app, "a needle in the hay");
    assert_eq!(
        (found(&app, "q=needle"), indexed()),
        (vec!["a needle in the hay".to_owned()], 10_000),
        "found all the same"
    );
    assert_eq!(app.send(Method::POST, "/internal/tick", "").status(), 204);
    assert_eq!(indexed(), 11_001);
    assert_eq!(json(&app.send(Method::GET, "/messages?q=text&limit=1", ""))["data"].as_array().unwrap().len(), 1);
    app.memory.statements();
    app.insert_one(inbound("one.more"));
    assert_eq!(app.memory.statements().len(), 1);
}

#[test]
fn a_message_knows_its_place() {
    let app = TestApp::start();
    block_on(app.insert(vec![inbound("1"), outbound(), inbound("2")]));
    let last = app.insert_one(outbound()).message;
    let place = block_on(place_of(&app.app.store, &context(), &last.id)).unwrap();
    assert_eq!((place.conversation_id.as_str(), place.seq, place.inbound), (CONVERSATION, 4, 2));
    let theirs = Context { tenant: "other".into(), ..context() };
    assert!(block_on(place_of(&app.app.store, &theirs, &last.id)).is_err());
    assert!(block_on(place_of(&app.app.store, &context(), "x")).is_err());
}
