//! A store that is unwell: what the client is told, and that nothing is left behind, at once or after the sweep.

use http::Method;

use super::{BUCKET, Fault, PART, Store, large, path};
use crate::{Form, TestApp, broken, files, post};

fn app() -> (TestApp, Store) {
    let app = TestApp::with_bucket();
    app.set("media_limit_bytes", "99000000");
    let store = app.store.clone().unwrap();
    (app, store)
}

fn tick(app: &TestApp) -> u16 {
    app.send(Method::POST, "/internal/tick").status
}

#[test]
fn a_fault_that_passes_is_nobody_s_business() {
    let (app, store) = app();
    store.fails("partNumber=2", &[Fault::Answer(503, "SlowDown"), Fault::Reset]);
    store.fails("POST", &[Fault::Answer(500, "InternalError"), Fault::Answer(429, "TooManyRequests")]);
    let file = large(2 * PART + 9);
    let media = app.stored("a.pdf", &file);
    assert!(app.get(&format!("{}/content", path(&media))).expect(200).body == file);
    assert_eq!(app.rows(), [0, 1, 1, 0, 1]);
}

#[test]
fn an_upload_that_the_store_cannot_take_leaves_nothing() {
    for (place, fault, status) in [
        ("partNumber=2", Fault::Answer(503, "SlowDown"), 503),
        ("partNumber=2", Fault::Reset, 503),
        ("partNumber=3", Fault::Answer(400, "RequestTimeout"), 503),
        ("partNumber=2", Fault::Answer(403, "AccessDenied"), 500),
        ("partNumber=2", Fault::WrongTag, 500),
        ("?uploads", Fault::Answer(503, "SlowDown"), 503),
        ("?uploads", Fault::Answer(403, "AccessDenied"), 500),
        ("POST /attachments/default", Fault::LateError, 503),
    ] {
        let (app, store) = app();
        store.fails(place, &[fault; 3]);
        let answer = app.upload(&Form::file("a.pdf", &large(2 * PART + 9))).expect(status);
        assert_eq!(answer.headers.contains_key("retry-after"), status == 503, "{place} {fault:?}");
        if status == 503 {
            assert_eq!(answer.json()["detail"], "the storage of files is not available");
        }
        app.holds_nothing();
    }
}

#[test]
fn one_part_that_fails_at_the_end_leaves_nothing() {
    let (app, store) = app();
    store.fails("uploadId", &[]);
    store.fails("POST", &[]);
    // The parts are there; putting them together fails for good.
    store.fails("partNumber=3", &[Fault::WrongTag]);
    app.upload(&Form::file("a.pdf", &large(2 * PART + 9))).expect(500);
    app.holds_nothing();
}

#[test]
fn a_store_that_is_gone_is_told_and_waited_for() {
    let (app, store) = app();
    let media = app.stored("a.png", &files::png(400, 300));
    let (endpoint, nobody) = (format!("http://{}", store.address), "http://127.0.0.1:1");
    app.set("s3_endpoint", nobody);
    for (method, place) in [(Method::GET, "content"), (Method::GET, "content?variant=thumbnail")] {
        let answer = app.send(method, &format!("{}/{place}", path(&media))).expect(503);
        assert!(answer.headers.contains_key("retry-after"));
    }
    app.send(Method::HEAD, &format!("{}/content", path(&media))).expect(200);
    app.upload(&Form::file("a.pdf", files::PDF)).expect(503);
    assert_eq!(tick(&app), 503);
    // What is deleted is gone for everybody, and its bytes go when the store is back.
    app.send(Method::DELETE, &path(&media)).expect(204);
    app.get(&path(&media)).expect(404);
    store.holds(2);
    app.set("s3_endpoint", &endpoint);
    assert_eq!(tick(&app), 200);
    app.holds_nothing();
}

#[test]
fn a_client_that_goes_away_leaves_nothing() {
    let (app, _) = app();
    let whole = Form::file("a.pdf", &large(3 * PART)).bytes();
    for end in [100, PART, 2 * PART + 9] {
        let mut request = post(&[], 1);
        *request.body_mut() = broken(&whole[..end]);
        app.handle(request).expect(400);
        app.holds_nothing();
    }
}

#[test]
fn an_instance_that_dies_leaves_what_the_sweep_removes() {
    let (app, store) = app();
    // Begun, with its id written down; begun, and died before; and a whole file that was not kept yet.
    let key = |id: &str| format!("default/{id}/original");
    store.state().uploads.insert("named".to_owned(), (key("u1"), [(1, vec![0; 9])].into()));
    store.state().uploads.insert("nameless".to_owned(), (key("u2"), Default::default()));
    store.state().objects.insert(key("u3"), vec![0; 9]);
    let rows = format!(
        "INSERT INTO uploads VALUES ('default', 'u1', {now}, 's3', 'named'), ('default', 'u2', {now}, 's3', ''), \
         ('default', 'u3', {now}, 's3', NULL)",
        now = crate::NOW
    );
    app.memory.sqlite().execute_batch(&rows).unwrap();
    app.stored("a.txt", b"words");
    app.advance(3600 * 1_000_000);
    assert_eq!(tick(&app), 200);
    assert_eq!(store.state().objects.len(), 4 - 2, "they may still go on");
    app.advance(1);
    assert_eq!(tick(&app), 200);
    assert_eq!(app.rows(), [0, 1, 1, 0, 1], "what is kept stays");
}

#[test]
fn a_store_that_does_not_list_uploads_does_not_stop_the_sweep() {
    let (app, store) = app();
    store.fails("GET /attachments/?", &[Fault::Answer(501, "NotImplemented"); 3]);
    let row = "INSERT INTO uploads VALUES ('default', 'u2', 1, 's3', '')";
    app.memory.sqlite().execute_batch(row).unwrap();
    assert_eq!(tick(&app), 503, "it may be able to later");
    assert_eq!(tick(&app), 200);
    store.fails("GET /attachments/?", &[Fault::Answer(403, "AccessDenied")]);
    app.memory.sqlite().execute_batch(row).unwrap();
    assert_eq!(tick(&app), 200);
    app.holds_nothing();
}

#[test]
fn a_download_that_ends_early_breaks_off() {
    let (app, store) = app();
    let media = app.stored("a.pdf", &large(400_000));
    store.fails("GET", &[Fault::Half]);
    let answer = app.get(&format!("{}/content", path(&media)));
    assert!(answer.broke_off && answer.body.len() == 200_000);
    // An object that somebody removed.
    store.state().objects.clear();
    app.get(&format!("{}/content", path(&media))).expect(500);
}

#[test]
fn a_wrong_secret_is_a_fault_of_the_deployment() {
    let (app, store) = app();
    app.set("s3_secret_access_key", "another");
    app.upload(&Form::file("a.pdf", files::PDF)).expect(500);
    assert!(store.state().log.iter().any(|line| line.starts_with(&format!("PUT /{BUCKET}/"))));
    assert_eq!(store.state().objects.len(), 0);
    assert_eq!(app.rows()[0], 1, "it waits for the sweep");
}
