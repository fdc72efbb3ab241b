//! Deleting: an attachment, a conversation's, and the bytes with the last one that shows them.

use http::Method;

use crate::{Form, TestApp, files};

crate::on_both! {
    the_bytes_go_with_the_last_attachment_that_shows_them,
    a_conversation_s_attachments_go_together,
    only_the_version_that_was_seen_is_deleted,
    what_a_forgotten_person_sent_goes_however_often_that_is_told,
}

fn what_a_forgotten_person_sent_goes_however_often_that_is_told(app: &TestApp) {
    let (hers, his) = (app.stored("a.png", &files::png(400, 4)), app.stored("b.txt", b"words"));
    let data =
        serde_json::json!({ "messages": [{ "id": "m1", "media_id": hers["id"] }, { "id": "m2", "media_id": null }] });
    for _ in 0..2 {
        let event = http::Request::builder().method(Method::POST).uri("/events").header("ce-specversion", "1.0");
        let event =
            event.header("ce-id", "e1").header("ce-source", "/components/messaging").header("ce-tenant", "default");
        let event = event.header("ce-type", "com.kobliat.message.erased.v1").header("ce-subject", "c1");
        app.handle(event.body(crate::body(data.to_string().as_bytes(), 64)).unwrap()).expect(204);
    }
    app.get(&format!("/media/{}", hers["id"].as_str().unwrap())).expect(404);
    app.get(&format!("/media/{}", his["id"].as_str().unwrap())).expect(200);
}

fn the_bytes_go_with_the_last_attachment_that_shows_them(app: &TestApp) {
    let (one, two) = (app.stored("a.png", &files::png(400, 4)), app.stored("b.png", &files::png(400, 4)));
    let path = |media: &serde_json::Value| format!("/media/{}", media["id"].as_str().unwrap());
    app.send(Method::DELETE, &path(&one)).expect(204);
    app.get(&path(&one)).expect(404);
    app.get(&format!("{}/content", path(&two))).expect(200);
    app.send(Method::DELETE, &path(&one)).expect(404);
    app.send(Method::DELETE, &path(&two)).expect(204);
    app.holds_nothing();
    // And they can come again.
    app.stored("a.png", &files::png(400, 4));
}

fn only_the_version_that_was_seen_is_deleted(app: &TestApp) {
    let path = format!("/media/{}", app.stored("a.txt", b"words")["id"].as_str().unwrap());
    let tag = app.get(&path).expect(200).headers["etag"].clone();
    let delete = |tag: &http::HeaderValue| {
        app.handle(crate::request(Method::DELETE, &path).header("if-match", tag).body(crate::body(&[], 1)).unwrap())
    };
    delete(&http::HeaderValue::from_static("\"1\"")).expect(412);
    app.get(&path).expect(200);
    delete(&tag).expect(204);
}

fn a_conversation_s_attachments_go_together(app: &TestApp) {
    let (a, b) = ("018f0000-0000-7000-8000-00000000000a", "018f0000-0000-7000-8000-00000000000b");
    for n in 0..120_u8 {
        let form = Form::file("a.txt", &[b'a' + n % 20; 9]).field("conversation_id", if n < 3 { b } else { a });
        app.upload(&form).expect(201);
    }
    let delete = |query: &str| app.send(Method::DELETE, &format!("/media{query}"));
    assert_eq!(delete(&format!("?conversation_id={a}")).expect(200).json()["deleted"], 117);
    assert_eq!(app.rows(), [0, 3, 3, 0, 3]);
    assert_eq!(delete(&format!("?conversation_id={a}")).expect(200).json()["deleted"], 0);
    delete("").expect(422);
    delete("?conversation_id=1").expect(422);
}
