//! The same against a real server, when there is one: `KOBLIAT_S3_ENDPOINT=http://127.0.0.1:9000`, and `KOBLIAT_S3_BUCKET`, `KOBLIAT_S3_REGION`,
//! `KOBLIAT_S3_ACCESS_KEY_ID`, `KOBLIAT_S3_SECRET_ACCESS_KEY` where they are not `attachments`, `us-east-1`, `test`, `test`. The bucket exists.

use std::env;

use http::Method;

use super::{PART, large, path};
use crate::{Form, TestApp, body, broken, files, post, request};

fn app() -> Option<TestApp> {
    let Ok(endpoint) = env::var("KOBLIAT_S3_ENDPOINT") else {
        eprintln!("skipped: set KOBLIAT_S3_ENDPOINT to try a real server");
        return None;
    };
    let app = TestApp::start();
    app.use_bucket(&endpoint);
    for (name, default) in [
        ("s3_bucket", "attachments"),
        ("s3_region", "us-east-1"),
        ("s3_access_key_id", "test"),
        ("s3_secret_access_key", "test"),
    ] {
        app.set(name, &env::var(format!("KOBLIAT_{}", name.to_uppercase())).unwrap_or_else(|_| default.to_owned()));
    }
    app.set("s3_prefix", &format!("kobliat tests/ü+{}", std::process::id()));
    app.set("media_limit_bytes", "99000000");
    // Signatures are of the hour.
    app.advance(i64::try_from(std::time::UNIX_EPOCH.elapsed().unwrap().as_micros()).unwrap() - crate::NOW);
    Some(app)
}

#[test]
fn takes_gives_and_removes_files() {
    let Some(app) = app() else { return };
    for (name, bytes) in
        [("a.txt", b"words".to_vec()), ("b.png", files::png(640, 480)), ("c.pdf", large(2 * PART + 77))]
    {
        let media = app.stored(name, &bytes);
        let content = format!("{}/content", path(&media));
        assert!(app.get(&content).expect(200).body == bytes, "{name}");
        let part = request(Method::GET, &content).header("range", "bytes=2-3").body(body(&[], 1)).unwrap();
        assert_eq!(app.handle(part).expect(206).body, bytes[2..=3]);
        if name == "b.png" {
            assert!(
                image::load_from_memory(&app.get(&format!("{content}?variant=thumbnail")).expect(200).body).is_ok()
            );
        }
        app.send(Method::DELETE, &path(&media)).expect(204);
        assert_eq!(app.rows(), [0; 5], "the store has removed them, or a row would wait for the sweep");
    }
}

#[test]
fn leaves_nothing_of_what_breaks_off() {
    let Some(app) = app() else { return };
    let mut upload = post(&[], 1);
    *upload.body_mut() = broken(&Form::file("a.pdf", &large(3 * PART)).bytes()[..2 * PART + 9]);
    app.handle(upload).expect(400);
    assert_eq!(app.rows(), [0; 5]);
    app.upload(&Form::file("a.jpg", files::ZIP)).expect(415);
    assert_eq!(app.rows(), [0; 5]);
    // Whose id nobody wrote down: the store is asked for it.
    app.memory.sqlite().execute_batch("INSERT INTO uploads VALUES ('default', 'u1', 1, 's3', '')").unwrap();
    app.send(Method::POST, "/internal/tick").expect(200);
    assert_eq!(app.rows(), [0; 5]);
}

#[test]
fn refuses_a_wrong_secret() {
    let Some(app) = app() else { return };
    // Some stand-ins let everybody in.
    if env::var("KOBLIAT_S3_UNVERIFIED").is_ok() {
        return;
    }
    app.set("s3_secret_access_key", "another");
    app.upload(&Form::file("a.txt", b"words")).expect(500);
}
