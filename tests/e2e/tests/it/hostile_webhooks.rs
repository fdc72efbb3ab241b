//! Bad webhooks: forged, unreadable, huge, or only strange.

use http::Method;
use kobliat_e2e::whatsapp::{self, PATH, SAMPLE, SIGNATURE, delivery, signature, signature_with};
use kobliat_e2e::{TestApp, in_both_modes};
use serde_json::{Value, json};

in_both_modes! {
    async fn only_the_right_signature_opens(mode: Mode) {
        let app = TestApp::start(mode).await;
        let right = signature(SAMPLE.as_bytes());
        let changed = SAMPLE.replace("another color", "another colour");
        let bare = right.strip_prefix("sha256=").unwrap();
        for (what, body, given) in [
            ("none", SAMPLE, None),
            ("an empty one", SAMPLE, Some(String::new())),
            ("another secret's", SAMPLE, Some(signature_with("wrong", SAMPLE.as_bytes()))),
            ("another body's", &changed, Some(right.clone())),
            ("the right one without its name", SAMPLE, Some(bare.to_owned())),
            ("the right one under another name", SAMPLE, Some(format!("sha1={bare}"))),
            ("half of it", SAMPLE, Some(right[..40].to_owned())),
            ("more than it", SAMPLE, Some(format!("{right}00"))),
            ("no hex", SAMPLE, Some(format!("sha256={}", "z".repeat(64)))),
        ] {
            eprintln!("{what}");
            let headers: Vec<(&str, &str)> = given.iter().map(|it| (SIGNATURE, it.as_str())).collect();
            app.send(Method::POST, PATH, &headers, body.to_owned()).await.expect_problem(401, "unauthenticated");
        }
        let two = app.send(Method::POST, PATH, &[(SIGNATURE, &right), (SIGNATURE, "sha256=00")], SAMPLE).await;
        two.expect_problem(401, "unauthenticated");
        assert!(app.conversations().await.is_empty());
        assert_eq!(app.webhook_bytes(SAMPLE).await.expect(200)["accepted"], 1);
        app.stop().await;
    }

    async fn what_is_signed_but_unreadable_is_400(mode: Mode) {
        let app = TestApp::start(mode).await;
        let nested = "[".repeat(100_000);
        for body in ["", "hello", "[]", "null", "7", r#"{"entry":"#, "{}{}", "\u{feff}{}", &nested] {
            app.webhook_bytes(body.to_owned()).await.expect_problem(400, "unreadable");
        }
        app.webhook_bytes(&b"{\"object\":\"\xff\"}"[..]).await.expect_problem(400, "unreadable");
        app.get("/ready").await.expect(200);
        app.stop().await;
    }

    async fn strange_shapes_harm_nobody(mode: Mode) {
        let app = TestApp::start(mode).await;
        for body in [
            json!({}),
            json!({"entry": null}),
            json!({"entry": {}}),
            json!({"entry": [null, 7, "x", [], {}, {"changes": null}, {"changes": [null, 7, {}]}]}),
            json!({"entry": [{"changes": [{"field": "messages", "value": null}, {"field": 7, "value": {}}]}]}),
            delivery(json!({"messages": {}, "statuses": "x", "contacts": 7})),
            delivery(json!({"messages": [null, [], {}, {"id": ""}, {"id": "x", "from": {}, "type": []}], "statuses": [null, {}, {"id": "x"}]})),
        ] {
            let answer = app.webhook(&body).await.expect(200);
            assert_eq!((&answer["status"], &answer["accepted"]), (&json!("received"), &json!(0)), "{body}");
        }
        assert!(app.messages().await.is_empty());
        app.stop().await;
    }

    async fn unknown_fields_are_tolerated_everywhere(mode: Mode) {
        let app = TestApp::start(mode).await;
        let mut body: Value = serde_json::from_str(SAMPLE).unwrap();
        body["new"] = json!({"from": ["Meta"]});
        body["entry"][0]["new"] = json!(1);
        body["entry"][0]["changes"][0]["new"] = json!(1);
        for at in ["metadata", "contacts", "messages"] {
            let value = &mut body["entry"][0]["changes"][0]["value"];
            value["new"] = json!(1);
            match &mut value[at] {
                Value::Array(items) => items[0]["new"] = json!({"deep": [1]}),
                object => object["new"] = json!(1),
            }
        }
        assert_eq!(app.webhook(&body).await.expect(200)["accepted"], 1);
        assert_eq!(app.messages().await[0]["body"], "Does it come in another color?");
        app.stop().await;
    }

    async fn a_hundred_thousand_messages_in_one_body_are_refused(mode: Mode) {
        let app = TestApp::start(mode).await;
        let small: Vec<Value> = (0..100_000).map(|n| json!({"id": n.to_string()})).collect();
        app.webhook(&delivery(json!({"messages": small}))).await.expect_problem(413, "too_many_items");
        assert!(app.conversations().await.is_empty());
        app.get("/ready").await.expect(200);
        app.stop().await;
    }

    /// Thirteen megabytes. The answer comes before all of it is sent, so that a client may find the connection closed instead.
    async fn a_body_far_over_the_limit_is_refused(mode: Mode) {
        let app = TestApp::start(mode).await;
        let whole: Vec<Value> = (0..100_000).map(|n| whatsapp::text(&format!("m{n}"), "16505550001", "x")).collect();
        if let Ok(answer) = app.try_webhook(delivery(json!({"messages": whole})).to_string()).await
            && answer.status != 0
        {
            answer.expect_problem(413, "too_large");
        }
        // A client that announces the length and waits for a `100 Continue` is refused before it sends anything.
        let head = format!(
            "POST {PATH} HTTP/1.1\r\nHost: x\r\nContent-Length: 13000000\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n"
        );
        let answer = app.raw(head.as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
        assert!(app.conversations().await.is_empty());
        app.get("/ready").await.expect(200);
        app.stop().await;
    }

    /// As many as Meta ever batches: all of them arrive, if not before the answer, then after it.
    async fn a_thousand_messages_in_one_body_all_arrive(mode: Mode) {
        let app = TestApp::start(mode).await;
        let messages: Vec<Value> = (0..1000).map(|n| whatsapp::text(&format!("m{n}"), &format!("1650{:07}", n % 10), "x")).collect();
        app.webhook(&delivery(json!({"messages": messages}))).await.expect(200);
        kobliat_e2e::eventually("a thousand messages", async || (app.messages().await.len() == 1000).then_some(())).await;
        app.stop().await;
    }

    async fn unknown_channels_are_not_found(mode: Mode) {
        let app = TestApp::start(mode).await;
        for path in ["/webhooks/carrier-pigeon", "/webhooks", "/webhooks/whatsapp/account/more", "/api/webhooks/fax"] {
            app.send(Method::POST, path, &[], "{}").await.expect_problem(404, "not_found");
        }
        // Whether an account exists is told to nobody who does not sign.
        app.send(Method::POST, "/webhooks/whatsapp/nobody", &[], "{}").await.expect_problem(401, "unauthenticated");
        app.send(Method::DELETE, PATH, &[], "").await.expect_problem(405, "method_not_allowed");
        app.stop().await;
    }
}
