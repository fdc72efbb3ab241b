//! What holds for every path: credentials, request ids, methods, trailing slashes, errors.

use crate::people::{conversation, text};
use http::Method;
use kobliat_e2e::{TestApp, in_both_modes, secrets};
use serde_json::json;

const LIST: &str = "/api/v1/customers";

in_both_modes! {
    async fn only_a_valid_credential_opens(mode: Mode) {
        let app = TestApp::start(mode).await;
        let bearer = format!("Bearer {}", secrets::API_KEY);
        let with = async |headers: &[(&str, &str)]| app.send(Method::GET, LIST, headers, "").await;
        with(&[("x-api-key", secrets::API_KEY)]).await.expect(200);
        with(&[("authorization", &bearer)]).await.expect(200);
        with(&[("x-api-key", "wrong"), ("authorization", &bearer)]).await.expect(200);
        for wrong in ["wrong", "", " ", "kob_live_0000000000000000000000000000000000000000000", &secrets::API_KEY[1..]] {
            with(&[("x-api-key", wrong)]).await.expect_problem(401, "unauthenticated");
        }
        let refused = with(&[]).await;
        assert!(refused.header("www-authenticate").unwrap().starts_with("Bearer "));
        refused.expect_problem(401, "unauthenticated");
        with(&[("authorization", "Basic dTpw")]).await.expect_problem(401, "unauthenticated");
        app.send(Method::GET, "/api/v1/no-such-thing", &[], "").await.expect_problem(401, "unauthenticated");
        app.stop().await;
    }

    async fn request_ids_are_taken_or_made(mode: Mode) {
        let app = TestApp::start(mode).await;
        let named = app.api(Method::GET, LIST, &[("x-request-id", "my-id-1")], "").await;
        assert_eq!(named.header("x-request-id"), Some("my-id-1"));
        let problem = app.api(Method::GET, "/api/v1/x", &[("x-request-id", "my-id-2")], "").await.expect_problem(404, "not_found");
        assert_eq!(problem["request_id"], "my-id-2");
        let (one, two) = (app.get(LIST).await, app.get(LIST).await);
        assert!(one.header("x-request-id").is_some_and(|id| !id.is_empty()));
        assert_ne!(one.header("x-request-id"), two.header("x-request-id"));
        app.stop().await;
    }

    async fn methods_and_paths_that_do_not_exist_are_told_apart(mode: Mode) {
        let app = TestApp::start(mode).await;
        let refused = app.api(Method::DELETE, LIST, &[], "").await;
        assert_eq!(refused.header("allow"), Some("GET, HEAD, POST"));
        refused.expect_problem(405, "method_not_allowed");
        let unknown = app.get("/api/v1/no-such-thing").await.expect_problem(404, "not_found");
        assert_eq!(unknown["instance"], "/api/v1/no-such-thing");
        app.get("/api/v2/customers").await.expect_problem(404, "not_found");
        app.stop().await;
    }

    async fn a_head_is_a_get_without_its_body(mode: Mode) {
        let app = TestApp::start(mode).await;
        let head = app.api(Method::HEAD, LIST, &[], "").await;
        assert_eq!((head.status, head.body.len()), (200, 0));
        app.get(&format!("{LIST}/")).await.expect(200);
        app.stop().await;
    }

    async fn health_and_readiness_need_no_credential(mode: Mode) {
        let app = TestApp::start(mode).await;
        for path in ["/health", "/ready", "/"] {
            app.send(Method::GET, path, &[], "").await.expect(200);
        }
        assert_eq!(app.send(Method::GET, "/.well-known/spin/health", &[], "").await.text(), "OK");
        app.stop().await;
    }

    async fn what_was_made_says_where_it_is_and_is_not_sent_twice(mode: Mode) {
        let app = TestApp::start(mode).await;
        let chat = conversation(&app).await;
        let message = json!({ "conversation_id": chat.id, "direction": "inbound", "body": "hello", "sender_customer_id": chat.ann });
        let user = json!({ "username": "ada", "password": "correct horse battery", "scopes": ["admin"] });
        let channel = json!({ "kind": "web", "provider_id": "shop", "credentials": { "webhook_secret": "a secret of this shop" } });
        let mut made = Vec::new();
        for (path, body) in [
            ("/api/v1/customers", json!({ "external_type": "web", "external_id": "cleo" })),
            ("/api/v1/conversations", json!({ "participants": [chat.ann], "type": "channel" })),
            ("/api/v1/messages", message),
            ("/api/v1/users", user),
            ("/api/v1/tenants", json!({ "id": "acme" })),
            ("/api/v1/api-keys", json!({ "name": "a", "scopes": ["admin"] })),
            ("/api/v1/channels", channel),
            ("/api/v1/webhook-endpoints", json!({ "url": "https://hooks.example.com/a", "events": ["*"] })),
        ] {
            made.push((path, app.post(path, &body).await));
        }
        let form = "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\n\r\nwords\r\n--b--\r\n";
        let multipart = [("content-type", "multipart/form-data; boundary=b")];
        made.push(("/api/v1/media", app.api(Method::POST, "/api/v1/media/upload", &multipart, form).await));
        for (below, answer) in made {
            assert_eq!(answer.status, 201, "{}", answer.text());
            let location = answer.header("location").unwrap_or_else(|| panic!("{below} does not say where")).to_owned();
            assert_eq!(location, format!("{below}/{}", text(&answer.json(), "id")));
            let read = app.get(&location).await;
            assert_eq!(read.status, 200, "{location}");
            let Some(tag) = read.header("etag").map(str::to_owned) else { continue };
            for named in [tag.clone(), format!("W/{tag}"), format!("\"other\", {tag}"), "*".to_owned()] {
                let again = app.api(Method::GET, &location, &[("if-none-match", &named)], "").await;
                assert_eq!((again.status, again.body.len(), again.header("etag")), (304, 0, Some(tag.as_str())), "{location}");
            }
            assert_eq!(app.api(Method::GET, &location, &[("if-none-match", "\"other\"")], "").await.status, 200);
        }
        app.stop().await;
    }
}
