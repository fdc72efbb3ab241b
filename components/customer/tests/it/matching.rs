//! One person is one customer, however the number or the address is written, and whoever names it first.

use ::http::Method;
use customer::domain::{Contact, Customer, add_identities};
use sdk::testing::{block_on, json};
use serde_json::json;

use crate::{NOW, TestApp, contact, identity, phone, tenant};

fn made(app: &TestApp, external_type: &str, external_id: &str) -> String {
    let body = json!({ "external_type": external_type, "external_id": external_id, "name": "From the CRM" });
    json(&app.post(&body.to_string()))["id"].as_str().unwrap().to_owned()
}

fn of_type(external_type: &str, kind: &str, value: &str) -> Contact {
    Contact { external_type: external_type.into(), ..contact(&[identity("acc", kind, value)]) }
}

#[test]
fn who_writes_is_the_customer_that_the_api_made() {
    let spellings = [
        ("whatsapp", "+1 (650) 555-1234", "phone", "16505551234"),
        ("whatsapp", "+49 (0)171 1234567", "phone", "491711234567"),
        ("whatsapp", "525512345678", "phone", "5215512345678"),
        ("whatsapp", "541123456789", "phone", "5491123456789"),
        ("whatsapp", "5511987654321", "phone", "551187654321"),
        ("sms", "0044 7700 900123", "phone", "447700900123"),
        ("email", "Ada.Lovelace@Example.com", "email", "ada.lovelace@example.com"),
    ];
    for (external_type, written, kind, comes) in spellings {
        let app = TestApp::start();
        let id = made(&app, external_type, written);
        let writer = app.resolve_one(of_type(external_type, kind, comes));
        assert_eq!((writer.id, writer.name.as_deref()), (id.clone(), Some("From the CRM")), "{written}");
        assert_eq!(app.resolve_one(of_type(external_type, kind, comes)).id, id, "and stays it");
        assert_eq!((app.count("customers"), app.events("created"), app.events("updated")), (1, 1, 1), "{written}");
    }
}

#[test]
fn the_api_names_the_customer_who_wrote() {
    let app = TestApp::start();
    let writer = app.resolve_one(phone("16505551234"));
    let answer = app.post(r#"{"external_type":"whatsapp","external_id":"+1 650 555 1234","name":"Ann"}"#);
    let told = json(&answer);
    assert_eq!((answer.status().as_u16(), told["id"].as_str()), (200, Some(writer.id.as_str())));
    assert_eq!((told["external_id"].as_str(), told["name"].as_str()), (Some("16505551234"), Some("Ann")));
    for name in ["16505551234", "%2B1%20650%20555-1234", "0016505551234"] {
        let found = app.send(Method::GET, &format!("/customers/external/whatsapp/{name}"), "");
        assert_eq!(json(&found)["id"].as_str(), Some(writer.id.as_str()), "{name}");
    }
    assert_eq!(app.send(Method::GET, "/customers/external/sms/16505551234", "").status(), 404);
}

#[test]
fn a_number_finds_its_customer_behind_a_preferred_name_of_the_channels_own() {
    let app = TestApp::start();
    let id = made(&app, "whatsapp", "+16505551234");
    let both = contact(&[identity("acc", "bsuid", "US.9"), identity("acc", "phone", "16505551234")]);
    assert_eq!(app.resolve_one(both).id, id);
    assert_eq!(app.resolve_one(contact(&[identity("acc", "bsuid", "US.9")])).id, id);
}

#[test]
fn the_same_number_on_another_channel_or_of_another_tenant_is_another_customer() {
    let app = TestApp::start();
    let id = made(&app, "whatsapp", "+16505551234");
    assert_ne!(app.resolve_one(of_type("sms", "phone", "16505551234")).id, id);
    let other = tenant("other");
    let theirs = customer::domain::resolve_many(&app.app.store, &other, vec![phone("16505551234")], NOW);
    assert_ne!(block_on(theirs).unwrap().remove(0).unwrap().id, id);
}

#[test]
fn a_prefixed_address_is_not_the_number_with_its_digits() {
    let app = TestApp::start();
    let number = app.resolve_one(of_type("sms", "phone", "24151234567"));
    let messenger = app.resolve_one(of_type("sms", "sender-id", "messenger:24151234567"));
    assert_ne!(number.id, messenger.id);
    assert_eq!(made(&app, "sms", "messenger:24151234567"), messenger.id);
}

#[test]
fn two_that_come_at_once_in_two_spellings_are_one() {
    let app = TestApp::start();
    let (a, b) = block_on(sdk::testing::both(
        app.resolve(vec![phone("5215512345678")]),
        app.resolve(vec![phone("525512345678")]),
    ));
    assert_eq!(a[0].as_ref().unwrap().id, b[0].as_ref().unwrap().id);
}

#[test]
fn the_providers_own_id_of_a_recipient_is_the_same_person() {
    let app = TestApp::start();
    let id = made(&app, "whatsapp", "4915112345678");
    let known =
        [(id.clone(), identity("acc", "phone", "4915199999999")), ("unknown".into(), identity("acc", "bsuid", "X"))];
    for _ in 0..2 {
        block_on(add_identities(&app.app.store, &tenant("default"), &known, NOW)).unwrap();
    }
    assert_eq!(app.resolve_one(contact(&[identity("another", "phone", "4915199999999")])).id, id);
    let stranger = app.resolve_one(phone("4915100000000"));
    let taken = [(id.clone(), identity("acc", "phone", "4915100000000"))];
    block_on(add_identities(&app.app.store, &tenant("default"), &taken, NOW)).unwrap();
    assert_eq!(app.resolve_one(phone("4915100000000")).id, stranger.id, "whose it is does not change");
    let too_long = [(id, identity("acc", "phone", &"9".repeat(300)))];
    assert!(block_on(add_identities(&app.app.store, &tenant("default"), &too_long, NOW)).is_err());
}

#[test]
fn a_forgotten_customer_leaves_no_key_behind() {
    let app = TestApp::start();
    let id = made(&app, "whatsapp", "+16505551234");
    app.send(Method::DELETE, &format!("/customers/{id}"), "");
    assert_eq!(app.count("customer_keys"), 0);
    assert_ne!(app.resolve_one(phone("16505551234")).id, id);
}

/// What the service stored before it knew keys.
fn store_before(app: &TestApp, id: &str, external_type: &str, external_id: &str, identities: &[(&str, &str)]) {
    let sql = app.memory.sqlite();
    sql.execute(
        "INSERT INTO customers VALUES ('default', ?1, ?2, ?3, NULL, '{}', 1, 1)",
        (id, external_type, external_id),
    )
    .unwrap();
    for (kind, value) in identities {
        sql.execute("INSERT INTO identities VALUES ('default', 'acc', ?1, ?2, ?3, 1)", (kind, value, id)).unwrap();
    }
}

#[test]
fn customers_from_before_are_matched_and_of_two_the_one_who_wrote() {
    let app = TestApp::start();
    app.memory.sqlite().execute_batch("DROP TABLE customer_keys").unwrap();
    let spellings = [
        "+49 (0)171 1234567",
        "0049 171-123.45/67",
        "525512345678",
        "5215512345679",
        "5491123456789",
        "+54 11 15 2345-6781",
        "5511987654321",
        "5511932345678",
        "551132345678",
        "+39 06 1234567",
        "+39 (0)6 1234568",
        "16505551234",
        "0171 1234567",
        "12345",
        "messenger:1234567",
    ];
    for (n, spelling) in spellings.iter().enumerate() {
        store_before(&app, &format!("{n:02}"), "whatsapp", spelling, &[]);
    }
    store_before(&app, "30", "email", "Ada@Example.com", &[]);
    store_before(&app, "40", "whatsapp", "+1 650 555 0000", &[]);
    store_before(&app, "41", "whatsapp", "16505550000", &[("phone", "16505550000")]);
    store_before(&app, "50", "whatsapp", "US.9", &[("bsuid", "US.9"), ("phone", "16505550001")]);
    app.memory.sqlite().execute_batch(include_str!("../../migrations/0007_customer_keys.sql")).unwrap();
    let key_owner = |external_type: &str, key: &str| -> Option<String> {
        let sql =
            "SELECT customer_id FROM customer_keys WHERE tenant_id = 'default' AND external_type = ?1 AND key = ?2";
        app.memory.sqlite().query_row(sql, (external_type, key), |row| row.get(0)).ok()
    };
    let (mut keys, mut expected) = (0, std::collections::HashSet::new());
    for (n, spelling) in spellings.iter().enumerate() {
        let Some(key) = customer::number::canonical(spelling) else { continue };
        keys += 1;
        let first = spellings.iter().position(|other| customer::number::canonical(other).as_ref() == Some(&key));
        assert_eq!(key_owner("whatsapp", &key), first.map(|n| format!("{n:02}")), "{spelling} is {key} ({n})");
        expected.insert(key);
    }
    assert!(keys > 10);
    assert_eq!(key_owner("email", "ada@example.com").as_deref(), Some("30"));
    assert_eq!(key_owner("whatsapp", "16505550000").as_deref(), Some("41"), "the one who has written");
    assert_eq!(key_owner("whatsapp", "16505550001").as_deref(), Some("50"));
    assert_eq!(app.count("customer_keys"), i64::try_from(expected.len()).unwrap() + 3);
    let writer: Customer = app.resolve_one(phone("16505550000"));
    assert_eq!(writer.id, "41");
}
