//! Files that came along in a webhook's body: taken out of it as it comes, kept until `media` has them, and never lost or left behind.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use http::{Method, StatusCode};
use http_body::Frame;
use http_body_util::{Full, StreamBody};
use inbound_gateway::http::intake::{self, LONG_BODY_LIMIT_BYTES};
use inbound_gateway::http::{BODY_LIMIT_BYTES, router};
use sdk::testing::{json, request};
use serde_json::json;

use super::elsewhere::Elsewhere;
use super::*;
use crate::support::*;

fn world() -> World {
    let world = World::new();
    world.variables.borrow_mut().insert("email_webhook_secret".to_owned(), "email-secret".to_owned());
    world
}

fn password(secret: &str) -> String {
    format!("Basic {}", BASE64_STANDARD.encode(format!("mail:{secret}")))
}

/// As the component does it: the body through the intake, in frames of this size, then the routes.
fn arrives(world: &World, authorization: &str, body: &[u8], frame: usize) -> (StatusCode, Value) {
    let mut request = request(Method::POST, "/webhooks/email", "");
    request.headers.insert("authorization", authorization.parse().unwrap());
    request.headers.insert("kobliat-staged-delivery", "somebody-else-s".parse().unwrap());
    let frames: Vec<_> =
        body.chunks(frame).map(|bytes| Ok::<_, std::io::Error>(Frame::data(Bytes::copy_from_slice(bytes)))).collect();
    block_on(async {
        request.body = match intake::read(world, &mut request, StreamBody::new(futures::stream::iter(frames))).await {
            Ok(body) => body,
            Err(problem) => return (problem.status, Value::Null),
        };
        assert!(request.body.len() <= BODY_LIMIT_BYTES);
        let answer = router().handle(world, request).await;
        (answer.status(), json(&answer))
    })
}

fn mail(files: &[(&str, &str, Vec<u8>)]) -> Value {
    let files: Vec<Value> = files
        .iter()
        .map(|(name, kind, bytes)| {
            json!({"Name": name, "ContentType": kind, "ContentLength": 1, "Content": BASE64_STANDARD.encode(bytes)})
        })
        .collect();
    json!({"MessageID": "uuid-1", "FromFull": {"Email": "ann@example.com"}, "ToFull": [{"Email": "shop@kobliat.example"}], "Subject": "Photo",
        "TextBody": "see the crack", "Headers": [{"Name": "Message-ID", "Value": "<a@b.example>"}], "Attachments": files})
}

/// Bytes that no two places share.
fn bytes(size: usize) -> Vec<u8> {
    (0..size).map(|n| b'a' + u8::try_from((n / 7 + n / 1000) % 26).unwrap()).collect()
}

#[test]
fn a_mail_of_35_mb_is_taken_and_its_file_reaches_media_whole() {
    let world = world();
    let elsewhere = Elsewhere::new(&world);
    let photo = bytes(26 << 20);
    let body = mail(&[("crack.jpg", "image/jpeg", photo.clone())]).to_string();
    assert!(body.len() > 35_000_000);
    let (status, answer) = arrives(&world, &password("email-secret"), body.as_bytes(), 60_000);
    assert_eq!((status, &answer["accepted"]), (StatusCode::OK, &json!(1)));
    assert!(world.rows()[0].body.len() < 1000, "the delivery has the words only");
    let (_, message) = world.messages.rows.borrow()[0].clone();
    let metadata: Value = serde_json::from_str(&message.metadata).unwrap();
    assert_eq!((message.body.as_deref(), &metadata["media"]["status"]), (Some("see the crack"), &json!("pending")));
    assert_eq!(metadata["media"]["size"], 26 << 20, "what it is, not what was said of it");
    elsewhere.round();
    assert!(elsewhere.kept.borrow()[0].0.as_bytes() == photo.as_slice());
    assert_eq!(elsewhere.told.borrow()[0].failure, None);
    assert_eq!(world.memory.scalar("SELECT count(*) FROM webhook_files"), 0, "and nothing is kept twice");
    assert_eq!(world.memory.scalar("SELECT count(*) FROM webhook_uploads"), 0);
}

#[test]
fn every_file_of_a_mail_is_a_message_and_what_the_html_shows_comes_last() {
    let world = world();
    let elsewhere = Elsewhere::new(&world);
    let mut mail = mail(&[
        ("logo.png", "image/png", b"the logo".to_vec()),
        ("a.pdf", "application/pdf", b"the offer".to_vec()),
        ("b.ogg", "audio/ogg", b"the voice".to_vec()),
        ("smime.p7s", "application/pkcs7-signature", b"of the mail".to_vec()),
        ("empty.txt", "text/plain", Vec::new()),
    ]);
    mail["Attachments"][0]["ContentID"] = json!("<logo@x>");
    mail["HtmlBody"] = json!("<img src=\"cid:logo@x\">");
    mail["Attachments"].as_array_mut().unwrap().push(json!({"Name": "far.pdf", "url": "https://mail.example/1"}));
    let (_, answer) = arrives(&world, &password("email-secret"), mail.to_string().as_bytes(), 7);
    assert_eq!(answer["accepted"], 3);
    let rows = world.messages.rows.borrow().clone();
    let told: Vec<_> = rows
        .iter()
        .map(|(_, row)| (row.external_message_id.as_str(), row.content_type.as_str(), row.body.is_some()))
        .collect();
    assert_eq!(
        told,
        [
            ("a@b.example", "text", true),
            ("a@b.example:Attachments:2", "audio", false),
            ("a@b.example:Attachments:0", "image", false)
        ]
    );
    elsewhere.round();
    let kept: Vec<String> = elsewhere.kept.borrow().iter().map(|(bytes, _)| bytes.clone()).collect();
    assert_eq!(kept, ["the offer", "the logo", "the voice"].map(str::to_owned));
    let (_, again) = arrives(&world, &password("email-secret"), mail.to_string().as_bytes(), 1000);
    assert_eq!(again["duplicates"], 3);
    assert_eq!(world.memory.scalar("SELECT count(*) FROM attachments"), 3);
}

#[test]
fn who_has_not_proven_anything_sends_three_megabytes_at_most_and_stores_nothing() {
    let world = world();
    let body = mail(&[("crack.jpg", "image/jpeg", bytes(4 << 20))]).to_string();
    for authorization in [password("wrong"), password(""), "Bearer x".to_owned()] {
        assert_eq!(
            arrives(&world, &authorization, body.as_bytes(), 60_000).0,
            StatusCode::PAYLOAD_TOO_LARGE,
            "{authorization}"
        );
        let small = mail(&[("a.txt", "text/plain", b"hi".to_vec())]).to_string();
        assert_eq!(arrives(&world, &authorization, small.as_bytes(), 60_000).0, StatusCode::UNAUTHORIZED);
    }
    block_on(inbound_gateway::accounts::Accounts::named(&world.store, "email", &[])).unwrap(); // migrates
    assert_eq!(world.memory.scalar("SELECT count(*) FROM webhook_files"), 0);
    assert!(world.rows().is_empty());
}

#[test]
fn what_is_too_long_or_breaks_off_leaves_nothing() {
    let world = world();
    let long = mail(&[("a", "image/jpeg", bytes(LONG_BODY_LIMIT_BYTES / 4 * 3 + 1000))]).to_string();
    assert_eq!(arrives(&world, &password("email-secret"), long.as_bytes(), 60_000).0, StatusCode::PAYLOAD_TOO_LARGE);
    let mut words = mail(&[("a", "image/jpeg", bytes(1 << 20))]);
    words["TextBody"] = json!("x".repeat(BODY_LIMIT_BYTES));
    assert_eq!(
        arrives(&world, &password("email-secret"), words.to_string().as_bytes(), 60_000).0,
        StatusCode::PAYLOAD_TOO_LARGE
    );
    let good = mail(&[("a", "image/jpeg", bytes(1 << 20))]).to_string();
    let half = &good.as_bytes()[..good.len() / 2];
    assert_eq!(arrives(&world, &password("email-secret"), half, 60_000).0, StatusCode::BAD_REQUEST);
    assert_eq!(world.memory.scalar("SELECT count(*) FROM webhook_files"), 0);
    assert_eq!(world.memory.scalar("SELECT count(*) FROM webhook_uploads"), 0);
}

#[test]
fn what_a_crash_left_goes_with_the_tick_and_what_was_stored_stays() {
    let world = world();
    let body = mail(&[("a.txt", "text/plain", b"hello".to_vec())]).to_string();
    // It dies between the file and the delivery.
    let mut dying = request(Method::POST, "/webhooks/email", "");
    dying.headers.insert("authorization", password("email-secret").parse().unwrap());
    block_on(intake::read(&world, &mut dying, Full::new(Bytes::from(body.clone())))).unwrap();
    arrives(&world, &password("email-secret"), body.as_bytes(), 1000);
    assert_eq!(world.memory.scalar("SELECT count(*) FROM webhook_files"), 2);
    world.tick_after(Duration::from_secs(3700));
    assert_eq!(world.memory.scalar("SELECT count(*) FROM webhook_files"), 1);
    assert_eq!(world.memory.scalar("SELECT count(*) FROM webhook_uploads"), 0);
    // A failed file stays with its delivery, and goes with it.
    let elsewhere = Elsewhere::new(&world);
    elsewhere.refuses_files.replace(Some(Refusal::Never("files of the type application/zip are not taken".into())));
    elsewhere.round();
    assert_eq!(elsewhere.told.borrow()[0].failure.as_deref(), Some("files of the type application/zip are not taken"));
    assert_eq!(world.memory.scalar("SELECT count(*) FROM webhook_files"), 1);
    world.tick_after(Duration::from_secs(32 * 24 * 3600));
    assert_eq!((world.rows().len(), world.memory.scalar("SELECT count(*) FROM webhook_files")), (0, 0));
}

#[test]
fn another_tenant_s_mail_is_that_tenant_s_with_its_files() {
    let world = world();
    block_on(inbound_gateway::accounts::Accounts::named(&world.store, "email", &[])).unwrap(); // migrates
    let sql = "INSERT INTO channel_accounts \
               (tenant_id, id, kind, provider_id, name, credentials_set, verified_at, verified_by, created_at, updated_at) \
               VALUES ('other', 'id-1', 'email', 'shop@kobliat.example', 'x', '[]', 1, 'deployment', 1, 1)";
    world.memory.sqlite().execute(sql, []).unwrap();
    let elsewhere = Elsewhere::new(&world);
    let body = mail(&[("a.txt", "text/plain", b"hello".to_vec())]).to_string();
    assert_eq!(arrives(&world, &password("email-secret"), body.as_bytes(), 1000).1["accepted"], 1);
    assert_eq!(world.memory.scalar("SELECT count(*) FROM webhook_files WHERE tenant_id = 'other'"), 1);
    elsewhere.round();
    assert_eq!(elsewhere.kept.borrow()[0].0, "hello");
}

#[test]
fn a_mail_in_its_own_signature_has_its_files_kept_too() {
    let world = world();
    let elsewhere = Elsewhere::new(&world);
    let body = mail(&[("a.txt", "text/plain", b"hello".to_vec()), ("b.txt", "text/plain", bytes(700_000))]).to_string();
    let seconds = (START / 1_000_000).to_string();
    let mut mac = <hmac::Hmac<sha2::Sha256> as hmac::Mac>::new_from_slice(b"email-secret").unwrap();
    hmac::Mac::update(&mut mac, format!("{seconds}.{body}").as_bytes());
    let signature = format!("v1={}", hex::encode(hmac::Mac::finalize(mac).into_bytes()));
    let mut request = request(Method::POST, "/webhooks/email", body.as_bytes());
    request.headers.insert("x-kobliat-timestamp", seconds.parse().unwrap());
    request.headers.insert("x-kobliat-signature", signature.parse().unwrap());
    assert_eq!(json(&block_on(router().handle(&world, request)))["accepted"], 2);
    elsewhere.round();
    let sizes: Vec<usize> = elsewhere.kept.borrow().iter().map(|(bytes, _)| bytes.len()).collect();
    assert_eq!(sizes, [5, 700_000]);
}
