//! The search: words and numbers as people type them, one tenant's only, whatever is in `q`.

use ::http::Method;
use customer::finding::find_ids;
use sdk::testing::{block_on, json, request};
use serde_json::json;

use crate::{TestApp, contact, identity, tenant};

fn named(app: &TestApp, external_id: &str, name: &str) {
    app.post(&json!({ "external_id": external_id, "external_type": "crm", "name": name }).to_string());
}

/// The external ids that are found, all pages of them.
fn found(app: &TestApp, q: &str) -> Vec<String> {
    let path = format!("/customers?limit=2&q={}", sdk::query::percent_encode(q));
    let (mut seen, mut next) = (Vec::new(), path.clone());
    loop {
        let answer = app.send(Method::GET, &next, "");
        assert_eq!(answer.status(), 200, "{q}");
        let page = json(&answer);
        seen.extend(page["data"].as_array().unwrap().iter().map(|c| c["external_id"].as_str().unwrap().to_owned()));
        let Some(cursor) = page["meta"]["next_cursor"].as_str() else { return seen };
        next = format!("{path}&cursor={cursor}");
    }
}

/// With the full-text index, and as in a store without one.
fn in_both_stores(test: impl Fn(&TestApp)) {
    test(&TestApp::start());
    let without = TestApp::start();
    for trigger in ["index_words", "index_changed_words", "index_removed_words"] {
        without.memory.sqlite().execute_batch(&format!("DROP TRIGGER {trigger}")).unwrap();
    }
    without.memory.sqlite().execute_batch("DROP TABLE customer_search").unwrap();
    test(&without);
}

#[test]
fn finds_the_beginnings_of_words_newest_first_page_by_page() {
    in_both_stores(|app| {
        for (id, name) in [("a", "Ada Lovelace"), ("b", "Grace Hopper"), ("c", "Ada Yonath"), ("d", "Adam Riese")] {
            named(app, id, name);
        }
        assert_eq!(found(app, "ada"), ["d", "c", "a"]);
        assert_eq!(found(app, "LOVE ada"), ["a"]);
        assert_eq!(found(app, "ada hopper"), [""; 0]);
    });
}

#[test]
fn folds_accents_where_the_store_can() {
    let app = TestApp::start();
    named(&app, "a", "Zoë Müller");
    assert_eq!((found(&app, "zoe mull"), found(&app, "ZOË")), (vec!["a".into()], vec!["a".to_owned()]));
}

#[test]
fn finds_numbers_as_people_write_them_and_every_identity() {
    in_both_stores(|app| {
        app.resolve_one(contact(&[identity("acc", "bsuid", "US.9"), identity("acc", "phone", "16505551234")]));
        for q in ["+1 (650) 555-1234", "16505", "0650 5551234", "650/5551234", "us.9", "Sheena 1650"] {
            assert_eq!(found(app, q), ["US.9"], "{q}");
        }
        assert_eq!(found(app, "777"), [""; 0]);
    });
}

#[test]
fn finds_every_run_of_four_digits_however_the_number_is_stored_and_typed() {
    in_both_stores(|app| {
        app.resolve_one(contact(&[identity("acc", "phone", "491711234567")]));
        named(app, "+52 (1) 55-8765.4321", "María");
        let spellings =
            ["+49 (0)171 1234567", "+49 171 123-4567", "0171/1234567", "0049 (171) 1234567", "(0171) 123 4567"];
        for q in spellings {
            assert_eq!(found(app, q), ["491711234567"], "{q}");
        }
        for start in 0..=8 {
            assert_eq!(found(app, &"491711234567"[start..start + 4]), ["491711234567"], "from digit {start}");
        }
        for q in ["+525587654321", "5215587654321", "8765 4321", "5876", "María"] {
            assert_eq!(found(app, q), ["+52 (1) 55-8765.4321"], "{q}");
        }
    });
}

#[test]
fn finds_words_of_scripts_that_put_no_blanks_between_them() {
    in_both_stores(|app| {
        named(app, "jp", "山田太郎");
        named(app, "th", "สมชายใจดี");
        named(app, "kr", "김주문번호");
        for (q, id) in [("田太", "jp"), ("山田", "jp"), ("郎", "jp"), ("ใจดี", "th"), ("번호", "kr"), ("주문", "kr")]
        {
            assert_eq!(found(app, q), [id], "{q}");
        }
        assert_eq!(found(app, "太田"), [""; 0], "in this order only");
    });
}

#[test]
fn follows_a_change_of_name() {
    in_both_stores(|app| {
        let made = json(&app.post(r#"{"external_id":"x1","external_type":"crm","name":"Old"}"#));
        let path = format!("/customers/{}", made["id"].as_str().unwrap());
        app.send(Method::PATCH, &path, r#"{"name":"Brand New"}"#);
        assert_eq!((found(app, "old").len(), found(app, "brand").len(), found(app, "x1").len()), (0, 1, 1));
        app.send(Method::PATCH, &path, r#"{"name":null}"#);
        assert_eq!((found(app, "brand").len(), found(app, "x1").len()), (0, 1));
    });
}

#[test]
fn takes_nothing_in_q_for_syntax() {
    in_both_stores(|app| {
        named(app, "a", "Ada \"quoted\" 100% O'Hara a_b");
        for q in ["\"quoted", "100%", "O'Hara", "a_b", "\"quoted\""] {
            assert_eq!(found(app, q), ["a"], "{q}");
        }
        let hostile = [
            "ada OR x",
            "NEAR(ada",
            "tenant_id:default",
            "ada AND",
            "-ada x",
            "^",
            "* ** \"",
            "\"\"\"",
            "zz%",
            "(",
            "{words}:ada",
        ];
        for q in hostile {
            assert_eq!(found(app, q), [""; 0], "{q}");
        }
        for q in ["x".repeat(201), "a ".repeat(17), "a\0b".to_owned()] {
            let path = format!("/customers?q={}", sdk::query::percent_encode(&q));
            assert_eq!(app.send(Method::GET, &path, "").status(), 422);
        }
    });
}

#[test]
fn keeps_to_the_type_the_tenant_and_the_search_of_its_cursor() {
    in_both_stores(|app| {
        for n in 0..3 {
            named(app, &n.to_string(), "Ada");
        }
        let mut theirs =
            request(Method::POST, "/customers", r#"{"external_id":"9","external_type":"crm","name":"Ada"}"#);
        theirs.headers.insert("kobliat-tenant", "default-2".parse().unwrap());
        app.handle(theirs);
        assert_eq!(found(app, "ada").len(), 3);
        assert_eq!(json(&app.send(Method::GET, "/customers?q=ada&external_type=web", ""))["data"], json!([]));
        let cursor = json(&app.send(Method::GET, "/customers?q=ada&limit=1", ""))["meta"]["next_cursor"].clone();
        let of = |q: &str| format!("/customers?{q}limit=1&cursor={}", cursor.as_str().unwrap());
        assert_eq!(app.send(Method::GET, &of("q=ada&"), "").status(), 200);
        assert_eq!(app.send(Method::GET, &of("q=bob&"), "").status(), 422);
        assert_eq!(app.send(Method::GET, &of(""), "").status(), 422);
        assert_eq!(block_on(find_ids(&app.app.store, &tenant("default"), "ada", 2)).unwrap().len(), 2);
        assert!(block_on(find_ids(&app.app.store, &tenant("default"), "ada", 0)).is_err());
    });
}

#[test]
fn knows_the_customers_from_before_the_search() {
    let app = TestApp::start();
    let sql = app.memory.sqlite();
    sql.execute_batch(
        "DROP TABLE customer_search; DROP TABLE customer_texts; DROP TRIGGER remove_words_of_customer; \
         DROP TABLE customer_keys;",
    )
    .unwrap();
    for (id, external_id, name) in [("1", "16505551234", "Ada"), ("2", "+49 171 7654321", "山田太郎")] {
        let insert = "INSERT INTO customers VALUES ('default', ?1, 'whatsapp', ?2, ?3, '{}', 1, 1)";
        sql.execute(insert, (id, external_id, name)).unwrap();
    }
    for migration in [
        include_str!("../../migrations/0005_customer_texts.sql"),
        include_str!("../../migrations/0006_customer_search.sql"),
        include_str!("../../migrations/0007_customer_keys.sql"),
        include_str!("../../migrations/0008_found_by_digits.sql"),
    ] {
        sql.execute_batch(migration).unwrap();
    }
    for q in ["ada", "1650", "5551", "1234"] {
        assert_eq!(found(&app, q), ["16505551234"], "{q}");
    }
    for q in ["田太", "0171 7654321", "1765", "4321"] {
        assert_eq!(found(&app, q), ["+49 171 7654321"], "{q}");
    }
}
