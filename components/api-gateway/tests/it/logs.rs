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
        ("?path=versat", 2),
        ("?start_date=2026-01-01&end_date=2026-01-01&path=conversations", 2),
        ("?start_date=2026-01-02", 0),
        ("?end_date=2025-12-31", 0),
        ("?start_date=2026-01-01T00:00:30Z&path=conversations", 1),
        ("?from=2026-01-01T00:00:30Z&path=/api/v1/conversations", 1),
        ("?to=2026-01-01T00:00:30Z&path=/api/v1/conversations", 1),
    ] {
        assert_eq!(logged(&app, query).len(), count, "{query}");
    }
    for (query, pointer) in [
        ("?status=ok", "?status"),
        ("?from=today", "?from"),
        ("?limit=", "?limit"),
        ("?limit=5&limit=6", "?limit"),
        ("?start_date=yesterday", "?start_date"),
        ("?end_date=2026-13-01", "?end_date"),
        ("?from=2026-01-01T00:00:00Z&start_date=2026-01-01", "?start_date"),
        ("?page=0", "?page"),
        ("?page=1000", "?page"),
        ("?per_page=101", "?per_page"),
        ("?per_page=5&limit=5", "?per_page"),
    ] {
        assert_eq!(app.get(&format!("{LOGS}{query}")).pointers(), [pointer]);
    }
}

#[test]
fn pages_have_numbers_for_those_who_want_them() {
    let app = TestApp::new();
    for at in 0..5 {
        app.world.now.set(NOW + at);
        app.get("/api/v1/conversations");
    }
    let page = |query: &str| app.get(&format!("{LOGS}?end_date=2026-01-01&path=conversations&{query}")).json();
    let first = page("page=1&per_page=2");
    assert_eq!((first["data"].as_array().unwrap().len(), &first["meta"]["has_more"]), (2, &json!(true)));
    assert_eq!((&first["meta"]["page"], &first["meta"]["per_page"]), (&json!(1), &json!(2)));
    let last = page("page=3&per_page=2");
    assert_eq!((last["data"].as_array().unwrap().len(), &last["meta"]["has_more"]), (1, &json!(false)));
    let seen = |page: &Value| page["data"][0]["created_at"].as_str().unwrap().to_owned();
    assert!(seen(&last) <= seen(&first));
    let cursor = first["meta"]["next_cursor"].as_str().unwrap();
    assert_eq!(page(&format!("limit=2&cursor={cursor}"))["data"], page("page=2&per_page=2")["data"]);
    let both = app.get(&format!("{LOGS}?page=2&cursor={cursor}"));
    assert_eq!(both.pointers(), ["?page"]);
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

fn stranger(app: &TestApp) {
    app.send(Request::get("/api/v1/customers").body("").unwrap()).problem(401);
}

fn strangers_in_the_log(app: &TestApp) -> i64 {
    app.world.database.scalar("SELECT count(*) FROM api_logs WHERE tenant_id = '-'")
}

#[test]
fn strangers_do_not_fill_the_log() {
    let app = TestApp::new();
    for _ in 0..150 {
        stranger(&app);
    }
    assert_eq!(strangers_in_the_log(&app), 100, "an instance keeps so many a minute");
    for _ in 0..8 {
        let other = app.on_another_instance();
        (0..100).for_each(|_| stranger(&other));
    }
    assert_eq!(strangers_in_the_log(&app), 600, "and all together so many");
    app.get("/api/v1/conversations");
    assert_eq!(logged(&app, "").len(), 1, "who has a credential is kept all the same");
    app.world.now.set(NOW + 61_000_000);
    stranger(&app);
    assert_eq!(strangers_in_the_log(&app), 601);
}

/// So many rows at once, made some seconds before now.
fn fill(app: &TestApp, tenant: &str, count: u32, age_micros: i64) {
    app.get("/health");
    let sqlite = app.world.database.sqlite();
    let at = app.world.now.get() - age_micros;
    sqlite
        .execute(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)
             INSERT INTO api_logs (tenant_id, id, method, path, status_code, duration_ms, request_id, trace_id, created_at)
             SELECT ?2, printf('%s-%09d', ?2, i), 'GET', '/api/v1', 401, 1, 'r', 't', ?3 - i FROM n",
            (count, tenant, at),
        )
        .unwrap();
}

#[test]
fn retention_keeps_up_with_any_writer() {
    let app = TestApp::new();
    fill(&app, "default", 23_000, 31 * 86_400_000_000);
    app.world.now.set(NOW + 61_000_000);
    app.get("/health");
    assert_eq!(app.world.database.scalar("SELECT count(*) FROM api_logs"), 0, "one sweep takes all that is too old");
}

#[test]
fn the_log_has_a_bound_in_size_too() {
    let app = TestApp::new();
    app.world.variables.borrow_mut().insert("log_max_entries", "1000".into());
    fill(&app, "-", 21_000, 3_600_000_000);
    fill(&app, "acme", 1_500, 3_600_000_000);
    fill(&app, "default", 900, 3_600_000_000);
    app.world.now.set(NOW + 601_000_000);
    app.get("/health");
    let count = |tenant: &str| {
        app.world.database.scalar(&format!("SELECT count(*) FROM api_logs WHERE tenant_id = '{tenant}'"))
    };
    assert_eq!((count("acme"), count("default")), (1_000, 900));
    assert!(count("-") <= 20_000, "strangers' entries have a bound of their own: {}", count("-"));
}

#[test]
fn what_nobody_needs_any_more_is_swept() {
    let app = TestApp::new();
    app.key_of("acme", &["admin"]);
    let sqlite = app.world.database.sqlite();
    let key = "UPDATE api_keys SET revoked_at = ?1";
    sqlite.execute(key, (NOW,)).unwrap();
    let old = "INSERT INTO quotas (tenant_id, principal, used, updated_at) VALUES ('acme', 'key:1', 1, ?1)";
    sqlite.execute(old, (NOW,)).unwrap();
    let guess = "INSERT INTO attempts (tenant_id, subject, forgiven_at) VALUES ('acme', 'ada', ?1)";
    sqlite.execute(guess, (NOW,)).unwrap();
    let token = "INSERT INTO revoked_tokens (tenant_id, token_id, expires_at) VALUES ('acme', 'jti', ?1)";
    sqlite.execute(token, (NOW,)).unwrap();
    let rows = |table: &str| app.world.database.scalar(&format!("SELECT count(*) FROM {table}"));
    let tables = ["attempts", "revoked_tokens", "quotas", "api_keys"];
    for (later, left) in [(61_000_000, [0, 0, 1, 1]), (3 * 3_600_000_000, [0, 0, 0, 1]), (91 * 86_400_000_000, [0; 4])]
    {
        app.world.now.set(NOW + later);
        app.get("/health");
        assert_eq!(tables.map(rows), left, "after {later} µs");
    }
}
