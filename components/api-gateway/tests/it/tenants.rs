//! Tenants: made, changed and closed by who operates the platform, and by nobody else.

use http::{Method, Request};
use serde_json::{Value, json};

use crate::app::{TestApp, request_as};
use crate::world::NOW;

const TENANTS: &str = "/api/v1/tenants";

#[test]
fn the_default_tenant_is_there_and_stays() {
    let app = TestApp::new();
    assert_eq!(app.get(TENANTS).json()["data"][0]["id"], "default");
    app.delete(&format!("{TENANTS}/default")).problem(409);
    app.patch(&format!("{TENANTS}/default"), &json!({ "status": "disabled" })).problem(409);
}

#[test]
fn a_disabled_tenant_is_locked_out_until_it_is_active_again() {
    let app = TestApp::new();
    let key = app.key_of("acme", &["customers:read"]);
    let ask = || app.send(request_as(&key, Method::GET, "/api/v1/customers", "")).status.as_u16();
    assert_eq!(ask(), 200);
    for (at, status, answer) in [(1, "disabled", 401), (2, "active", 200)] {
        let changed = app.patch(&format!("{TENANTS}/acme"), &json!({ "status": status })).json();
        assert_eq!(changed["status"], status);
        app.world.now.set(NOW + at * 10_000_000);
        assert_eq!(ask(), answer);
    }
}

#[test]
fn a_deleted_tenant_is_gone_and_its_name_too() {
    let app = TestApp::new();
    let key = app.key_of("acme", &["*"]);
    assert_eq!(app.delete(&format!("{TENANTS}/acme")).status, 204);
    app.get(&format!("{TENANTS}/acme")).problem(404);
    app.delete(&format!("{TENANTS}/acme")).problem(404);
    app.post(TENANTS, &json!({ "id": "acme" })).problem(409);
    app.send(request_as(&key, Method::GET, "/api/v1/customers", "")).problem(401);
}

#[test]
fn a_plan_is_set_and_taken_back() {
    let app = TestApp::new();
    app.post(TENANTS, &json!({ "id": "acme", "name": "Acme", "requests_per_hour": 50 }));
    let acme = format!("{TENANTS}/acme");
    assert_eq!(app.get(&acme).json()["requests_per_hour"], 50);
    assert_eq!(app.patch(&acme, &json!({ "requests_per_hour": null })).json()["requests_per_hour"], json!(null));
    assert_eq!(app.patch(&acme, &json!({ "requests_per_hour": 0 })).pointers(), ["/requests_per_hour"]);
    assert_eq!(app.patch(&acme, &json!({})).status, 422);
}

#[test]
fn a_change_of_what_somebody_else_changed_is_412() {
    let app = TestApp::new();
    let acme = format!("{TENANTS}/acme");
    app.post(TENANTS, &json!({ "id": "acme" }));
    let tag = app.get(&acme).header("etag").to_owned();
    let rename = |tag: &str| {
        let request = Request::patch(&acme).header("x-api-key", crate::app::KEY).header("if-match", tag);
        app.send(request.body(json!({ "name": "Acme Corp" }).to_string()).unwrap())
    };
    let changed = rename(&tag);
    assert_eq!(changed.status, 200, "{changed:?}");
    assert_ne!(changed.header("etag"), tag);
    rename(&tag).problem(412);
    rename("\"made-up\"").problem(412);
    assert_eq!(rename("*").status, 200);
}

/// What was changed since is not what its reader wanted to delete.
#[test]
fn only_the_version_that_was_seen_is_deleted() {
    let app = TestApp::new();
    app.post(TENANTS, &json!({ "id": "acme" }));
    let user = json!({ "username": "ada", "password": "correct horse battery", "scopes": ["admin"] });
    let key = json!({ "name": "shop", "scopes": ["customers:read"] });
    let made = |path: &str, body: &Value| app.post(path, body).json()["id"].as_str().unwrap().to_owned();
    for path in [
        format!("{TENANTS}/acme"),
        format!("/api/v1/users/{}", made("/api/v1/users", &user)),
        format!("/api/v1/api-keys/{}", made("/api/v1/api-keys", &key)),
    ] {
        let delete = |tag: &str| {
            let request = Request::delete(&path).header("x-api-key", crate::app::KEY).header("if-match", tag);
            app.send(request.body("").unwrap())
        };
        let tag = app.get(&path).header("etag").to_owned();
        assert!(!tag.is_empty(), "{path}");
        for other in ["\"1\"", "\"made-up\"", "W/\"1\""] {
            delete(other).problem(412);
        }
        assert_eq!(delete(&tag).status, 204, "{path}");
    }
}

#[test]
fn only_names_that_fit_everywhere_are_taken() {
    let app = TestApp::new();
    for id in ["Acme", "a b", "-a", "a/b", "a_b", "é"] {
        assert_eq!(app.post(TENANTS, &json!({ "id": id })).pointers(), ["/id"], "{id}");
    }
    app.get(&format!("{TENANTS}/%2e")).problem(404);
    app.get(&format!("{TENANTS}/nobody")).problem(404);
}

#[test]
fn an_administrator_of_a_tenant_sees_no_tenants() {
    let app = TestApp::new();
    let admin = app.key_of("acme", &["admin"]);
    for (method, path) in [(Method::GET, TENANTS), (Method::GET, "/api/v1/tenants/acme"), (Method::POST, TENANTS)] {
        app.send(request_as(&admin, method, path, "{}")).problem(403);
    }
}

/// What the services are asked to remove, in order.
fn asked_to_erase(app: &TestApp) -> Vec<String> {
    let asked = app.world.fetched.borrow().clone();
    asked.into_iter().filter(|uri| uri.ends_with("/erase")).collect()
}

fn erase_of(service: &str) -> String {
    format!("http://{service}.spin.internal/internal/tenants/acme/erase")
}

const SERVICES: [&str; 8] = [
    "inbound-gateway",
    "outbound-gateway",
    "notification",
    "messaging",
    "conversation",
    "customer",
    "media",
    "chat-simulator",
];

#[test]
fn the_data_of_a_deleted_tenant_goes_from_every_service() {
    let app = TestApp::new();
    app.key_of("acme", &["admin"]);
    let user = json!({ "username": "ada", "password": "correct horse battery", "scopes": ["admin"], "tenant": "acme" });
    app.post("/api/v1/users", &user);
    for service in SERVICES {
        app.world.says(&erase_of(service), &json!({ "removed": 0, "done": service != "messaging" }));
    }
    assert_eq!(app.delete("/api/v1/tenants/acme").status, 204);
    let asked = asked_to_erase(&app);
    for service in SERVICES {
        let times = asked.iter().filter(|uri| **uri == erase_of(service)).count();
        assert_eq!(times, if service == "messaging" { 50 } else { 1 }, "{service}");
    }
    let rows =
        |table: &str| app.world.database.scalar(&format!("SELECT count(*) FROM {table} WHERE tenant_id = 'acme'"));
    assert_eq!(["api_keys", "users", "api_logs"].map(rows), [0, 0, 0]);
    app.world.says(&erase_of("messaging"), &json!({ "removed": 1, "done": true }));
    for (at, left) in [(61_000_000, 9), (3_605_000_000, 1), (3_700_000_000, 0)] {
        app.world.now.set(NOW + at);
        app.get("/health");
        assert_eq!(rows("erasures"), left, "after {at} µs: what was on its way goes in a second round");
    }
    app.post("/api/v1/tenants", &json!({ "id": "acme" })).problem(409);
}

#[test]
fn a_service_that_is_down_is_asked_again() {
    let app = TestApp::new();
    app.key_of("acme", &["admin"]);
    assert_eq!(app.delete("/api/v1/tenants/acme").status, 204);
    assert_eq!(app.world.database.scalar("SELECT count(*) FROM erasures"), 9);
    app.world.fetched.borrow_mut().clear();
    app.get("/health");
    assert_eq!(asked_to_erase(&app).len(), 0, "not at once");
    app.world.now.set(NOW + 61_000_000);
    app.get("/health");
    assert_eq!(asked_to_erase(&app).len(), SERVICES.len());
}

#[test]
fn media_is_told_a_tenant_s_quota_of_files() {
    let app = TestApp::new();
    let quota = "http://media.spin.internal/internal/tenants/acme/quota";
    app.get("/health"); // so that the sweep of this minute is over
    let told = || app.world.fetched.borrow().iter().filter(|uri| *uri == quota).count();
    let made = app.post(TENANTS, &json!({ "id": "acme", "media_quota_bytes": 1000 }));
    assert_eq!((made.status.as_u16(), &made.json()["media_quota_bytes"]), (201, &json!(1000)));
    assert_eq!(told(), 1, "media was away");
    app.world.says(quota, &json!({ "bytes": 1000 }));
    app.world.now.set(NOW + 61_000_000);
    app.get("/health");
    app.world.now.set(NOW + 122_000_000);
    app.get("/health");
    assert_eq!(told(), 2, "until it knows, and no longer");
    let path = format!("{TENANTS}/acme");
    assert_eq!(app.patch(&path, &json!({ "media_quota_bytes": null })).json()["media_quota_bytes"], json!(null));
    assert_eq!(told(), 3);
    app.patch(&path, &json!({ "name": "Acme" }));
    assert_eq!(told(), 3, "other changes are none of its business");
    assert_eq!(app.patch(&path, &json!({ "media_quota_bytes": -1 })).pointers(), ["/media_quota_bytes"]);
}
