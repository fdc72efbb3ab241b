//! Requests that no client would send, byte by byte: refused by the host, which serves on.

use kobliat_e2e::{TestApp, in_both_modes, secrets, whatsapp};

/// The status of what was answered; 0 for a connection that was closed without an answer.
fn status(answer: &str) -> u16 {
    answer.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)?.parse().ok()).unwrap_or(0)
}

fn get(headers: &str) -> String {
    format!(
        "GET /api/v1/customers HTTP/1.1\r\nHost: x\r\nX-API-Key: {}\r\n{headers}Connection: close\r\n\r\n",
        secrets::API_KEY
    )
}

in_both_modes! {
    async fn broken_requests_are_refused(mode: Mode) {
        if kobliat_e2e::skipped("our HTTP server") {
            return;
        }
        let app = TestApp::start(mode).await;
        let many: String = (0..500).map(|n| format!("X-Filler-{n}: 1\r\n")).collect();
        for (what, request, expected) in [
            ("a good one", get(""), 200),
            ("a header of 40 KiB", get(&format!("X-Large: {}\r\n", "x".repeat(40 << 10))), 431),
            ("500 headers", get(&many), 431),
            ("a request line of 100 KiB", format!("GET /{} HTTP/1.1\r\nHost: x\r\n\r\n", "x".repeat(100 << 10)), 431),
            ("two hosts", get("Host: y\r\n"), 400),
            ("no host", "GET /health HTTP/1.1\r\nConnection: close\r\n\r\n".into(), 400),
            ("no HTTP", "hello\r\n\r\n".into(), 400),
            ("another version", "GET / HTTP/3.0\r\nHost: x\r\n\r\n".into(), 400),
            ("a header that is none", get("no colon here\r\n"), 400),
            ("a negative length", "POST /webhooks/whatsapp HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n".into(), 400),
            ("two lengths", "POST /webhooks/whatsapp HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab".into(), 400),
            ("a broken chunk", "POST /webhooks/whatsapp HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n".into(), 400),
        ] {
            eprintln!("{what}");
            let answer = app.raw(request.as_bytes()).await;
            assert_eq!(status(&answer), expected, "{what}: {}", answer.chars().take(300).collect::<String>());
            app.get("/health").await.expect(200);
        }
        app.stop().await;
    }

    /// Clients that go away in the middle: of the head, of the body, and before they have heard the answer.
    async fn clients_that_go_away_leave_nothing_behind(mode: Mode) {
        if kobliat_e2e::skipped("our HTTP server") {
            return;
        }
        let app = TestApp::start(mode).await;
        let body = whatsapp::one_text("gone", "16505550001", "hello").to_string();
        let request = format!(
            "POST {} HTTP/1.1\r\nHost: x\r\n{}: {}\r\nContent-Length: {}\r\n\r\n{body}",
            whatsapp::PATH, whatsapp::SIGNATURE, whatsapp::signature(body.as_bytes()), body.len()
        );
        for cut in [1, 40, request.len() - body.len(), request.len() - 1] {
            app.hang_up_after(&request.as_bytes()[..cut]).await;
        }
        kobliat_e2e::eventually("nothing runs any more", async || (app.running() == 0).then_some(())).await;
        assert!(app.conversations().await.is_empty(), "half a webhook is none");
        assert_eq!(app.webhook_bytes(body).await.expect(200)["accepted"], 1);
        app.stop().await;
    }

    async fn a_body_over_the_limit_is_refused_in_chunks_too(mode: Mode) {
        let app = TestApp::start(mode).await;
        let chunk = format!("{:x}\r\n{}\r\n", 64 << 10, " ".repeat(64 << 10));
        for (path, chunks) in [("/api/v1/customers", 17), (whatsapp::PATH, 64)] {
            let request = format!(
                "POST {path} HTTP/1.1\r\nHost: x\r\nX-API-Key: {}\r\nContent-Type: application/json\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n{}0\r\n\r\n",
                secrets::API_KEY, chunk.repeat(chunks)
            );
            assert_eq!(status(&app.raw(request.as_bytes()).await), 413, "{path}");
            app.get("/ready").await.expect(200);
        }
        app.stop().await;
    }
}
