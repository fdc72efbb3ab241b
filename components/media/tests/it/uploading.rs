//! What an upload keeps, and what two of the same share.

use http::Method;
use serde_json::json;

use crate::{BOUNDARY, CHUNK, Form, TestApp, files, post, request};

const CONVERSATION: &str = "018f0000-0000-7000-8000-00000000000a";

#[test]
fn keeps_a_file_and_what_was_said_of_it() {
    let app = TestApp::start();
    let form = Form::default().field("conversation_id", CONVERSATION).with_file("offer 1.pdf", files::PDF);
    let answer = app.upload(&form.field("owner_service", "crm")).expect(201);
    assert!(answer.header("x-request-id").len() == 36);
    let media = answer.json();
    let expected = json!({
        "id": media["id"], "status": "ready", "failure": null, "conversation_id": CONVERSATION, "owner_service": "crm",
        "filename": "offer 1.pdf", "mime_type": "application/pdf", "size": files::PDF.len(),
        "sha256": "f5117edb193052414d3b7496857953fd5c40d289c84ce675aa0bd361d40ffd76", "width": null, "height": null,
        "variants": [], "created_at": "2025-06-08T20:59:43.000Z", "updated_at": "2025-06-08T20:59:43.000Z",
    });
    assert_eq!(media, expected);
    let id = media["id"].as_str().unwrap();
    assert_eq!(app.get(&format!("/media/{id}")).expect(200).json(), media);
    assert_eq!(app.rows(), [0, 1, 1, 0, 1]);
}

#[test]
fn a_large_file_is_the_same_however_its_pieces_fall() {
    let app = TestApp::start();
    app.set("media_limit_bytes", "99000000");
    // Line breaks and dashes at every place, as in a boundary.
    let mut file = b"%PDF-1.7\r\n".to_vec();
    file.extend((0..3 * CHUNK + 77).map(|n| b"\r\n--"[n % 4]));
    for piece in [1 << 10, 4099, CHUNK, 1 << 20] {
        let media = app.handle(post(&Form::file("a.pdf", &file).bytes(), piece)).expect(201).json();
        assert_eq!(media["size"], file.len());
        let got = app.get(&format!("/media/{}/content", media["id"].as_str().unwrap())).expect(200);
        assert!(got.body == file && !got.broke_off, "pieces of {piece}");
    }
    assert_eq!(app.rows(), [0, 4, 1, 0, 4], "four attachments show one content");
}

#[test]
fn the_type_is_found_out_and_the_name_is_made_safe() {
    let app = TestApp::start();
    let media = app.stored("../../x\u{202e}.exe", &files::png(3, 2));
    assert_eq!((&media["mime_type"], &media["filename"]), (&"image/png".into(), &"x.exe".into()));
    let unnamed = Form::default().part("form-data; name=\"file\"", b"some words");
    assert_eq!(app.upload(&unnamed).expect(201).json()["filename"], "file");
}

#[test]
fn identical_bytes_are_kept_once_for_each_tenant() {
    let app = TestApp::start();
    let (one, two) = (app.stored("a.png", &files::png(400, 300)), app.stored("b.png", &files::png(400, 300)));
    assert_ne!(one["id"], two["id"]);
    assert_eq!((&one["sha256"], &one["variants"]), (&two["sha256"], &two["variants"]));
    assert_eq!(app.rows(), [0, 1, 1, 1, 2]);
    let mut theirs = Form::file("a.png", &files::png(400, 300)).request();
    theirs.headers_mut().insert("kobliat-tenant", "acme".parse().unwrap());
    let theirs = app.handle(theirs).expect(201).json();
    assert_eq!(app.rows(), [0, 2, 2, 2, 3]);
    let id = theirs["id"].as_str().unwrap();
    for path in [format!("/media/{id}"), format!("/media/{id}/content"), format!("/media/{id}/download")] {
        app.get(&path).expect(404);
    }
    app.send(Method::DELETE, &format!("/media/{id}")).expect(404);
}

#[test]
fn a_repetition_with_the_same_key_is_the_same_attachment() {
    let app = TestApp::start();
    let send = |name: &str, bytes: &[u8]| {
        let mut request = Form::file(name, bytes).request();
        request.headers_mut().insert("idempotency-key", "\"k1\"".parse().unwrap());
        app.handle(request)
    };
    let first = send("a.png", &files::png(4, 4)).expect(201);
    let again = send("a.png", &files::png(4, 4)).expect(201);
    assert_eq!((first.body, again.header("idempotency-replayed")), (again.body.clone(), "true"));
    send("a.png", &files::png(5, 5)).expect(422);
    send("b.png", &files::png(4, 4)).expect(422);
    assert_eq!(app.rows(), [0, 1, 1, 1, 1]);
}

#[test]
fn needs_the_right_and_a_tenant() {
    let app = TestApp::start();
    let mut reader = Form::file("a.pdf", files::PDF).request();
    reader.headers_mut().insert("kobliat-scopes", "media:read".parse().unwrap());
    app.handle(reader).expect(403);
    let mut stranger = Form::file("a.pdf", files::PDF).request();
    stranger.headers_mut().remove("kobliat-tenant");
    app.handle(stranger).expect(401);
    app.get("/media/upload").expect(404);
    let put = request(Method::PUT, "/media/upload")
        .header("content-type", format!("multipart/form-data; boundary={BOUNDARY}"));
    app.handle(put.body(crate::body(b"", 1)).unwrap()).expect(405);
    app.holds_nothing();
}
