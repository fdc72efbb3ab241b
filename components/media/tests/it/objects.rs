//! Files in a bucket: how they get there in parts, that nothing is left of what fails, and what the store's faults do.

pub mod client;
mod faults;
mod proof;
mod real;
mod store;

use http::Method;

pub use proof::{KEY_ID, REGION, SECRET};
pub use store::{BUCKET, Fault, Store};

use crate::{Form, TestApp, files};

const PART: usize = 5 << 20;

fn large(bytes: usize) -> Vec<u8> {
    files::PDF.iter().copied().chain((0..bytes).map(|n| (n % 251) as u8)).take(bytes).collect()
}

fn path(media: &serde_json::Value) -> String {
    format!("/media/{}", media["id"].as_str().unwrap())
}

#[test]
fn a_small_file_is_one_object() {
    let app = TestApp::with_bucket();
    let media = app.stored("a.png", &files::png(400, 300));
    let store = app.store.as_ref().unwrap();
    let keys: Vec<String> = store.state().objects.keys().cloned().collect();
    assert!(keys[0].starts_with("default/") && keys[0].ends_with("/original"), "{keys:?}");
    assert!(keys[1].starts_with("default/") && keys[1].ends_with("/thumbnail"), "{keys:?}");
    assert_eq!(app.memory.scalar("SELECT sum(length(bytes)) FROM variants"), 0, "no bytes in the database");
    assert_eq!(app.get(&format!("{}/content", path(&media))).expect(200).body, files::png(400, 300));
    let small = app.get(&format!("{}/content?variant=thumbnail", path(&media))).expect(200);
    assert_eq!(media["variants"][0]["size"], small.body.len());
    assert!(image::load_from_memory(&small.body).is_ok());
}

#[test]
fn a_large_file_goes_in_parts() {
    for size in [PART - 1, PART, PART + 1, 2 * PART, 2 * PART + 77] {
        let app = TestApp::with_bucket();
        app.set("media_limit_bytes", "99000000");
        let file = large(size);
        let media = app.stored("a.pdf", &file);
        assert_eq!(media["size"], size);
        assert!(app.get(&format!("{}/content", path(&media))).expect(200).body == file, "{size}");
        let store = app.store.as_ref().unwrap();
        store.holds(1);
        assert!(store.state().largest_body <= PART, "one part is in memory at a time");
        let parts = store.state().log.iter().filter(|line| line.contains("partNumber=")).count();
        assert_eq!(parts, if size <= PART { 0 } else { size.div_ceil(PART) });
        assert_eq!(app.rows(), [0, 1, 1, 0, 1]);
    }
}

#[test]
fn identical_bytes_are_kept_once() {
    let app = TestApp::with_bucket();
    let (one, two) = (app.stored("a.png", &files::png(400, 4)), app.stored("b.png", &files::png(400, 4)));
    assert_eq!(app.rows(), [0, 1, 1, 1, 2]);
    app.send(Method::DELETE, &path(&one)).expect(204);
    app.get(&format!("{}/content", path(&two))).expect(200);
    app.send(Method::DELETE, &path(&two)).expect(204);
    app.holds_nothing();
}

#[test]
fn files_are_read_from_where_they_are() {
    let app = TestApp::with_bucket();
    app.set("media_storage", "database");
    let before = app.stored("a.png", &files::png(400, 300));
    app.set("media_storage", "s3");
    let after = app.stored("b.png", &files::png(300, 400));
    app.set("media_storage", "");
    for (media, bytes) in [(&before, files::png(400, 300)), (&after, files::png(300, 400))] {
        assert_eq!(app.get(&format!("{}/content", path(media))).expect(200).body, bytes);
        app.send(Method::DELETE, &path(media)).expect(204);
    }
    app.holds_nothing();
}

#[test]
fn a_prefix_and_a_host_of_its_own_are_as_the_variables_say() {
    let app = TestApp::with_bucket();
    app.set("s3_prefix", "/kobliat/trial/");
    app.set("s3_session_token", "token/+=");
    app.stored("a.txt", b"words");
    let store = app.store.as_ref().unwrap();
    assert!(store.state().objects.keys().all(|key| key.starts_with("kobliat/trial/default/")));
    // The endpoint is the bucket's: nothing comes before the key. This store has no such host.
    app.set("s3_path_style", "false");
    app.upload(&Form::file("b.txt", b"more words")).expect(500);
    assert!(store.state().log.iter().any(|line| line.starts_with("PUT /kobliat/trial/default/")));
}

#[test]
fn variables_that_make_no_sense_are_told_by_its_health_and_to_no_client() {
    let app = TestApp::with_bucket();
    app.get("/health").expect(200);
    for (name, value) in [
        ("media_storage", "tape"),
        ("s3_endpoint", "s3.example.com"),
        ("s3_endpoint", "http://s3.example.com/path"),
        ("s3_bucket", ""),
        ("s3_secret_access_key", ""),
    ] {
        let good = app.world.0.settings.borrow().get(name).cloned().unwrap();
        app.set(name, value);
        let problem = app.upload(&Form::file("a.txt", b"words")).expect(500).json();
        assert_eq!(problem["detail"], "internal error");
        let health = app.get("/health").expect(503).json();
        assert!(health["detail"].as_str().unwrap().contains(&format!("`{name}`")), "{health}");
        app.set(name, &good);
        app.holds_nothing();
    }
}

#[test]
fn its_health_tells_every_variable_that_makes_no_sense() {
    let app = TestApp::start();
    app.get("/health").expect(200);
    for (name, value) in [
        ("media_limit_bytes", "16 MB"),
        ("media_link_seconds", "0"),
        ("media_extra_types", "application/zip,pdf"),
        ("public_base_url", "kobliat.example"),
        ("media_storage", "tape"),
    ] {
        app.set(name, value);
        let health = app.get("/health").expect(503).json();
        assert_eq!(health["code"], "misconfigured");
        assert!(health["detail"].as_str().unwrap().contains(&format!("`{name}`")), "{health}");
    }
}
