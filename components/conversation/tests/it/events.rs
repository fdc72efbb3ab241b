//! Events: written with the change that they tell, and only with one.

use ::http::Method;
use conversation::domain::{self, Conversation};
use sdk::{ids, testing::block_on};

use crate::{TestApp, inbound, outbound, tenant};

#[test]
fn tells_of_a_new_conversation_once_with_the_conversation_in_it() {
    let app = TestApp::start();
    let customer = ids::new();
    let Conversation { id, .. } = block_on(app.resolve(&[&customer])).remove(0).unwrap();
    block_on(app.resolve(&[&customer])).remove(0).unwrap();
    assert_eq!((app.events("created"), app.events("updated")), (1, 0));
    let told = "SELECT count(*) FROM outbox WHERE partition_key = json_extract(event, '$.subject') \
                AND json_extract(event, '$.source') = '/components/conversation' \
                AND json_extract(event, '$.data.status') = 'open'";
    assert_eq!(app.memory.scalar(told), 1);
    let subject: String =
        app.memory.sqlite().query_row("SELECT partition_key FROM outbox", [], |row| row.get(0)).unwrap();
    assert_eq!(subject, id);
}

#[test]
fn tells_of_a_conversation_that_is_opened_again() {
    let app = TestApp::start();
    let body = format!(r#"{{"participants":["{}","{}"]}}"#, ids::new(), ids::new());
    let id = sdk::testing::json(&app.send(Method::POST, "/conversations", &body))["id"].as_str().unwrap().to_owned();
    app.close(&id);
    assert_eq!(app.send(Method::POST, "/conversations", &body).status(), 200);
    assert_eq!((app.events("created"), app.events("updated")), (1, 1));
}

#[test]
fn a_message_is_no_event_of_the_conversation_unless_it_opens_it() {
    let app = TestApp::start();
    let id = app.open().id;
    app.touch(&[inbound(&id, 1), inbound(&id, 2)]);
    app.close(&id);
    app.touch(&[outbound(&id, 3)]);
    app.touch(&[inbound(&id, 1)]);
    assert_eq!(app.events("updated"), 0);
    app.touch(&[inbound(&id, 4)]);
    assert_eq!(app.events("updated"), 1);
    let status = "SELECT count(*) FROM outbox WHERE type LIKE '%updated%' AND json_extract(event, '$.data.status') = 'open' \
                  AND json_extract(event, '$.data.unread_count') = 3";
    assert_eq!(app.memory.scalar(status), 1);
    assert_eq!(block_on(domain::get(&app.app.store, &tenant(), &id)).unwrap().last_seq, 4);
}
