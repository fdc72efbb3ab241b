//! Quotas: counted across instances and restarts, told with every answer, and cheap for who stays within.

use api_gateway::http::Gateway;
use http::Method;
use sdk::testing::block_on;
use serde_json::json;

use crate::app::{TestApp, request_as};
use crate::world::NOW;

const PATH: &str = "/api/v1/conversations";

/// A key of a tenant with this plan.
fn key(app: &TestApp, per_hour: u32) -> String {
    app.post("/api/v1/tenants", &json!({ "id": "acme", "requests_per_hour": per_hour }));
    app.key_of("acme", &["conversations:read"])
}

#[test]
fn a_quota_is_used_up_told_and_flows_back() {
    let app = TestApp::new();
    let key = key(&app, 60);
    for left in (0..60).rev() {
        let answer = app.send(request_as(&key, Method::GET, PATH, ""));
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("ratelimit"), format!("\"default\";r={left};t=60"));
        assert_eq!(answer.header("ratelimit-policy"), "\"default\";q=60;w=3600");
    }
    let refused = app.send(request_as(&key, Method::GET, PATH, ""));
    assert_eq!(refused.problem(429)["code"], "too_many_requests");
    assert_eq!(refused.header("retry-after"), "60");
    assert_eq!(refused.header("ratelimit"), "\"default\";r=0;t=60");
    app.world.now.set(NOW + 60_000_000);
    assert_eq!(app.send(request_as(&key, Method::GET, PATH, "")).status, 200, "one a minute flows back");
    app.send(request_as(&key, Method::GET, PATH, "")).problem(429);
    app.world.now.set(NOW + 2 * 3_600_000_000);
    let full = app.send(request_as(&key, Method::GET, PATH, ""));
    assert_eq!(full.header("ratelimit"), "\"default\";r=59;t=60", "never more than the bucket holds");
}

#[test]
fn instances_share_the_bucket() {
    let app = TestApp::new();
    let key = key(&app, 100);
    let other = Gateway::new(app.world.clone());
    let mut granted = 0;
    for _ in 0..120 {
        granted += u32::from(app.send(request_as(&key, Method::GET, PATH, "")).status == 200);
        let request = request_as(&key, Method::GET, PATH, "")
            .map(|body| spin_sdk::http::box_body(http_body_util::Full::new(bytes::Bytes::from(body))));
        granted += u32::from(block_on(other.handle(request)).status() == 200);
    }
    assert_eq!(granted, 100);
}

#[test]
fn most_requests_write_nothing_for_their_quota() {
    let app = TestApp::new();
    let key = key(&app, 5000);
    app.world.database.statements();
    for _ in 0..128 {
        assert_eq!(app.send(request_as(&key, Method::GET, PATH, "")).status, 200);
    }
    let writes = app.world.database.statements().iter().filter(|sql| sql.contains("INTO quotas")).count();
    assert_eq!(writes, 2, "64 requests a slice");
}

#[test]
fn the_bootstrap_key_has_no_quota_and_strangers_spend_nobody_s() {
    let app = TestApp::new();
    let answer = app.get(PATH);
    assert_eq!(answer.header("ratelimit"), "");
    app.send(request_as("kob_live_unknown", Method::GET, PATH, "")).problem(401);
    assert_eq!(app.world.database.scalar("SELECT count(*) FROM quotas"), 0);
}

#[test]
fn the_older_headers_are_behind_a_switch() {
    let app = TestApp::new();
    let key = key(&app, 100);
    assert_eq!(app.send(request_as(&key, Method::GET, PATH, "")).header("x-ratelimit-limit"), "");
    app.world.variables.borrow_mut().insert("x_ratelimit_headers", "true".into());
    let answer = app.send(request_as(&key, Method::GET, PATH, ""));
    assert_eq!((answer.header("x-ratelimit-limit"), answer.header("x-ratelimit-remaining")), ("100", "98"));
    assert_eq!(answer.header("x-ratelimit-reset"), "36");
}
