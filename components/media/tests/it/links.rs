//! Links that work without a credential, for a while.

use http::{Method, Request};

use crate::{TestApp, body, files, request};

crate::on_both! {
    works_until_it_expires,
    opens_nothing_but_what_it_was_made_for,
    begins_where_the_deployment_says_or_the_client_came,
}

/// As the gateway forwards what a stranger asks.
fn follow(app: &TestApp, url: &str) -> crate::Answer {
    let path = url.strip_prefix("/api/v1").unwrap_or(url);
    app.handle(Request::builder().uri(path).body(body(&[], 1)).unwrap())
}

fn link(app: &TestApp, id: &str, query: &str) -> String {
    let answer = app.get(&format!("/media/{id}/download{query}")).expect(200).json();
    assert_eq!(answer["expires_in_seconds"], 3600);
    answer["download_url"].as_str().unwrap().to_owned()
}

fn works_until_it_expires(app: &TestApp) {
    let media = app.stored("a.png", &files::png(400, 400));
    let id = media["id"].as_str().unwrap();
    let url = link(app, id, "");
    let got = follow(app, &url).expect(200);
    assert_eq!(
        (got.body, got.headers["cache-control"].to_str().unwrap()),
        (files::png(400, 400), "private, max-age=3600")
    );
    let small = follow(app, &link(app, id, "?variant=thumbnail")).expect(200);
    assert_eq!(small.header("content-type"), "image/jpeg");
    app.advance(3600 * 1_000_000);
    assert_eq!(follow(app, &url).expect(403).json()["code"], "link_expired");
    assert_eq!(app.rows(), [0, 1, 1, 1, 1], "a look changes nothing");
}

fn opens_nothing_but_what_it_was_made_for(app: &TestApp) {
    let (one, two) = (app.stored("a.png", &files::png(400, 1)), app.stored("b.png", &files::png(1, 400)));
    let (one, two) = (one["id"].as_str().unwrap(), two["id"].as_str().unwrap());
    let url = link(app, one, "");
    for changed in [
        url.replace(one, two),
        url.replace("tenant=default", "tenant=acme"),
        url.replace("?", "?variant=thumbnail&"),
        url.replace("expires=1", "expires=9"),
        url.replace("signature=", "signature=0"),
        format!("{}00", url),
    ] {
        assert_eq!(follow(app, &changed).expect(403).json()["code"], "bad_signature", "{changed}");
    }
    // A parameter twice is no link of ours.
    follow(app, &format!("{url}&tenant=acme")).expect(422);
    app.set("media_link_secret", "another");
    follow(app, &url).expect(403);
}

fn begins_where_the_deployment_says_or_the_client_came(app: &TestApp) {
    let media = app.stored("a.txt", b"words");
    let path = format!("/media/{}/download", media["id"].as_str().unwrap());
    assert!(app.get(&path).json()["download_url"].as_str().unwrap().starts_with("/api/v1/media/"));
    let ask = request(Method::GET, &path).header("kobliat-public-url", "http://127.0.0.1:3000");
    let url = app.handle(ask.body(body(&[], 1)).unwrap()).json()["download_url"].clone();
    assert!(url.as_str().unwrap().starts_with("http://127.0.0.1:3000/api/v1/media/"), "{url}");
    app.set("public_base_url", "https://kobliat.example/");
    let url = app.get(&path).json()["download_url"].clone();
    assert!(url.as_str().unwrap().starts_with("https://kobliat.example/api/v1/media/"), "{url}");
    app.get(&format!("{path}?variant=thumbnail")).expect(404);
    app.get(&format!("{path}?variant=huge")).expect(422);
}
