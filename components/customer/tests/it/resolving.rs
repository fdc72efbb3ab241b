//! Contacts become customers: one each, however they are named and however many ask at once.

use customer::domain::{Error, resolve_many};
use sdk::testing::{block_on, both};

use crate::{NOW, TestApp, contact, identity, phone, tenant};

#[test]
fn costs_one_read_and_no_write_when_all_are_known() {
    let app = TestApp::start();
    let contacts: Vec<_> = (0..50).map(|n| phone(&format!("1650555{n:04}"))).collect();
    let first = block_on(app.resolve(contacts.clone()));
    app.memory.statements();
    assert_eq!(block_on(app.resolve(contacts)), first);
    let statements = app.memory.statements();
    assert_eq!(statements.len(), 1, "{statements:?}");
    assert!(statements[0].starts_with("SELECT"));
}

#[test]
fn makes_one_customer_of_two_that_come_together() {
    let app = TestApp::start();
    let (a, b) = block_on(both(app.resolve(vec![phone("1")]), app.resolve(vec![phone("1"), phone("1")])));
    assert_eq!(a[0], b[0]);
    assert_eq!(b[0], b[1]);
    assert_eq!((app.count("customers"), app.count("identities")), (1, 1));
}

#[test]
fn adds_unknown_identities_to_a_known_customer() {
    let app = TestApp::start();
    let first = app.resolve_one(phone("1"));
    let both_names = contact(&[identity("acc", "bsuid", "US.9"), identity("acc", "phone", "1")]);
    assert_eq!(app.resolve_one(both_names), first);
    assert_eq!(app.resolve_one(contact(&[identity("acc", "bsuid", "US.9")])), first);
    assert_eq!(app.count("customers"), 1);
}

#[test]
fn takes_the_preferred_identity_when_two_customers_share_a_contact_and_then_writes_no_more() {
    let app = TestApp::start();
    let (by_phone, by_id) =
        (app.resolve_one(phone("1")), app.resolve_one(contact(&[identity("acc", "bsuid", "US.9")])));
    assert_ne!(by_phone.id, by_id.id);
    let shared = contact(&[identity("acc", "bsuid", "US.9"), identity("acc", "phone", "1")]);
    app.memory.statements();
    assert_eq!(app.resolve_one(shared), by_id);
    assert_eq!(app.memory.statements().len(), 1);
    assert_eq!(app.resolve_one(phone("1")), by_phone);
}

#[test]
fn knows_a_phone_number_across_accounts_but_not_an_accounts_own_id() {
    let app = TestApp::start();
    let phones = [app.resolve_one(phone("1")), app.resolve_one(contact(&[identity("other", "phone", "1")]))];
    assert_eq!(phones[0].id, phones[1].id);
    let own = ["acc", "other"].map(|account| app.resolve_one(contact(&[identity(account, "chat-id", "7")])));
    assert_ne!(own[0].id, own[1].id);
    assert_eq!(own[1].external_id, "other:7");
}

#[test]
fn finds_the_customer_that_the_api_made() {
    let app = TestApp::start();
    let made = sdk::testing::json(&app.post(r#"{"external_id":"16505551234","external_type":"whatsapp"}"#));
    let resolved = app.resolve_one(phone("16505551234"));
    assert_eq!((made["id"].as_str(), resolved.name.as_deref()), (Some(resolved.id.as_str()), Some("Sheena")));
}

#[test]
fn overwrites_no_name_and_cuts_a_hostile_one() {
    let app = TestApp::start();
    app.resolve_one(phone("1"));
    let mut renamed = phone("1");
    renamed.name = Some("Somebody else".into());
    assert_eq!(app.resolve_one(renamed).name.as_deref(), Some("Sheena"));
    let mut hostile = phone("2");
    hostile.name = Some(format!("\0\n{}", "ä".repeat(10_000)));
    assert_eq!(app.resolve_one(hostile).name, Some("ä".repeat(255)));
}

#[test]
fn fails_a_bad_contact_alone() {
    let app = TestApp::start();
    let answers = block_on(app.resolve(vec![phone("1"), contact(&[]), phone(&"9".repeat(300)), phone("2")]));
    let is_invalid = |i: usize| matches!(answers[i], Err(Error::Invalid { .. }));
    assert!(answers[0].is_ok() && is_invalid(1) && is_invalid(2) && answers[3].is_ok());
    let too_many = vec![phone("1"); 1001];
    assert!(block_on(resolve_many(&app.app.store, &tenant("default"), too_many, NOW)).is_err());
}

#[test]
fn keeps_tenants_apart() {
    let app = TestApp::start();
    let mine = app.resolve_one(phone("1"));
    let theirs =
        block_on(resolve_many(&app.app.store, &tenant("other"), vec![phone("1")], NOW)).unwrap().remove(0).unwrap();
    assert_ne!(mine.id, theirs.id);
    let ids = [mine.id, theirs.id.clone()];
    let seen = block_on(customer::domain::get_many(&app.app.store, &tenant("other"), &ids)).unwrap();
    assert_eq!(seen, [theirs]);
}
