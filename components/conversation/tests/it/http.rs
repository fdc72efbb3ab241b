//! The REST rows, as api.md has them.

use ::http::Method;
use sdk::{
    ids,
    testing::{json, request},
};
use serde_json::{Value, json};

use crate::{TestApp, inbound};

fn create(app: &TestApp, body: &Value) -> (u16, Value) {
    let response = app.send(Method::POST, "/conversations", &body.to_string());
    (response.status().as_u16(), json(&response))
}

#[test]
fn opens_a_group_with_its_participants() {
    let app = TestApp::start();
    let customers = [ids::new(), ids::new(), ids::new()];
    let body = json!({ "participants": customers, "type": "group", "subject": " Trip ", "metadata": { "a": 1 } });
    let (status, opened) = create(&app, &body);
    assert_eq!((status, &opened["type"], &opened["subject"]), (201, &"group".into(), &"Trip".into()));
    let told: Vec<_> = opened["participants"].as_array().unwrap().iter().map(|p| p["customer_id"].clone()).collect();
    assert_eq!(json!(told), json!(customers));
    let path = format!("/conversations/{}", opened["id"].as_str().unwrap());
    assert_eq!(json(&app.send(Method::GET, &path, "")), opened);
    assert_ne!(create(&app, &body).1["id"], opened["id"]);
}

#[test]
fn answers_the_direct_conversation_that_a_pair_has_already() {
    let app = TestApp::start();
    let pair = [ids::new(), ids::new()];
    let (_, opened) = create(&app, &json!({ "participants": pair }));
    app.close(opened["id"].as_str().unwrap());
    let (status, again) = create(&app, &json!({ "participants": [pair[1], pair[0]] }));
    assert_eq!((status, &again["id"], &again["status"]), (200, &opened["id"], &"open".into()));
}

#[test]
fn refuses_what_is_no_conversation() {
    let app = TestApp::start();
    let (a, b) = (ids::new(), ids::new());
    let wrong = [
        json!({}),
        json!({ "participants": [a] }),
        json!({ "participants": [a, a] }),
        json!({ "participants": [a, a.to_uppercase()] }),
        json!({ "participants": [a, "nobody"] }),
        json!({ "participants": [], "type": "channel" }),
        json!({ "participants": [a, b], "type": "crowd" }),
        json!({ "participants": [a, b], "metadata": "text" }),
        json!({ "participants": vec![ids::new(); 1001], "type": "group" }),
        json!({ "participants": [a, b], "chanel": "sms" }),
    ];
    for body in wrong {
        assert_eq!(create(&app, &body).0, 422, "{body}");
    }
    assert_eq!(app.memory.scalar("SELECT count(*) FROM conversations"), 0);
}

#[test]
fn opens_once_for_an_idempotency_key() {
    let app = TestApp::start();
    let body = json!({ "participants": [ids::new(), ids::new()], "type": "group" }).to_string();
    let send = || {
        let mut post = request(Method::POST, "/conversations", body.clone());
        post.headers.insert("idempotency-key", "k1".parse().unwrap());
        app.handle(post)
    };
    let (first, again) = (send(), send());
    assert_eq!((first.status(), first.body()), (again.status(), again.body()));
    assert_eq!(again.headers()["idempotency-replayed"], "true");
    assert_eq!(app.memory.scalar("SELECT count(*) FROM conversations"), 1);
}

#[test]
fn lists_the_most_recently_active_first_in_one_statement() {
    let app = TestApp::start();
    let mut opened: Vec<_> = (0..7).map(|_| app.open().id).collect();
    // Active in the order 0, 3, 6, 2, 5, 1, 4: not the order in which they were opened.
    (0..7).for_each(|n| app.touch(&[inbound(&opened[n * 3 % 7], u64::try_from(n).unwrap() + 1)]));
    opened = [4, 1, 5, 2, 6, 3, 0].map(|n| opened[n].clone()).into();
    app.memory.statements();
    assert_eq!(app.walk("/conversations?limit=20"), opened);
    assert_eq!(app.memory.statements().len(), 1);
    assert_eq!(app.walk("/conversations?limit=3"), opened);
}

#[test]
fn filters_by_status_channel_and_customer() {
    let app = TestApp::start();
    let (first, second) = (app.open(), app.open());
    app.close(&first.id);
    let customer = &second.participants[0].customer_id;
    let group = create(&app, &json!({ "participants": [customer, ids::new()], "type": "group", "channel": "sms" })).1;
    let group = group["id"].as_str().unwrap().to_owned();
    assert_eq!(app.walk("/conversations?status=closed"), [first.id.as_str()]);
    assert_eq!(app.walk("/conversations?channel=sms"), [group.as_str()]);
    assert_eq!(app.walk("/conversations?status=open&channel=whatsapp"), [second.id.as_str()]);
    let of_customer = format!("/conversations?limit=1&customer_id={customer}");
    assert_eq!(app.walk(&of_customer), [group.clone(), second.id.clone()]);
    assert_eq!(app.walk(&format!("{of_customer}&channel=sms")), [group]);
    for bad in ["status=lost", "customer_id=x", "limit=-1", "cursor=AAAA", "sort=name"] {
        assert_eq!(app.send(Method::GET, &format!("/conversations?{bad}"), "").status(), 422, "{bad}");
    }
}
