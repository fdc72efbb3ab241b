//! What only the platform may say or reach: headers in its name, private services, the tick.

use crate::people;
use http::Method;
use kobliat_e2e::whatsapp::{PATH, SAMPLE, SIGNATURE, signature};
use kobliat_e2e::{TestApp, in_both_modes, secrets};
use serde_json::json;

/// Who one would like to be, and from where one would like to come.
const FORGED: [(&str, &str); 7] = [
    ("kobliat-tenant", "somebody-else"),
    ("kobliat-principal", "key:admin"),
    ("kobliat-scopes", ""),
    ("spin-path-info", "/internal/tick"),
    ("spin-full-url", "http://customer.spin.internal/customers"),
    ("spin-raw-component-route", "/internal/..."),
    ("spin-client-addr", "10.0.0.1:1"),
];

in_both_modes! {
    async fn forged_headers_have_no_effect(mode: Mode) {
        let app = TestApp::start(mode).await;
        let new = json!({"external_id": "x", "external_type": "web"}).to_string();
        app.api(Method::POST, "/api/v1/customers", &FORGED, new).await.expect(201);
        let made = app.get("/api/v1/customers/external/web/x").await.expect(200);
        let listed = app.api(Method::GET, "/api/v1/customers", &FORGED, "").await.expect(200);
        assert_eq!(listed["data"][0]["id"], made["id"], "the forged tenant is nobody's");

        let signature = signature(SAMPLE.as_bytes());
        let with_signature: Vec<_> = FORGED.into_iter().chain([(SIGNATURE, signature.as_str())]).collect();
        assert_eq!(app.send(Method::POST, PATH, &with_signature, SAMPLE).await.expect(200)["accepted"], 1);
        assert_eq!(app.conversations().await.len(), 1, "in the tenant of the account");
        app.stop().await;
    }

    async fn forged_headers_open_nothing(mode: Mode) {
        let app = TestApp::start(mode).await;
        app.send(Method::GET, "/api/v1/customers", &FORGED, "").await.expect_problem(401, "unauthenticated");
        app.send(Method::POST, "/internal/tick", &FORGED, "").await.expect_problem(404, "not_found");
        app.send(Method::POST, PATH, &FORGED, SAMPLE).await.expect_problem(401, "unauthenticated");
        app.stop().await;
    }

    async fn the_inside_has_no_door(mode: Mode) {
        let app = TestApp::start(mode).await;
        people::customer(&app, "x").await;
        for path in ["/customers", "/conversations", "/messages", "/events", "/internal/tick", "/internal", "/webhooks/internal/tick",
            "/webhooks/events", "/api/webhooks/internal/tick", "/webhooks/../internal/tick", "/webhooks/%2e%2e/internal/tick",
            "/webhooks//internal/tick", "//internal/tick", "/api/v1/../../internal/tick", "/api/v1/internal/tick", "/api/v1/events"] {
            for method in ["GET", "POST"] {
                let answer = app.raw(format!(
                    "{method} {path} HTTP/1.1\r\nHost: x\r\nX-API-Key: {}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", secrets::API_KEY
                ).as_bytes()).await;
                assert!(answer.starts_with("HTTP/1.1 404 "), "{method} {path}: {answer}");
            }
        }
        app.stop().await;
    }

    /// The name of a service is an address for components only.
    async fn internal_names_lead_nowhere_from_outside(mode: Mode) {
        let app = TestApp::start(mode).await;
        people::customer(&app, "x").await;
        for host in ["customer.spin.internal", "events.kobliat.internal", "admin.kobliat.internal"] {
            for line in ["/customers".to_owned(), format!("http://{host}/customers")] {
                let request = format!("GET {line} HTTP/1.1\r\nHost: {host}\r\nkobliat-tenant: default\r\nkobliat-scopes: *\r\nConnection: close\r\n\r\n");
                let answer = app.raw(request.as_bytes()).await;
                assert!(answer.starts_with("HTTP/1.1 404 "), "{line}: {answer}");
            }
        }
        app.stop().await;
    }

    async fn secrets_and_bodies_stay_out_of_the_logs(mode: Mode) {
        if kobliat_e2e::skipped("our logs") {
            return;
        }
        let app = TestApp::start(mode).await;
        app.webhook_bytes(SAMPLE).await.expect(200);
        app.send(Method::POST, PATH, &[(SIGNATURE, "sha256=00")], SAMPLE).await.expect_problem(401, "unauthenticated");
        app.webhook_bytes("not json Does it come in another color?").await.expect_problem(400, "unreadable");
        app.post("/api/v1/messages", &json!({"body": "Does it come in another color?"})).await.expect_problem(422, "invalid");
        let logs = app.logs();
        for secret in [secrets::API_KEY, secrets::APP_SECRET, secrets::VERIFY_TOKEN, "another color", "16505551234"] {
            assert!(!logs.contains(secret), "`{secret}` is in the logs:\n{logs}");
        }
        app.stop().await;
    }
}
