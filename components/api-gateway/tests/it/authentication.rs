//! Who gets in, who does not, and what it costs.

use api_gateway::keys::{CACHE_TTL_MICROS, KeyHash, Recent};
use http::{Method, Request};

use crate::app::{Answer, KEY, TestApp};
use crate::world::NOW;

const ISSUED: &str = "kob_live_v5xT2lq0gk8bnqmJb8E9aYw3HkXc7uQe1sRzPdNfGhI";
const PATH: &str = "/api/v1/conversations";

/// Puts a key into the real table.
fn issue(app: &TestApp, secret: &str, scopes: &str, expires_at: Option<i64>) -> &'static str {
    let id = "019a0000-0000-7000-8000-0000000000aa";
    app.get("/api/v1/conversations"); // whatever the state: the table must be there
    let _ = ask(app, &[("x-api-key", "kob_live_unknown")]);
    let tenant =
        "INSERT OR IGNORE INTO tenants (tenant_id, name, created_at, updated_at) VALUES ('acme', 'Acme', 0, 0)";
    app.world.database.sqlite().execute(tenant, ()).unwrap();
    let insert = "INSERT INTO api_keys (tenant_id, id, name, key_prefix, key_hash, scopes, created_at, expires_at)
                  VALUES ('acme', ?, 'shop', 'kob_live_v5xT', ?, ?, ?, ?)";
    let values = (id, KeyHash::of(secret).to_hex(), scopes, NOW, expires_at);
    app.world.database.sqlite().execute(insert, values).unwrap();
    app.world.typed_calls.borrow_mut().clear();
    app.world.database.statements();
    id
}

fn ask(app: &TestApp, headers: &[(&str, &str)]) -> Answer {
    let request =
        headers.iter().fold(Request::builder().uri(PATH), |request, (name, value)| request.header(*name, *value));
    app.send(request.body("").unwrap())
}

/// How many statements there were about keys since the last time.
fn key_statements(app: &TestApp) -> usize {
    let is_about_keys = |sql: &&String| {
        sql.contains("api_keys") && !["CREATE", "INSERT", "DELETE"].iter().any(|word| sql.contains(word))
    };
    app.world.database.statements().iter().filter(is_about_keys).count()
}

#[test]
fn the_bootstrap_key_opens_everything_without_reading_the_database() {
    let app = TestApp::new();
    for headers in [
        vec![("x-api-key", KEY)],
        vec![("authorization", "Bearer bootstrap-secret")],
        vec![("authorization", "bearer  bootstrap-secret")],
        vec![("x-api-key", "wrong"), ("authorization", "Bearer bootstrap-secret")],
        vec![("x-api-key", KEY), ("authorization", "Basic dXNlcjpwYXNz")],
    ] {
        assert_eq!(ask(&app, &headers).status, 200, "{headers:?}");
    }
    assert!(key_statements(&app) == 0);
    let (_, context) = app.world.typed_calls.borrow()[0].clone();
    assert_eq!((context.tenant.as_str(), context.principal.as_str()), ("default", "key:bootstrap"));
    assert_eq!(context.scopes, ["*"]);
}

#[test]
fn no_credential_and_a_wrong_one_are_401_with_a_challenge() {
    let app = TestApp::new();
    let missing = ask(&app, &[]);
    assert_eq!(missing.problem(401)["code"], "unauthenticated");
    assert_eq!(missing.header("www-authenticate"), "Bearer realm=\"kobliat\"");
    let long = "k".repeat(10_000);
    for headers in [
        [("x-api-key", "wrong")],
        [("x-api-key", "")],
        [("x-api-key", "bootstrap-secre")],
        [("x-api-key", "bootstrap-secret2")],
        [("x-api-key", "BOOTSTRAP-SECRET")],
        [("x-api-key", long.as_str())],
        [("x-api-key", ISSUED)],
        [("authorization", "bootstrap-secret")],
        [("authorization", "Bearer")],
        [("authorization", "Basic Ym9vdHN0cmFwLXNlY3JldDo=")],
        [("authorization", "Basic !")],
        [("authorization", "Basic bm8tY29sb24=")],
    ] {
        app.world.now.set(app.world.now.get() + 6_000_000); // or guessing would be slowed
        let wrong = ask(&app, &headers);
        wrong.problem(401);
        assert!(wrong.header("www-authenticate").contains("invalid_token"), "{headers:?}");
    }
    assert!(app.world.calls().is_empty(), "nobody was asked in a stranger's name");
}

#[test]
fn bytes_that_are_no_text_are_a_wrong_credential() {
    let app = TestApp::new();
    let request = Request::get(PATH).header("x-api-key", &b"\xff\xfe"[..]).header("authorization", &b"Bearer \xff"[..]);
    app.send(request.body("").unwrap()).problem(401);
}

#[test]
fn without_a_bootstrap_key_no_empty_one_opens() {
    let app = TestApp::new();
    app.world.variables.borrow_mut().clear();
    ask(&app, &[("x-api-key", "")]).problem(401);
    ask(&app, &[("x-api-key", KEY)]).problem(401);
}

#[test]
fn an_issued_key_acts_for_its_tenant_and_is_read_once_for_a_while() {
    let app = TestApp::new();
    let id = issue(&app, ISSUED, r#"["conversations:read"]"#, None);
    for _ in 0..3 {
        assert_eq!(ask(&app, &[("x-api-key", ISSUED)]).status, 200);
    }
    assert_eq!(key_statements(&app), 2, "one look-up, one note of the use");
    let (_, context) = app.world.typed_calls.borrow()[0].clone();
    assert_eq!((context.tenant, context.principal), ("acme".into(), format!("key:{id}")));
    assert_eq!(app.world.database.scalar("SELECT last_used_at FROM api_keys"), NOW);

    app.world.now.set(NOW + CACHE_TTL_MICROS);
    assert_eq!(ask(&app, &[("x-api-key", ISSUED)]).status, 200);
    assert_eq!(key_statements(&app), 1, "read again, but its use is only noted by the minute");
}

#[test]
fn an_expired_key_is_refused_at_once_even_when_it_is_remembered() {
    let app = TestApp::new();
    issue(&app, ISSUED, r#"["*"]"#, Some(NOW + 1_000_000));
    assert_eq!(ask(&app, &[("x-api-key", ISSUED)]).status, 200);
    app.world.now.set(NOW + 1_000_000);
    ask(&app, &[("x-api-key", ISSUED)]).problem(401);
}

#[test]
fn a_revoked_key_is_refused_within_the_cache_time() {
    let app = TestApp::new();
    issue(&app, ISSUED, r#"["*"]"#, None);
    assert_eq!(ask(&app, &[("x-api-key", ISSUED)]).status, 200);
    app.world.database.sqlite().execute("UPDATE api_keys SET revoked_at = ?", [NOW]).unwrap();
    app.world.now.set(NOW + CACHE_TTL_MICROS);
    ask(&app, &[("x-api-key", ISSUED)]).problem(401);
}

#[test]
fn a_missing_scope_is_403_and_names_what_is_needed() {
    let app = TestApp::new();
    issue(&app, ISSUED, r#"["conversations:read"]"#, None);
    let uri = "/api/v1/conversations/019a0000-0000-7000-8000-000000000001/details";
    let answer = app.send(Request::get(uri).header("x-api-key", ISSUED).body("").unwrap());
    assert_eq!(answer.problem(403)["code"], "forbidden");
    assert!(answer.header("www-authenticate").contains("scope=\"conversations:read messages:read\""));
    let post = Request::post("/api/v1/messages").header("x-api-key", ISSUED).body("{}").unwrap();
    app.send(post).problem(403);
    assert!(app.world.calls().is_empty());
}

#[test]
fn nobody_gets_in_while_keys_cannot_be_checked() {
    let app = TestApp::new();
    ask(&app, &[("x-api-key", ISSUED)]).problem(401);
    app.world.database.sqlite().execute("DROP TABLE api_keys", ()).unwrap();
    let answer = ask(&app, &[("x-api-key", ISSUED)]);
    answer.problem(503);
    assert_eq!(answer.header("retry-after"), "1");
    assert_eq!(ask(&app, &[("x-api-key", KEY)]).status, 200, "the bootstrap key needs no database");
}

#[test]
fn strangers_cannot_tell_paths_apart() {
    let app = TestApp::new();
    for path in ["/api/v1/customers", "/api/v1/nothing", "/api/v1/"] {
        app.send(Request::builder().method(Method::DELETE).uri(path).body("").unwrap()).problem(401);
    }
}

#[test]
fn remembered_keys_are_bounded_and_the_oldest_goes_first() {
    let cache = Recent::default();
    for at in 0..1025 {
        cache.put(KeyHash::of(&at.to_string()), at, NOW + at);
    }
    let is_known = |at: i64| cache.get(&KeyHash::of(&at.to_string()), NOW + 1025).is_some();
    assert!(!is_known(0) && is_known(1) && is_known(1024));
    assert!(cache.get(&KeyHash::of("5"), NOW).is_none(), "a clock that was set back proves nothing");
}
