//! What is refused, and that it leaves nothing behind.

use http::{Method, Request};
use spin_sdk::http::BoxBody;

use crate::{BOUNDARY, CHUNK, Form, TestApp, body, broken, files, post, request};

crate::on_both! {
    forms_that_end_early_or_have_another_boundary,
    bodies_that_break_off,
    files_that_are_too_large_whatever_is_announced,
    files_that_are_not_what_may_be_sent,
    pictures_that_are_traps,
    pictures_that_are_damaged,
    files_that_are_two_things_at_once,
    forms_of_ten_thousand_parts_or_endless_heads,
    forms_that_say_too_much_or_too_little,
    names_with_what_no_header_can_hold,
}

/// Refused with this status and code; no row and no chunk is left.
#[track_caller]
fn refused(app: &TestApp, request: Request<BoxBody>, status: u16, code: &str) -> serde_json::Value {
    let problem = app.handle(request).expect(status).json();
    assert_eq!(problem["code"], code, "{problem}");
    app.holds_nothing();
    problem
}

fn labelled(content_type: &str, bytes: &[u8]) -> Request<BoxBody> {
    request(Method::POST, "/media/upload").header("content-type", content_type).body(body(bytes, 999)).unwrap()
}

fn forms_that_end_early_or_have_another_boundary(app: &TestApp) {
    let whole = Form::file("a.pdf", &[files::PDF, &vec![b'x'; 3 * CHUNK]].concat()).bytes();
    for end in [0, 1, 20, 100, 200, CHUNK, 2 * CHUNK + 7, whole.len() - 5, whole.len() - 60] {
        refused(app, post(&whole[..end], 8 << 10), 400, "unreadable");
    }
    let other = labelled("multipart/form-data; boundary=other", &whole);
    refused(app, other, 400, "unreadable");
    refused(app, labelled("multipart/form-data", &whole), 400, "unreadable");
    for wrong in ["application/json", "multipart/mixed; boundary=x", "nonsense", ""] {
        refused(app, labelled(wrong, &whole), 415, "unsupported_media_type");
    }
}

fn bodies_that_break_off(app: &TestApp) {
    let whole = Form::file("a.pdf", &[files::PDF, &vec![b'x'; 3 * CHUNK]].concat()).bytes();
    for end in [10, 200, 2 * CHUNK] {
        let mut request = post(&[], 1);
        *request.body_mut() = broken(&whole[..end]);
        refused(app, request, 400, "unreadable");
    }
}

fn files_that_are_too_large_whatever_is_announced(app: &TestApp) {
    app.set("media_limit_bytes", "300000");
    let whole = Form::file("a.pdf", &[files::PDF, &vec![b'x'; 400_000]].concat()).bytes();
    refused(app, post(&whole, 16 << 10), 413, "too_large");
    let announced = |length: &str| {
        let mut request = post(&whole, 16 << 10);
        request.headers_mut().insert("content-length", length.parse().unwrap());
        request
    };
    for lie in ["99999999999", "10", "-1", "x"] {
        refused(app, announced(lie), 413, "too_large");
    }
    assert_eq!(
        app.memory.statements().iter().filter(|sql| *sql == media::store::statements::uploads::BEGIN).count(),
        4
    );
    app.stored("a.pdf", &[files::PDF, &vec![b'x'; 300_000 - files::PDF.len()]].concat());
}

fn files_that_are_not_what_may_be_sent(app: &TestApp) {
    let executable = b"MZ\x90\0\x03\0\0\0\x04\0\0\0\xff\xff\0\0";
    for (name, bytes) in [
        ("photo.jpg", files::ZIP),
        // The names of a document, and no document; and a program that carries one along.
        ("offer.docx", b"PK\x03\x04\x14\0\0\0\0\0[Content_Types].xml word/document.xml"),
        ("offer.docx", &files::archive(&["[Content_Types].xml", "word/document.xml", "AndroidManifest.xml"], 0)),
        ("offer.docx", &files::archive(&["[Content_Types].xml", "word/document.xml", "word/vbaProject.bin"], 0)),
        ("photo.jpg", executable),
        ("photo.jpg", b"\x7fELF\x02\x01\x01\0"),
        ("photo.jpg", b"#!/bin/sh\nrm -rf /"),
        ("photo.jpg", b"\0asm\x01\0\0\0"),
        ("photo.jpg", b"\x01\x02\x03"),
    ] {
        refused(app, Form::file(name, bytes).request(), 415, "unsupported_media_type");
    }
    refused(app, Form::file("photo.jpg", b"").request(), 422, "invalid");
    app.set("media_extra_types", "application/zip");
    assert_eq!(app.stored("photo.jpg", files::ZIP)["mime_type"], "application/zip");
}

fn pictures_that_are_traps(app: &TestApp) {
    let huge = refused(app, Form::file("a.png", &files::boasting_png(30_000, 30_000)).request(), 422, "invalid");
    assert!(huge["detail"].as_str().unwrap().contains("30000 × 30000 pixels"), "{huge}");
    refused(app, Form::file("a.png", &files::boasting_png(u32::MAX, u32::MAX)).request(), 422, "invalid");
    // It says more than it has.
    refused(app, Form::file("a.png", &files::boasting_png(2000, 2000)).request(), 422, "invalid");
    let gif = [b"GIF89a\xff\xff\xff\xff\0\0\0", &[0u8; 64][..]].concat();
    refused(app, Form::file("a.gif", &gif).request(), 422, "invalid");
}

fn pictures_that_are_damaged(app: &TestApp) {
    for (name, whole) in [
        ("a.jpg", files::jpeg(300, 300)),
        ("a.jpg", files::photograph(300, 300, 6)),
        ("a.png", files::png(300, 300)),
        ("a.gif", files::encoded(&files::picture(300, 300), image::ImageFormat::Gif)),
        ("a.webp", files::encoded(&files::picture(300, 300), image::ImageFormat::WebP)),
    ] {
        for part in [2, 3] {
            let cut = &whole[..whole.len() * part / 4];
            refused(app, Form::file(name, cut).request(), 422, "invalid");
        }
    }
}

fn files_that_are_two_things_at_once(app: &TestApp) {
    // It begins as a picture and is none.
    refused(app, Form::file("a.gif", b"GIF89a/*<script>alert(1)</script>*/=1;").request(), 422, "invalid");
    refused(app, Form::file("a.jpg", b"\xff\xd8\xff<html><script>alert(1)</script>").request(), 422, "invalid");
    // It is a picture, and an archive too: told as the picture, never as anything else.
    let both = [files::png(2, 2), files::ZIP.to_vec()].concat();
    let media = app.stored("a.zip.html", &both);
    let answer = app.get(&format!("/media/{}/content", media["id"].as_str().unwrap())).expect(200);
    assert_eq!((answer.header("content-type"), answer.header("x-content-type-options")), ("image/png", "nosniff"));
}

fn forms_of_ten_thousand_parts_or_endless_heads(app: &TestApp) {
    let many = (0..10_000).fold(Form::default(), |form, n| form.field(&format!("f{n}"), "x"));
    refused(app, many.request(), 422, "invalid");
    let repeated = (0..10_000).fold(Form::default(), |form, _| form.field("owner_service", "x"));
    refused(app, repeated.request(), 422, "invalid");
    let endless = [format!("--{BOUNDARY}\r\nX-Long: ").into_bytes(), vec![b'a'; 8 << 20]].concat();
    let problem = refused(app, post(&endless, 16 << 10), 400, "unreadable");
    assert_eq!(problem["detail"], "the head of a part of the form is too long");
    refused(app, post(&vec![b'a'; 8 << 20], 16 << 10), 400, "unreadable");
}

fn forms_that_say_too_much_or_too_little(app: &TestApp) {
    let file = || Form::file("a.pdf", files::PDF);
    for (form, pointer) in [
        (Form::default().field("owner_service", "crm"), "/file"),
        (file().with_file("b.pdf", files::PDF), "/file"),
        (file().field("colour", "red"), ""),
        (file().field("conversation_id", "1"), "/conversation_id"),
        (file().field("owner_service", "a b\r\nX-Evil: 1"), "/owner_service"),
        (file().field("owner_service", &"x".repeat(5000)), "/owner_service"),
    ] {
        let problem = refused(app, form.request(), 422, "invalid");
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{problem}");
    }
    let binary = file().part("form-data; name=\"owner_service\"", b"\xff\xfe");
    refused(app, binary.request(), 400, "unreadable");
}

fn names_with_what_no_header_can_hold(app: &TestApp) {
    let nul = Form::default().part("form-data; name=\"file\"; filename=\"a\0.pdf\"", files::PDF);
    refused(app, nul.request(), 400, "unreadable");
}

#[test]
fn uploads_that_never_end_are_swept_away() {
    let app = TestApp::start();
    let tick = || {
        let request = Request::builder().method(Method::POST).uri("/internal/tick").body(body(&[], 1)).unwrap();
        app.handle(request).expect(200).json()["swept"].clone()
    };
    let half = "INSERT INTO uploads (tenant_id, id, started_at) VALUES ('default', 'u1', {}); INSERT INTO chunks VALUES ('default', 'u1', 0, x'00')";
    app.memory.sqlite().execute_batch(&half.replace("{}", &crate::NOW.to_string())).unwrap();
    assert_eq!(tick(), 0, "it may still go on");
    app.stored("a.pdf", files::PDF);
    app.advance(3601 * 1_000_000);
    assert_eq!(tick(), 1);
    assert_eq!(app.rows(), [0, 1, 1, 0, 1], "what is kept stays");
}
