//! Attachments: a file goes up through the gateway and comes down again, whole, in parts, and by a link without a credential.

use crate::people::{self, text};
use http::Method;
use kobliat_e2e::provider::{Mood, Provider};
use kobliat_e2e::whatsapp::{contact, delivery, message};
use kobliat_e2e::{Outside, Reply, TestApp, eventually, in_both_modes};
use serde_json::json;

const BOUNDARY: &str = "----e2e7MA4YWxkTrZu0gW";

/// As a browser sends a file.
fn form(name: &str, file: &[u8]) -> Vec<u8> {
    let head = format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\r\n");
    [head.as_bytes(), file, format!("\r\n--{BOUNDARY}--\r\n").as_bytes()].concat()
}

async fn upload(outside: &Outside, form: Vec<u8>) -> Reply {
    let label = format!("multipart/form-data; boundary={BOUNDARY}");
    outside.api(Method::POST, "/api/v1/media/upload", &[("content-type", &label)], form).await
}

/// A real server's, where there is one: components/media/tests/it/objects/real.rs says how it is named.
fn bucket() -> Option<Vec<(&'static str, String)>> {
    let Ok(endpoint) = std::env::var("KOBLIAT_S3_ENDPOINT") else {
        eprintln!("skipped: set KOBLIAT_S3_ENDPOINT to try a real server");
        return None;
    };
    let named = |name: &str, default: &str| std::env::var(name).unwrap_or_else(|_| default.to_owned());
    Some(vec![
        ("media_storage", "s3".to_owned()),
        ("s3_endpoint", endpoint),
        ("s3_bucket", named("KOBLIAT_S3_BUCKET", "attachments")),
        ("s3_region", named("KOBLIAT_S3_REGION", "us-east-1")),
        ("s3_access_key_id", named("KOBLIAT_S3_ACCESS_KEY_ID", "test")),
        ("s3_secret_access_key", named("KOBLIAT_S3_SECRET_ACCESS_KEY", "test")),
    ])
}

/// No file format, but words enough for several chunks.
fn words() -> Vec<u8> {
    (0..80_000).flat_map(|n: u32| format!("line {n}\r\n").into_bytes()).collect()
}

in_both_modes! {
    async fn a_file_goes_up_and_comes_down(mode: Mode) {
        let app = TestApp::start(mode).await;
        let file = words();
        let media = upload(&app, form("notes.txt", &file)).await.expect(201);
        assert_eq!((&media["mime_type"], &media["size"], &media["status"]), (&json!("text/plain"), &json!(file.len()), &json!("ready")));
        let path = format!("/api/v1/media/{}", text(&media, "id"));
        assert_eq!(app.get(&path).await.expect(200), media);

        let content = format!("{path}/content");
        let whole = app.get(&content).await;
        assert!(whole.status == 200 && whole.body == file);
        assert_eq!(whole.header("content-disposition"), Some("attachment; filename=\"notes.txt\"; filename*=UTF-8''notes.txt"));
        assert_eq!(whole.header("x-content-type-options"), Some("nosniff"));
        let part = app.api(Method::GET, &content, &[("range", "bytes=300000-300009")], "").await;
        assert!(part.status == 206 && part.body == file[300_000..300_010]);
        app.api(Method::GET, &content, &[("range", "bytes=0-5,3-9")], "").await.expect_problem(416, "bad_range");
        let known = app.api(Method::GET, &content, &[("if-none-match", whole.header("etag").unwrap())], "").await;
        assert_eq!((known.status, known.body.len()), (304, 0));

        assert_eq!(app.api(Method::DELETE, &path, &[], "").await.status, 204);
        app.get(&content).await.expect_problem(404, "not_found");
        app.stop().await;
    }

    async fn a_link_opens_one_file_to_anybody(mode: Mode) {
        let app = TestApp::start(mode).await;
        let media = upload(&app, form("a.txt", b"for Ann")).await.expect(201);
        let link = app.get(&format!("/api/v1/media/{}/download", text(&media, "id"))).await.expect(200);
        assert_eq!(link["expires_in_seconds"], 3600);
        let url = text(&link, "download_url");
        let path = url.strip_prefix(&format!("http://{}", app.address())).expect("it begins where the client came");
        let got = app.send(Method::GET, path, &[], "").await;
        assert_eq!((got.status, got.text()), (200, "for Ann".to_owned()));
        let forged = path.replace("signature=", "signature=0");
        app.send(Method::GET, &forged, &[], "").await.expect_problem(403, "bad_signature");
        let without = path.split('?').next().unwrap();
        app.send(Method::GET, without, &[], "").await.expect_problem(401, "unauthenticated");
        app.stop().await;
    }

    async fn what_is_refused_leaves_nothing(mode: Mode) {
        let app = TestApp::start(mode).await;
        let archive = form("photo.jpg", b"PK\x03\x04\x14\0\0\0\x08\0some archive");
        upload(&app, archive).await.expect_problem(415, "unsupported_media_type");
        let whole = form("notes.txt", &words());
        upload(&app, whole[..whole.len() - 40].to_vec()).await.expect_problem(400, "unreadable");
        upload(&app, form("huge.txt", &vec![b'x'; 37 << 20])).await.expect_problem(413, "too_large");
        let database = rusqlite::Connection::open(app.state_dir().join("media.db")).unwrap();
        for table in ["uploads", "chunks", "contents", "variants", "media"] {
            let rows: i64 = database.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).unwrap();
            assert_eq!(rows, 0, "{table}");
        }
        app.stop().await;
    }

    async fn a_bucket_keeps_files_instead_of_the_database(mode: Mode) {
        let Some(variables) = bucket() else { return };
        let variables: Vec<(&str, &str)> = variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let app = TestApp::start_with(mode, &variables).await;
        // Three parts of 5 MiB and a rest.
        let file: Vec<u8> = b"%PDF-1.7\n".iter().copied().chain((0..15_800_000_u32).map(|n| (n % 251) as u8)).collect();
        let media = upload(&app, form("large.pdf", &file)).await.expect(201);
        let path = format!("/api/v1/media/{}", text(&media, "id"));
        let whole = app.get(&format!("{path}/content")).await;
        assert!(whole.status == 200 && whole.body == file);
        let part = app.api(Method::GET, &format!("{path}/content"), &[("range", "bytes=9000000-9000009")], "").await;
        assert!(part.status == 206 && part.body == file[9_000_000..9_000_010]);
        let broken = form("large.pdf", &file);
        upload(&app, broken[..broken.len() - 40].to_vec()).await.expect_problem(400, "unreadable");
        assert_eq!(app.api(Method::DELETE, &path, &[], "").await.status, 204);
        app.get(&format!("{path}/content")).await.expect_problem(404, "not_found");
        let database = rusqlite::Connection::open(app.state_dir().join("media.db")).unwrap();
        for table in ["uploads", "chunks", "contents", "variants", "media"] {
            let rows: i64 = database.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).unwrap();
            assert_eq!(rows, 0, "{table}");
        }
        app.stop().await;
    }

    async fn a_picture_that_somebody_sends_is_there_with_its_message(mode: Mode) {
        let provider = Provider::start().await;
        provider.has("1013", b"%PDF-1.7 a brochure");
        // At fault when the message comes, so that its file can only follow.
        provider.is(Mood::Answers(500, json!({})));
        let (url, token) = (provider.url(), "e2e-access-token");
        let app = TestApp::start_with(mode, &[("whatsapp_api_base_url", &url), ("whatsapp_access_token", token)]).await;
        let sent = message("wamid.1", "16505551234", "document", json!({"id": "1013", "filename": "brochure.pdf"}));
        let body = delivery(json!({"contacts": [contact("16505551234", "Ann")], "messages": [sent]}));
        let answer = app.webhook(&body).await.expect(200);
        assert_eq!((&answer["processed"], &answer["accepted"]), (&json!(true), &json!(1)));
        let pending = app.messages().await.remove(0);
        assert_eq!(pending["metadata"]["media"]["status"], "pending", "{pending}");

        provider.is(Mood::Takes);
        let path = format!("/api/v1/messages/{}", text(&pending, "id"));
        let ready = eventually("the file is here", async || {
            let message = app.get(&path).await.expect(200);
            (message["metadata"]["media"]["status"] == "ready").then_some(message)
        })
        .await;
        let media = app.get(&format!("/api/v1/media/{}", text(&ready, "media_id"))).await.expect(200);
        assert_eq!((&media["filename"], &media["mime_type"]), (&json!("brochure.pdf"), &json!("application/pdf")));
        let content = app.get(&format!("/api/v1/media/{}/content", text(&ready, "media_id"))).await;
        assert_eq!((content.status, content.text()), (200, "%PDF-1.7 a brochure".to_owned()));

        let gone = message("wamid.2", "16505551234", "image", json!({"id": "gone"}));
        app.webhook(&delivery(json!({"contacts": [contact("16505551234", "Ann")], "messages": [gone]}))).await.expect(200);
        let failed = eventually("the other is known to be gone", async || {
            let messages = app.messages().await;
            messages.into_iter().find(|message| message["metadata"]["media"]["status"] == "failed")
        })
        .await;
        assert_eq!(failed["metadata"]["media"]["reason"], "the provider does not have the file any more");
        app.stop().await;
    }

    async fn a_message_shows_only_what_there_is(mode: Mode) {
        let app = TestApp::start(mode).await;
        let made = people::conversation(&app).await;
        let media = upload(&app, form("a.txt", b"for Ann")).await.expect(201);
        let new = |media: &str| json!({"conversation_id": made.id, "direction": "outbound", "media_id": media});
        let message = app.post("/api/v1/messages", &new(&text(&media, "id"))).await.expect(201);
        assert_eq!(message["media_id"], media["id"]);
        let unknown = app.post("/api/v1/messages", &new("01a204a4-0000-7000-8000-000000000000")).await;
        assert_eq!(unknown.expect_problem(422, "invalid")["errors"][0]["pointer"], "/media_id");
        app.stop().await;
    }
}
