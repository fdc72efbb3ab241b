//! Direct conversations: one for each customer on each account, however many ask at once.

use conversation::domain::{Error, Status};
use sdk::{
    ids,
    testing::{block_on, both},
};

use crate::{NOW, TestApp, direct, tenant};

#[test]
fn costs_one_read_and_no_write_when_all_are_known() {
    let app = TestApp::start();
    let customers: Vec<String> = (0..50).map(|_| ids::new()).collect();
    let customers: Vec<&str> = customers.iter().map(String::as_str).collect();
    let first = block_on(app.resolve(&customers));
    assert!(first.iter().zip(&customers).all(|(c, id)| c.as_ref().unwrap().participants[0].customer_id == *id));
    app.memory.statements();
    assert_eq!(block_on(app.resolve(&customers)), first);
    let statements = app.memory.statements();
    assert_eq!(statements.len(), 1, "{statements:?}");
    assert!(statements[0].starts_with("SELECT"));
}

#[test]
fn opens_one_for_two_that_come_together() {
    let app = TestApp::start();
    let customer = ids::new();
    let (a, b) = block_on(both(app.resolve(&[&customer]), app.resolve(&[&customer, &customer])));
    assert!(a[0].is_ok());
    assert_eq!((&a[0], &b[0]), (&b[0], &b[1]));
    assert_eq!(app.memory.scalar("SELECT count(*) FROM conversations"), 1);
    assert_eq!(app.memory.scalar("SELECT count(*) FROM participants"), 1);
}

#[test]
fn leaves_a_closed_one_to_the_message_that_follows() {
    let app = TestApp::start();
    let opened = app.open();
    app.close(&opened.id);
    let again = block_on(app.resolve(&[&opened.participants[0].customer_id])).remove(0).unwrap();
    assert_eq!((again.id, again.status), (opened.id, Status::Closed));
}

#[test]
fn fails_a_bad_item_alone() {
    let app = TestApp::start();
    let answers = block_on(app.resolve(&[&ids::new(), "no-id", &ids::new()]));
    assert!(answers[0].is_ok() && answers[2].is_ok());
    assert!(matches!(answers[1], Err(Error::Invalid { .. })));
    let too_many = vec![direct(&ids::new()); 1001];
    let refused = block_on(conversation::domain::resolve_direct_many(&app.app.store, &tenant(), too_many, NOW));
    assert!(matches!(refused, Err(Error::Invalid { .. })));
}
