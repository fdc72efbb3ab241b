//! Forgetting a customer: nothing of the person stays here, and the report says what each service removed.

use ::http::Method;
use sdk::testing::{event, json, request};
use serde_json::{Value, json};

use crate::{TestApp, contact, identity};

const ERASED: &str = "com.kobliat.customer.erased.v1";

fn forgotten(app: &TestApp) -> String {
    let id = app.resolve_one(contact(&[identity("acc", "bsuid", "US.9"), identity("acc", "phone", "16505551234")])).id;
    let mut again = request(Method::POST, "/customers", r#"{"external_type":"whatsapp","external_id":"16505551234"}"#);
    again.headers.insert("idempotency-key", "k1".parse().unwrap());
    assert_eq!(app.handle(again).status(), 200);
    assert_eq!(app.send(Method::DELETE, &format!("/customers/{id}"), "").status(), 204);
    id
}

fn report(app: &TestApp, id: &str) -> Value {
    json(&app.send(Method::GET, &format!("/customers/{id}/erasure"), ""))
}

fn told(app: &TestApp, event_id: &str, id: &str, service: &str, removed: &Value, done: bool) {
    let data = json!({ "customer_id": id, "service": service, "removed": removed, "done": done, "more": [] });
    assert_eq!(app.handle(event(event_id, ERASED, id, &data)).status(), 204);
}

#[test]
fn nothing_in_the_database_names_a_forgotten_customer() {
    let app = TestApp::start();
    forgotten(&app);
    let sql = app.memory.sqlite();
    let mut tables = sql
        .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'customer_search%'")
        .unwrap();
    let tables: Vec<String> = tables.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    assert!(tables.len() > 8);
    for table in tables {
        let mut rows = sql.prepare(&format!("SELECT * FROM {table}")).unwrap();
        let columns = rows.column_count();
        let mut rows = rows.query([]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            for column in 0..columns {
                let value = format!("{:?}", row.get_ref(column).unwrap());
                let bytes = row.get_ref(column).unwrap();
                let text = bytes.as_bytes().map(|b| String::from_utf8_lossy(b).into_owned()).unwrap_or(value);
                assert!(!["Sheena", "16505551234", "US.9"].iter().any(|name| text.contains(name)), "{table}: {text}");
            }
        }
    }
    assert!(json(&app.send(Method::GET, "/customers?q=5551", ""))["data"].as_array().unwrap().is_empty());
}

#[test]
fn the_report_says_what_each_service_removed_and_when_all_are_done() {
    let app = TestApp::start();
    let id = forgotten(&app);
    let begun = report(&app, &id);
    assert_eq!(begun["completed_at"], Value::Null);
    let state = |report: &Value, at: usize| {
        (report["services"][at]["service"].clone(), report["services"][at]["state"].clone())
    };
    assert_eq!(state(&begun, 0), (json!("conversation"), json!("pending")));
    assert_eq!(state(&begun, 1), (json!("customer"), json!("done")));
    assert_eq!(begun["services"][1]["removed"], json!({ "answers": 1, "customers": 1, "identities": 2, "keys": 1 }));
    told(&app, "1", &id, "conversation", &json!({ "previews": 1 }), true);
    told(&app, "2", &id, "messaging", &json!({ "messages": 200, "receipts": 7 }), false);
    assert_eq!(report(&app, &id)["completed_at"], Value::Null);
    for _ in 0..2 {
        told(&app, "3", &id, "messaging", &json!({ "messages": 30 }), false);
    }
    told(&app, "4", &id, "messaging", &json!({}), true);
    told(&app, "5", &id, "media", &json!({ "files": 3 }), true);
    let done = report(&app, &id);
    assert!(done["completed_at"].is_string(), "{done}");
    assert_eq!(state(&done, 2), (json!("media"), json!("done")));
    assert_eq!(done["services"][3]["removed"], json!({ "messages": 230, "receipts": 7 }));
}

#[test]
fn who_forgets_decides_whether_what_was_said_goes_too() {
    for (query, told) in [("", "keep"), ("?messages=keep", "keep"), ("?messages=erase", "erase")] {
        let app = TestApp::start();
        let id = app.resolve_one(contact(&[identity("acc", "phone", "16505551234")])).id;
        assert_eq!(app.send(Method::DELETE, &format!("/customers/{id}{query}"), "").status(), 204, "{query}");
        let sql =
            "SELECT json_extract(event, '$.data.messages') FROM outbox WHERE type = 'com.kobliat.customer.deleted.v1'";
        let said: String = app.memory.sqlite().query_row(sql, [], |row| row.get(0)).unwrap();
        assert_eq!(said, told);
    }
    let app = TestApp::start();
    let id = app.resolve_one(contact(&[identity("acc", "phone", "16505551234")])).id;
    for bad in ["?messages=all", "?history=erase"] {
        assert_eq!(app.send(Method::DELETE, &format!("/customers/{id}{bad}"), "").status(), 422, "{bad}");
    }
    assert_eq!(app.count("customers"), 1, "and nothing is changed");
}

#[test]
fn only_what_was_asked_for_is_reported_and_only_by_sound_events() {
    let app = TestApp::start();
    let id = app.resolve_one(contact(&[identity("acc", "phone", "16505551234")])).id;
    let path = format!("/customers/{id}/erasure");
    assert_eq!(app.send(Method::GET, &path, "").status(), 404);
    told(&app, "1", &id, "messaging", &json!({ "messages": 1 }), true);
    assert_eq!((app.send(Method::GET, &path, "").status().as_u16(), app.count("erasure_counts")), (404, 0));
    app.send(Method::DELETE, &format!("/customers/{id}"), "");
    for removed in [json!({ ("x".repeat(65)): 1 }), json!({ "messages": -1 }), json!("all")] {
        told(&app, "2", &id, "messaging", &removed, true);
    }
    assert_eq!(report(&app, &id)["services"][2]["state"], "pending");
}
