//! Events: written with the change that they tell, and only with one.

use ::http::Method;

use crate::{TestApp, contact, identity, phone};

#[test]
fn tells_of_a_new_contact_once_and_of_what_is_learnt_of_it() {
    let app = TestApp::start();
    app.resolve_one(phone("1"));
    app.resolve_one(phone("1"));
    assert_eq!((app.events("created"), app.events("updated")), (1, 0));
    app.resolve_one(contact(&[identity("acc", "phone", "1"), identity("acc", "user_id", "US.1")]));
    assert_eq!((app.events("created"), app.events("updated")), (1, 1));
    let told = "SELECT count(*) FROM outbox WHERE json_extract(event, '$.data.name') = 'Sheena' \
                AND partition_key = json_extract(event, '$.data.id')";
    assert_eq!(app.memory.scalar(told), 2);
}

#[test]
fn tells_of_what_the_api_changes_and_of_nothing_else() {
    let app = TestApp::start();
    let body = r#"{"external_id":"1","external_type":"shop"}"#;
    let id = sdk::testing::json(&app.post(body))["id"].as_str().unwrap().to_owned();
    assert_eq!(app.post(body).status(), 200);
    assert_eq!((app.events("created"), app.events("updated")), (1, 0), "nothing was given that could change");
    app.post(r#"{"external_id":"1","external_type":"shop","name":"Ada"}"#);
    app.send(Method::PUT, &format!("/customers/{id}"), r#"{"name":"Grace"}"#);
    app.send(Method::PUT, &format!("/customers/{}", sdk::ids::new()), r#"{"name":"Nobody"}"#);
    assert_eq!((app.events("created"), app.events("updated")), (1, 2));
}
