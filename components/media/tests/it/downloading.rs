//! Bytes on their way out: whole, in parts, and told so that nothing runs.

use http::Method;

use crate::{CHUNK, TestApp, body, files, request};

crate::on_both! {
    tells_what_a_browser_may_make_of_it,
    names_that_would_break_a_header_do_not,
    gives_the_parts_that_are_asked_for,
    gives_several_parts_in_one_answer,
    refuses_ranges_that_overlap_or_overflow,
    sends_nothing_that_the_client_has,
    needs_the_right,
}

fn with(app: &TestApp, path: &str, name: &str, value: &str) -> crate::Answer {
    app.handle(request(Method::GET, path).header(name, value).body(body(&[], 1)).unwrap())
}

/// The path of a file's content.
fn content(app: &TestApp, name: &str, bytes: &[u8]) -> String {
    format!("/media/{}/content", app.stored(name, bytes)["id"].as_str().unwrap())
}

fn tells_what_a_browser_may_make_of_it(app: &TestApp) {
    for (name, bytes, kind, disposition) in [
        ("a.png", files::png(2, 2), "image/png", "inline"),
        ("a.pdf", files::PDF.to_vec(), "application/pdf", "attachment"),
        ("a.txt", b"words".to_vec(), "text/plain", "attachment"),
        ("a.html", b"<!doctype html><script>alert(1)</script>".to_vec(), "application/octet-stream", "attachment"),
        ("a.svg", b"<svg onload=\"alert(1)\"/>".to_vec(), "application/octet-stream", "attachment"),
    ] {
        let answer = app.get(&content(app, name, &bytes)).expect(200);
        assert_eq!(answer.header("content-type"), kind, "{name}");
        assert_eq!(
            answer.header("content-disposition"),
            format!("{disposition}; filename=\"{name}\"; filename*=UTF-8''{name}")
        );
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert_eq!(answer.header("content-security-policy"), "default-src 'none'; sandbox");
        assert_eq!(answer.header("cache-control"), "private, max-age=86400");
        assert_eq!(answer.header("content-length"), answer.body.len().to_string());
        assert_eq!(answer.body, bytes);
    }
}

fn names_that_would_break_a_header_do_not(app: &TestApp) {
    let path = content(app, "a%0d%0aSet-Cookie: x=1;\u{e9}%00.txt", b"words");
    let answer = app.get(&path).expect(200);
    let expected = "attachment; filename=\"a_0d_0aSet-Cookie x=1;__00.txt\"; \
                    filename*=UTF-8''a%250d%250aSet-Cookie%20x%3D1%3B%C3%A9%2500.txt";
    assert_eq!(answer.header("content-disposition"), expected);
    assert!(!answer.headers.contains_key("set-cookie"));
    assert_eq!(app.rows(), [0, 1, 1, 0, 1]);
}

fn gives_the_parts_that_are_asked_for(app: &TestApp) {
    let file: Vec<u8> = b"%PDF-".iter().copied().chain((0..2 * CHUNK).map(|n| (n % 251) as u8)).collect();
    let (path, size) = (content(app, "a.pdf", &file), file.len());
    for (range, from, to) in [
        ("bytes=0-0", 0, 1),
        ("bytes=-5", size - 5, size),
        (&format!("bytes={}-{}", CHUNK - 1, CHUNK), CHUNK - 1, CHUNK + 1),
        (&format!("bytes={CHUNK}-"), CHUNK, size),
        ("bytes=0-99999999", 0, size),
    ] {
        let answer = with(app, &path, "range", range).expect(206);
        assert!(answer.body == file[from..to], "{range}");
        assert_eq!(answer.header("content-range"), format!("bytes {from}-{}/{size}", to - 1));
        assert_eq!(answer.header("content-length"), (to - from).to_string());
    }
}

fn gives_several_parts_in_one_answer(app: &TestApp) {
    let path = content(app, "a.txt", b"0123456789");
    let answer = with(app, &path, "range", "bytes=8-9,0-1").expect(206);
    let boundary = answer.header("content-type").strip_prefix("multipart/byteranges; boundary=").unwrap().to_owned();
    let expected = format!(
        "\r\n--{boundary}\r\nContent-Type: text/plain\r\nContent-Range: bytes 8-9/10\r\n\r\n89\
         \r\n--{boundary}\r\nContent-Type: text/plain\r\nContent-Range: bytes 0-1/10\r\n\r\n01\r\n--{boundary}--\r\n"
    );
    assert_eq!(String::from_utf8_lossy(&answer.body), expected);
    assert_eq!(answer.header("content-length"), expected.len().to_string());
}

fn refuses_ranges_that_overlap_or_overflow(app: &TestApp) {
    let path = content(app, "a.txt", b"0123456789");
    for range in ["bytes=10-", "bytes=0-5,3-9", "bytes=99999999999999999999-", "bytes=5-1", "bytes=-0", "bytes=x"] {
        let answer = with(app, &path, "range", range).expect(416);
        assert_eq!(
            (answer.header("content-range"), &answer.json()["code"]),
            ("bytes */10", &"bad_range".into()),
            "{range}"
        );
    }
    assert_eq!(with(app, &path, "range", "lines=1-2").expect(200).body, b"0123456789");
    assert_eq!(app.rows(), [0, 1, 1, 0, 1]);
}

fn sends_nothing_that_the_client_has(app: &TestApp) {
    let path = content(app, "a.txt", b"0123456789");
    let tag = app.get(&path).header("etag").to_owned();
    for known in [&tag, "*", &format!("\"other\", W/{tag}")] {
        let answer = with(app, &path, "if-none-match", known).expect(304);
        assert_eq!((answer.body.len(), answer.header("etag")), (0, tag.as_str()));
    }
    with(app, &path, "if-none-match", "\"other\"").expect(200);
    let part = |known: &str| {
        let get = request(Method::GET, &path).header("range", "bytes=0-1").header("if-range", known);
        app.handle(get.body(body(&[], 1)).unwrap()).status
    };
    assert_eq!((part(&tag), part("\"other\"")), (206, 200));
    let head = app.send(Method::HEAD, &path).expect(200);
    assert_eq!((head.body.len(), head.header("content-length")), (0, "10"));
}

fn needs_the_right(app: &TestApp) {
    let path = content(app, "a.txt", b"words");
    let get = |name: &'static str, value: &'static str| {
        let mut request = request(Method::GET, &path).body(body(&[], 1)).unwrap();
        request.headers_mut().insert(name, value.parse().unwrap());
        app.handle(request).status
    };
    assert_eq!(get("kobliat-scopes", "media:write"), 403);
    assert_eq!(get("kobliat-tenant", ""), 401);
    assert_eq!(get("kobliat-tenant", "acme"), 404);
    app.get(&format!("{path}?variant=huge")).expect(422);
    app.get(&format!("{path}?variant=thumbnail")).expect(404);
    app.get(&format!("{path}?nonsense=1")).expect(422);
    app.get("/media/not-an-id/content").expect(404);
}

#[test]
fn breaks_off_when_the_bytes_vanish_meanwhile() {
    let app = TestApp::start();
    let path = content(&app, "a.pdf", &[files::PDF, &vec![1; 2 * CHUNK]].concat());
    app.memory.sqlite().execute_batch("DELETE FROM chunks WHERE number = 1").unwrap();
    let answer = app.get(&path);
    assert!(answer.broke_off && answer.body.len() == CHUNK);
}
