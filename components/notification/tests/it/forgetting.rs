//! A person who is forgotten: nothing here tells of the person any more, and others go on.

use sdk::testing::{block_on, event};
use serde_json::{Value, json};

use crate::{HOOK, TestApp};

fn take(app: &TestApp, id: &str, kind: &str, subject: &str, data: &Value) {
    let answer = block_on(app.router.handle(&app.service, event(id, &format!("com.kobliat.{kind}.v1"), subject, data)));
    assert_eq!(answer.status(), 204);
}

/// The subjects of what waits to be delivered, and of the notifications.
fn left(app: &TestApp) -> (Vec<String>, Vec<String>) {
    let read = |sql: &str| -> Vec<String> {
        let mut rows = app.memory.sqlite().prepare(sql).unwrap();
        rows.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    };
    let waiting = "SELECT e.subject FROM webhook_events e JOIN webhook_deliveries d ON d.tenant_id = e.tenant_id \
                   AND d.event_id = e.id ORDER BY e.id";
    (read(waiting), read("SELECT subject FROM notifications ORDER BY id"))
}

#[test]
fn what_tells_of_a_forgotten_customer_is_neither_shown_nor_delivered() {
    let app = TestApp::start();
    app.endpoint(HOOK);
    take(&app, "1", "customer.created", "ann", &json!({ "id": "ann", "name": "Ann" }));
    take(&app, "2", "customer.created", "bob", &json!({ "id": "bob", "name": "Bob" }));
    take(&app, "3", "message.received", "m1", &json!({ "id": "m1", "body": "a secret" }));
    take(&app, "4", "message.failed", "m2", &json!({ "id": "m2", "failure": { "reason": "no such number" } }));
    take(&app, "5", "conversation.created", "c1", &json!({ "id": "c1", "last_message_preview": "a secret" }));
    for _ in 0..2 {
        take(&app, "6", "customer.deleted", "ann", &json!({ "id": "ann" }));
        take(&app, "7", "message.erased", "c1", &json!({ "messages": [{ "id": "m1" }, { "id": "m2" }] }));
    }
    let told = ["bob", "c1", "ann", "c1"].map(str::to_owned).to_vec();
    assert_eq!(left(&app), (told, vec!["c1".to_owned()]), "that she is forgotten is told, once");
    let keep = json!({ "messages": "keep", "conversations": [{ "id": "c1", "direct": true }] });
    take(&app, "8", "customer.erased", "ann", &keep);
    assert_eq!(left(&app).1, ["c1"]);
    let erase = json!({ "messages": "erase", "conversations": [{ "id": "c1", "direct": true }] });
    take(&app, "9", "customer.erased", "ann", &erase);
    assert_eq!(left(&app), (["bob", "ann", "ann", "ann"].map(str::to_owned).to_vec(), vec![]));
}
