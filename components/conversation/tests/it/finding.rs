//! Orders and the search: by subject, by what others found in messages, by people.

use ::http::Method;
use conversation::{
    domain::Status,
    finding::{Filter, Search, Sort, list},
};
use sdk::{
    ids,
    pagination::PageRequest,
    search::Words,
    testing::{block_on, json},
};
use serde_json::json;

use crate::{TestApp, inbound, outbound, tenant};

/// Four conversations, active in the order 2, 0, 3, 1.
fn four(app: &TestApp) -> Vec<String> {
    let opened: Vec<_> = (0..4).map(|_| app.open().id).collect();
    for (n, at) in [2, 0, 3, 1].into_iter().enumerate() {
        app.touch(&[inbound(&opened[at], u64::try_from(n).unwrap() + 1)]);
    }
    opened
}

#[test]
fn pages_in_every_order_without_repeating_or_skipping() {
    let app = TestApp::start();
    let opened = four(&app);
    for (sort, order) in [
        ("-last_message_at", [1, 3, 0, 2]),
        ("last_message_at", [2, 0, 3, 1]),
        ("-created_at", [3, 2, 1, 0]),
        ("created_at", [0, 1, 2, 3]),
    ] {
        let expected = order.map(|at: usize| opened[at].clone());
        for filter in ["", "&status=open", "&channel=whatsapp", "&status=open&channel=whatsapp"] {
            assert_eq!(app.walk(&format!("/conversations?limit=1&sort={sort}{filter}")), expected, "{sort}{filter}");
        }
        assert!(app.walk(&format!("/conversations?limit=1&sort={sort}&status=closed")).is_empty());
    }
    let cursor = json(&app.send(Method::GET, "/conversations?limit=1", ""))["meta"]["next_cursor"].clone();
    let other = format!("/conversations?limit=1&sort=created_at&cursor={}", cursor.as_str().unwrap());
    assert_eq!(app.send(Method::GET, &other, "").status(), 422, "a cursor is of one order");
}

#[test]
fn a_customer_s_are_in_every_order_too() {
    let app = TestApp::start();
    let customer = ids::new();
    let opened: Vec<String> = (0..3)
        .map(|_| {
            let body = json!({ "type": "group", "participants": [customer, ids::new()] }).to_string();
            json(&app.send(Method::POST, "/conversations", &body))["id"].as_str().unwrap().to_owned()
        })
        .collect();
    app.touch(&[inbound(&opened[1], 1)]);
    let walk = |sort: &str| app.walk(&format!("/conversations?limit=2&customer_id={customer}&sort={sort}"));
    assert_eq!(walk("created_at"), opened);
    assert_eq!(walk("-created_at"), [&opened[2], &opened[1], &opened[0]].map(Clone::clone));
    assert_eq!(walk("last_message_at")[0], opened[1], "its message is older than the others");
}

#[test]
fn lists_what_is_unread_or_is_not_in_every_order() {
    let app = TestApp::start();
    let opened: Vec<_> = (0..5).map(|_| app.open().id).collect();
    for (n, at) in [3, 1, 4].into_iter().enumerate() {
        app.touch(&[inbound(&opened[at], u64::try_from(n).unwrap() + 1)]);
    }
    app.touch(&[outbound(&opened[0], 1)]);
    let of = |places: &[usize]| places.iter().map(|at| opened[*at].clone()).collect::<Vec<_>>();
    for more in ["", "&status=open", "&channel=whatsapp"] {
        let walk = |query: &str| app.walk(&format!("/conversations?limit=1&{query}{more}"));
        assert_eq!(walk("unread=true"), of(&[4, 1, 3]), "{more}");
        assert_eq!(walk("unread=true&sort=last_message_at"), of(&[3, 1, 4]), "{more}");
        assert_eq!(walk("unread=true&sort=created_at"), of(&[1, 3, 4]), "{more}");
        assert_eq!(walk("unread=true&sort=-created_at"), of(&[4, 3, 1]), "{more}");
        assert_eq!(walk("unread=false&sort=created_at"), of(&[0, 2]), "{more}");
        assert!(
            app.walk(
                &format!("/conversations?unread=true&status=closed{more}").replace("closed&status=open", "closed")
            )
            .is_empty()
        );
    }
    assert_eq!(app.send(Method::GET, "/conversations?unread=1", "").status(), 422);
}

#[test]
fn lists_those_of_a_period() {
    let app = TestApp::start();
    let opened: Vec<_> = (0..4).map(|_| app.open().id).collect();
    for (n, id) in opened.iter().enumerate() {
        let at = i64::try_from(n).unwrap() * 86_400_000_000; // 1970-01-01 and the days that follow
        app.memory.sqlite().execute("UPDATE conversations SET created_at = ?1 WHERE id = ?2", (at, id)).unwrap();
    }
    let walk = |query: &str| app.walk(&format!("/conversations?limit=1&{query}"));
    let of = |places: &[usize]| places.iter().map(|at| opened[*at].clone()).collect::<Vec<_>>();
    assert_eq!(walk("created_after=1970-01-02&created_before=1970-01-04"), of(&[2, 1]));
    assert_eq!(walk("created_after=1970-01-02&sort=created_at"), of(&[1, 2, 3]));
    assert_eq!(walk("created_before=1970-01-02T00:00:00.001Z&sort=created_at&status=open"), of(&[0, 1]));
    let refused = json(&app.send(Method::GET, "/conversations?created_after=1970-01-02&sort=-last_message_at", ""));
    assert_eq!(refused["status"], 422, "{refused}");
    let customer = &app.get(&opened[2]).participants[0].customer_id;
    let theirs = format!("customer_id={customer}&sort=-last_message_at&created_after=1970-01-0");
    assert_eq!((walk(&format!("{theirs}3")), walk(&format!("{theirs}4"))), (of(&[2]), vec![]));
}

fn titled(app: &TestApp, subject: &str) -> String {
    let body = json!({ "type": "group", "participants": [ids::new(), ids::new()], "subject": subject }).to_string();
    json(&app.send(Method::POST, "/conversations", &body))["id"].as_str().unwrap().to_owned()
}

fn search(app: &TestApp, text: &str, conversations: &[&String], customers: &[&String], more: Filter) -> Vec<String> {
    let cloned = |ids: &[&String]| ids.iter().map(|id| (*id).clone()).collect();
    let search = Search {
        words: Words::parse(text).unwrap(),
        conversation_ids: cloned(conversations),
        customer_ids: cloned(customers),
    };
    let filter = Filter { search: Some(search), ..more };
    let page = PageRequest { limit: 50, cursor: None };
    let page = block_on(list(&app.app.store, &tenant(), &filter, &page)).unwrap();
    page.items.into_iter().map(|conversation| conversation.id).collect()
}

/// With the full-text index, and as in a store without one.
fn in_both_stores(test: impl Fn(&TestApp)) {
    test(&TestApp::start());
    let without = TestApp::start();
    let drop = "DROP TRIGGER index_words; DROP TRIGGER index_removed_words; DROP TABLE conversation_search";
    without.memory.sqlite().execute_batch(drop).unwrap();
    test(&without);
}

#[test]
fn finds_by_subject_by_message_or_by_person() {
    in_both_stores(|app| {
        let (refund, other) = (titled(app, "Refund of order 17"), titled(app, "Delivery"));
        let direct = app.open();
        let sheena = &direct.participants[0].customer_id;
        let found = |text: &str, ids: &[&String], people: &[&String]| {
            search(app, text, ids, people, Filter { sort: Sort::CreatedUp, ..Filter::default() })
        };
        assert_eq!(found("refund ord", &[], &[]), [refund.as_str()]);
        assert_eq!(found("refund", &[&other, &ids::new()], &[sheena]), [&refund, &other, &direct.id].map(Clone::clone));
        assert!(found("*", &[], &[]).is_empty() && found("nothing", &[], &[]).is_empty());
        app.close(&other);
        let closed = Filter { status: Some(Status::Closed), ..Filter::default() };
        assert_eq!(search(app, "refund", &[&other], &[sheena], closed), [other.as_str()]);
        let hers = Filter { customer_id: Some(sheena.clone()), ..Filter::default() };
        assert_eq!(search(app, "refund", &[&other, &direct.id], &[], hers), [direct.id.as_str()]);
    });
}

#[test]
fn finds_words_of_scripts_that_put_no_blanks_between_them() {
    in_both_stores(|app| {
        let id = titled(app, "关于我的订单的问题");
        let found = |text: &str| app.walk(&format!("/conversations?q={}", sdk::query::percent_encode(text)));
        assert_eq!((found("订单"), found("单订")), (vec![id], vec![]));
    });
    let app = TestApp::start();
    let sql = app.memory.sqlite();
    let insert = "INSERT INTO conversation_texts (tenant_id, conversation_id, words) VALUES ('default', ?1, ?2)";
    let (old, plain) = (app.open().id, app.open().id);
    sql.execute(insert, (&old, "关于我的订单的问题")).unwrap();
    sql.execute(insert, (&plain, "Order")).unwrap();
    sql.execute_batch("CREATE TRIGGER store_words_of_conversation AFTER INSERT ON conversations BEGIN SELECT 1; END;")
        .unwrap();
    sql.execute_batch(
        "CREATE TRIGGER store_words_of_changed_conversation AFTER INSERT ON conversations BEGIN SELECT 1; END;",
    )
    .unwrap();
    sql.execute_batch(include_str!("../../migrations/0010_spaced_texts.sql")).unwrap();
    let found = |text: &str| app.walk(&format!("/conversations?q={}", sdk::query::percent_encode(text)));
    assert_eq!((found("订单"), found("order")), (vec![old], vec![plain]), "those from before");
}

#[test]
fn follows_a_change_of_subject() {
    in_both_stores(|app| {
        let id = titled(app, "Old subject");
        let patch = |body: &str| app.send(Method::PATCH, &format!("/conversations/{id}"), body).status().as_u16();
        let found = |text: &str| app.walk(&format!("/conversations?q={text}")).len();
        assert_eq!((patch(r#"{"subject":"Brand new"}"#), found("old"), found("brand")), (200, 0, 1));
        assert_eq!((patch(r#"{"subject":null}"#), found("brand")), (200, 0));
        assert_eq!((patch(r#"{"subject":"Back again"}"#), found("back")), (200, 1));
    });
}

#[test]
fn takes_nothing_in_q_for_syntax() {
    in_both_stores(|app| {
        titled(app, "plain");
        for q in ["plain%20OR%20x", "%22", "tenant_id:default", "NEAR(plain", "%25", "^plain%20-"] {
            assert!(app.walk(&format!("/conversations?q={q}")).len() <= 1, "{q}");
        }
        assert_eq!(app.send(Method::GET, &format!("/conversations?q={}", "x".repeat(201)), "").status(), 422);
    });
}
