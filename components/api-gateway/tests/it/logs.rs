//! The request log: what is kept of a request, for whom, and what never is.

use http::{Method, Request};
use serde_json::{Value, json};

use crate::app::{KEY, TestApp, request_as};
use crate::world::NOW;

const LOGS: &str = "/api/v1/logs";

/// Without the requests that look at the log itself.
fn logged(app: &TestApp, query: &str) -> Vec<Value> {
    let listed = app.get(&format!("{LOGS}{query}")).json();
    let rows = listed["data"].as_array().expect("a list").iter();
    rows.filter(|row| row["path"] != LOGS).cloned().collect()
}

#[test]
fn a_request_is_logged_after_its_answer() {
    let app = TestApp::new();
    let answer = app.get("/api/v1/conversations?limit=5");
    let rows = logged(&app, "");
    assert_eq!(rows.len(), 1);
    let row = &rows[0];
    assert_eq!(
        (&row["method"], &row["path"], &row["status_code"]),
        (&json!("GET"), &json!("/api/v1/conversations"), &json!(200))
    );
    assert_eq!((&row["query_params"], &row["principal"]), (&json!({ "limit": "5" }), &json!("key:bootstrap")));
    assert_eq!(row["request_id"], answer.header("x-request-id"));
    assert_eq!(row["trace_id"].as_str().unwrap().len(), 32);
    let one = app.get(&format!("{LOGS}/{}", row["id"].as_str().unwrap()));
    assert_eq!(&one.json(), row);
    assert_eq!(app.get(&format!("{LOGS}/{}", app.world.next_id())).status, 404);
}

#[test]
fn credentials_and_people_s_words_are_not_kept() {
    let app = TestApp::new();
    app.post(
        "/api/v1/customers",
        &json!({ "external_id": "16505551234", "name": "Ada", "external_type": "sms", "password": "p" }),
    );
    app.get("/api/v1/customers/external/whatsapp/16505551234");
    let request = Request::get("/api/v1/customers?q=Ada&token=secret").header("x-api-key", KEY);
    app.send(request.header("spin-client-addr", "10.1.2.3:4567").body("").unwrap());
    let rows = logged(&app, "");
    let text = serde_json::to_string(&rows).unwrap();
    for kept in ["16505551234", "Ada", "\"p\"", "\"secret\"", KEY] {
        assert!(!text.contains(kept), "{kept} is in {text}");
    }
    assert_eq!(rows[0]["query_params"], json!({ "q": "[redacted]", "token": "[redacted]" }));
    assert_eq!(rows[0]["ip_address"], "10.1.2.3");
    assert_eq!(rows[1]["path"], "/api/v1/customers/external/whatsapp/{external_id}");
    assert_eq!(rows[2]["request_body"]["external_type"], "sms");
}

#[test]
fn the_deployment_says_which_words_are_hidden_but_credentials_always_are() {
    let app = TestApp::new();
    app.world.variables.borrow_mut().insert("log_redact_fields", "external_type".into());
    app.post("/api/v1/customers", &json!({ "name": "Ada", "external_type": "sms", "api_key": "k" }));
    let kept = &logged(&app, "")[0]["request_body"];
    assert_eq!(kept, &json!({ "name": "Ada", "external_type": "[redacted]", "api_key": "[redacted]" }));
}

#[test]
fn errors_are_kept_with_their_description() {
    let app = TestApp::new();
    app.post("/api/v1/api-keys", &json!({ "name": "a" })).problem(422);
    let rows = logged(&app, "?status_code=422");
    assert_eq!(rows[0]["response_body"]["errors"][0]["pointer"], "/scopes");
}

#[test]
fn filters_narrow_the_list() {
    let app = TestApp::new();
    app.get("/api/v1/conversations");
    app.world.now.set(NOW + 60_000_000);
    app.post("/api/v1/conversations", &json!([])).problem(422);
    for (query, count) in [
        ("?method=post", 1),
        ("?status=200&path=/api/v1/conv", 1),
        ("?path=/api/v1/messages", 0),
        ("?from=2026-01-01T00:00:30Z&path=/api/v1/conversations", 1),
        ("?to=2026-01-01T00:00:30Z&path=/api/v1/conversations", 1),
    ] {
        assert_eq!(logged(&app, query).len(), count, "{query}");
    }
    for (query, pointer) in
        [("?status=ok", "?status"), ("?from=today", "?from"), ("?limit=", "?limit"), ("?limit=5&limit=6", "?limit")]
    {
        assert_eq!(app.get(&format!("{LOGS}{query}")).pointers(), [pointer]);
    }
}

#[test]
fn tenants_see_their_own_and_operators_strangers_too() {
    let app = TestApp::new();
    let (acme, umbrella) = (app.key_of("acme", &["admin"]), app.key_of("umbrella", &["admin"]));
    app.send(request_as(&acme, Method::GET, "/api/v1/conversations", ""));
    app.send(request_as("wrong", Method::GET, "/api/v1/customers/secret", "")).problem(401);
    let mine = app.send(request_as(&acme, Method::GET, LOGS, "")).json()["data"].clone();
    assert_eq!(mine.as_array().unwrap().len(), 1);
    let id = mine[0]["id"].as_str().unwrap();
    assert_eq!(app.send(request_as(&umbrella, Method::GET, LOGS, "")).json()["data"], json!([]));
    app.send(request_as(&umbrella, Method::GET, &format!("{LOGS}/{id}"), "")).problem(404);
    app.send(request_as(&umbrella, Method::GET, &format!("{LOGS}?tenant=acme"), "")).problem(422);
    let strangers = logged(&app, "?tenant=-");
    assert_eq!((strangers.len(), &strangers[0]["path"]), (1, &json!("/api/v1")), "a stranger's path may be anything");
}

#[test]
fn what_is_too_old_is_swept() {
    let app = TestApp::new();
    app.get("/api/v1/conversations");
    app.world.now.set(NOW + 31 * 86_400_000_000);
    app.get("/api/v1/conversations");
    app.get("/api/v1/conversations");
    assert_eq!(app.world.database.scalar(&format!("SELECT count(*) FROM api_logs WHERE created_at = {NOW}")), 0);
}

#[test]
fn a_database_that_fails_loses_no_entry_that_fits() {
    let app = TestApp::new();
    app.get("/api/v1/conversations");
    app.world.database.sqlite().execute("ALTER TABLE api_logs RENAME TO hidden", ()).unwrap();
    assert_eq!(app.get("/api/v1/conversations").status, 200);
    app.world.database.sqlite().execute("ALTER TABLE hidden RENAME TO api_logs", ()).unwrap();
    app.get("/api/v1/conversations");
    assert_eq!(logged(&app, "").len(), 3);
}
