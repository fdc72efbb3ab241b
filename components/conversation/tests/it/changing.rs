//! Changes by hand, and the mark of what is read: forward only, right in whatever order it comes with the touches.

use ::http::Method;
use conversation::{
    changes::{Reading, mark_read},
    domain::Error,
};
use sdk::{
    Context, ids,
    testing::{block_on, json, request},
};
use serde_json::{Value, json};

use crate::{NOW, TestApp, inbound, outbound, tenant};

#[test]
fn a_patch_changes_status_subject_and_metadata() {
    let app = TestApp::start();
    let path = format!("/conversations/{}", app.open().id);
    let patch = |body: Value| json(&app.send(Method::PATCH, &path, &body.to_string()));
    let changed = patch(json!({ "status": "pending", "subject": " Refund ", "metadata": { "order": 7 } }));
    assert_eq!((&changed["status"], &changed["subject"]), (&json!("pending"), &json!("Refund")));
    let merged = patch(json!({ "metadata": { "agent": "kim" } }));
    assert_eq!(merged["metadata"], json!({ "order": 7, "agent": "kim" }));
    assert_eq!((&merged["status"], &patch(json!({ "subject": null }))["subject"]), (&json!("pending"), &Value::Null));
    assert_eq!(app.events("updated"), 3);
    patch(json!({ "status": "pending" }));
    assert_eq!(app.events("updated"), 3, "what changes nothing is no event");
    for wrong in [json!({}), json!({ "status": "lost" }), json!({ "metadata": 7 }), json!({ "type": "group" })] {
        assert_eq!(app.send(Method::PATCH, &path, &wrong.to_string()).status(), 422, "{wrong}");
    }
}

#[test]
fn a_change_is_of_the_version_that_was_seen_and_of_the_own_tenant() {
    let app = TestApp::start();
    let opened = app.open();
    let path = format!("/conversations/{}", opened.id);
    let tag = app.send(Method::GET, &path, "").headers()["etag"].clone();
    let close = |name: &'static str, value: &str| {
        let mut patch = request(Method::PATCH, &path, r#"{"status":"closed"}"#);
        patch.headers.insert(name, value.parse().unwrap());
        app.handle(patch).status().as_u16()
    };
    app.touch(&[inbound(&opened.id, 1)]);
    assert_eq!(close("if-match", tag.to_str().unwrap()), 412, "a message came in between");
    assert_eq!(close("kobliat-tenant", "other"), 404);
    let tag = app.send(Method::GET, &path, "").headers()["etag"].clone();
    assert_eq!(close("if-match", tag.to_str().unwrap()), 200);
    assert_eq!(
        app.send(Method::PATCH, &format!("/conversations/{}", ids::new()), r#"{"status":"open"}"#).status(),
        404
    );
}

fn read(app: &TestApp, id: &str, seq: u64, inbound: u64) -> u64 {
    let reading = Reading { conversation_id: id.to_owned(), seq, inbound };
    block_on(mark_read(&app.app.store, &tenant(), &reading, NOW)).unwrap().unread_count
}

#[test]
fn reading_counts_down_and_never_back() {
    let app = TestApp::start();
    let id = app.open().id;
    app.touch(&[inbound(&id, 1), inbound(&id, 2), outbound(&id, 3), inbound(&id, 4)]);
    assert_eq!((app.get(&id).unread_count, read(&app, &id, 2, 2)), (3, 1));
    assert_eq!(read(&app, &id, 1, 1), 1, "an older mark changes nothing");
    assert_eq!(app.events("updated"), 1);
    assert_eq!((read(&app, &id, 4, 3), read(&app, &id, 4, 3)), (0, 0));
    app.touch(&[inbound(&id, 5)]);
    assert_eq!(app.get(&id).unread_count, 1);
}

/// Five messages, 2 and 4 of ours, each touched twice in every rotation, and read up to 3 at every moment between.
#[test]
fn counts_right_in_whatever_order_touches_and_readings_come() {
    for turn in 0..5 {
        for moment in 0..=10 {
            let app = TestApp::start();
            let id = app.open().id;
            for step in 0..=10 {
                if step == moment {
                    read(&app, &id, 3, 2);
                }
                let seq = (step + turn) % 5 + 1;
                app.touch(&[if seq % 2 == 0 { outbound(&id, seq) } else { inbound(&id, seq) }]);
            }
            assert_eq!(app.get(&id).unread_count, 1, "only the fifth is unread: turn {turn}, read at {moment}");
        }
    }
}

#[test]
fn refuses_readings_that_cannot_be() {
    let app = TestApp::start();
    let id = app.open().id;
    for (seq, inbound) in [(0, 0), (3, 4), (u64::MAX, 1)] {
        let reading = Reading { conversation_id: id.clone(), seq, inbound };
        let refused = block_on(mark_read(&app.app.store, &tenant(), &reading, NOW));
        assert!(matches!(refused, Err(Error::Invalid { .. })));
    }
    let reading = Reading { conversation_id: id, seq: 1, inbound: 1 };
    let theirs = Context { tenant: "other".into(), ..tenant() };
    assert_eq!(block_on(mark_read(&app.app.store, &theirs, &reading, NOW)), Err(Error::NotFound));
}
