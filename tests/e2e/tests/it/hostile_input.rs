//! Bad input for `/api/v1`: a problem of the right code, nothing half-written, and the next request is served.

use crate::people::{self, Conversation};
use http::Method;
use kobliat_e2e::{TestApp, in_both_modes};
use serde_json::{Value, json};

const MIB: usize = 1024 * 1024;

/// A request body that must not pass.
struct Bad {
    what: &'static str,
    body: Vec<u8>,
    status: u16,
    code: &'static str,
}

fn bad(what: &'static str, body: impl Into<Vec<u8>>, status: u16, code: &'static str) -> Bad {
    Bad { what, body: body.into(), status, code }
}

/// Bad whatever the path.
fn bodies() -> Vec<Bad> {
    vec![
        bad("nothing", "", 400, "unreadable"),
        bad("text", "hello", 400, "unreadable"),
        bad("cut off", r#"{"external_id":"#, 400, "unreadable"),
        bad("two documents", "{}{}", 400, "unreadable"),
        bad("a comma too many", r#"{"body":"x",}"#, 400, "unreadable"),
        bad("not a number", r#"{"body":NaN}"#, 400, "unreadable"),
        bad("invalid UTF-8", b"{\"body\":\"\xff\xfe\"}".to_vec(), 400, "unreadable"),
        bad("half a surrogate pair", r#"{"body":"\ud800"}"#, 400, "unreadable"),
        bad("a hundred thousand brackets", "[".repeat(100_000), 400, "unreadable"),
        bad(
            "deeply nested",
            format!(r#"{{"metadata":{}{}}}"#, r#"{"a":"#.repeat(10_000), "}".repeat(10_000)),
            400,
            "unreadable",
        ),
        bad("a list", "[]", 422, "invalid"),
        bad("null", "null", 422, "invalid"),
        bad("a string", r#""hello""#, 422, "invalid"),
        bad("an empty object", "{}", 422, "invalid"),
        bad("an unknown field", r#"{"bodi":"x"}"#, 422, "invalid"),
        bad("a body over the limit", vec![b' '; MIB + 1], 413, "too_large"),
    ]
}

fn customers() -> Vec<Bad> {
    let with = |field: &str, value: Value| {
        let mut body = json!({"external_id": "x", "external_type": "web"});
        body[field] = value;
        body.to_string()
    };
    vec![
        bad("a number as an id", with("external_id", json!(7)), 422, "invalid"),
        bad("a null as an id", with("external_id", json!(null)), 422, "invalid"),
        bad("a list as a type", with("external_type", json!(["web"])), 422, "invalid"),
        bad("a blank id", with("external_id", json!("   ")), 422, "invalid"),
        bad("an endless id", with("external_id", json!("x".repeat(100_000))), 422, "invalid"),
        bad("an endless name", with("name", json!("x".repeat(100_000))), 422, "invalid"),
        bad("metadata that are no object", with("metadata", json!([1])), 422, "invalid"),
        bad("a zero byte", with("external_id", json!("a\u{0}b")), 422, "invalid"),
        bad("one typo", with("nmae", json!("Ann")), 422, "invalid"),
    ]
}

fn messages(made: &Conversation) -> Vec<Bad> {
    let with = |field: &str, value: Value| {
        let mut body =
            json!({"conversation_id": made.id, "direction": "inbound", "sender_customer_id": made.ann, "body": "x"});
        body[field] = value;
        body.to_string()
    };
    vec![
        bad("no UUID as a conversation", with("conversation_id", json!("1; DROP TABLE messages")), 422, "invalid"),
        bad("a number as a conversation", with("conversation_id", json!(1)), 422, "invalid"),
        bad("an unknown direction", with("direction", json!("sideways")), 422, "invalid"),
        bad("an empty body", with("body", json!("")), 422, "invalid"),
        bad("a body that is an object", with("body", json!({"$ne": null})), 422, "invalid"),
        bad("no time", with("sent_at", json!("yesterday")), 422, "invalid"),
        bad("a time before time", with("sent_at", json!("0000-00-00T00:00:00Z")), 422, "invalid"),
        bad("metadata as text", with("metadata", json!("{}")), 422, "invalid"),
    ]
}

/// Everything that a write could have changed.
async fn everything(app: &TestApp) -> [Vec<Value>; 3] {
    [app.walk("/api/v1/customers").await, app.conversations().await, app.messages().await]
}

async fn refuses(app: &TestApp, method: Method, path: &str, table: Vec<Bad>) {
    let before = everything(app).await;
    for Bad { what, body, status, code } in table {
        eprintln!("{method} {path} with {what}");
        let answer = app.api(method.clone(), path, &[], body).await;
        let problem = answer.expect_problem(status, code);
        assert_eq!(problem["instance"], path);
        assert_eq!(problem["errors"].is_array(), status == 422, "{what}: {problem}");
        app.get("/ready").await.expect(200);
    }
    assert_eq!(everything(app).await, before, "nothing was half-written");
}

in_both_modes! {
    async fn bad_bodies_change_nothing(mode: Mode) {
        let app = TestApp::start(mode).await;
        let made = people::conversation(&app).await;
        for path in ["/api/v1/customers", "/api/v1/conversations", "/api/v1/messages"] {
            refuses(&app, Method::POST, path, bodies()).await;
        }
        refuses(&app, Method::PUT, &format!("/api/v1/customers/{}", made.ann), bodies()).await;
        refuses(&app, Method::POST, "/api/v1/customers", customers()).await;
        refuses(&app, Method::POST, "/api/v1/messages", messages(&made)).await;
        app.stop().await;
    }

    async fn only_json_is_taken(mode: Mode) {
        let app = TestApp::start(mode).await;
        for kind in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/jsonp"] {
            let answer = app.api(Method::POST, "/api/v1/customers", &[("content-type", kind)], "{}").await;
            answer.expect_problem(415, "unsupported_media_type");
        }
        app.stop().await;
    }

    async fn ids_that_are_none_are_not_found(mode: Mode) {
        let app = TestApp::start(mode).await;
        for id in ["1", "me", "%00", "..%2f..%2fetc", "01a204a4-0000-7000-8000-00000000000", "{id}", "' OR 1=1--".replace(' ', "%20").as_str()] {
            for path in [format!("customers/{id}"), format!("conversations/{id}"), format!("conversations/{id}/messages"), format!("messages/{id}")] {
                eprintln!("GET {path}");
                app.get(&format!("/api/v1/{path}")).await.expect_problem(404, "not_found");
            }
        }
        app.stop().await;
    }

    async fn queries_that_make_no_sense_are_refused(mode: Mode) {
        let app = TestApp::start(mode).await;
        let made = people::conversation(&app).await;
        let messages = format!("conversations/{}/messages", made.id);
        let of_customer = format!("customers/{}/conversations", made.ann);
        for list in ["customers", "conversations", &messages, &of_customer] {
            for query in [
                "limit=0", "limit=-1", "limit=101", "limit=1e2", "limit=ten", "limit=99999999999999999999",
                "cursor=x", "cursor=AAAA", "cursor=%00", "cursor=-1", "limits=5", "offset=10", "page=2",
            ] {
                eprintln!("GET {list}?{query}");
                app.get(&format!("/api/v1/{list}?{query}")).await.expect_problem(422, "invalid");
            }
        }
        for query in ["status=opne", "customer_id=1", "sort=name"] {
            app.get(&format!("/api/v1/conversations?{query}")).await.expect_problem(422, "invalid");
        }
        app.get(&format!("/api/v1/{messages}?after=-1")).await.expect_problem(422, "invalid");
        app.stop().await;
    }

    /// Every single character of a good cursor, changed; the cursor of another list; one cut short.
    async fn cursors_that_were_tampered_with_are_refused(mode: Mode) {
        let app = TestApp::start(mode).await;
        for name in ["one", "two", "three"] {
            people::customer(&app, name).await;
        }
        let page = app.get("/api/v1/customers?limit=1").await.expect(200);
        let cursor = people::text(&page["meta"], "next_cursor");
        let refused = async |list: &str, cursor: &str| {
            app.get(&format!("/api/v1/{list}?cursor={cursor}")).await.expect_problem(422, "invalid");
        };
        for at in 0..cursor.len() {
            let mut changed = cursor.clone().into_bytes();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            refused("customers", std::str::from_utf8(&changed).unwrap()).await;
        }
        refused("customers", &cursor[..cursor.len() - 2]).await;
        refused("conversations", &cursor).await;
        refused("customers?external_type=web&x=", &cursor).await;
        app.stop().await;
    }
}
