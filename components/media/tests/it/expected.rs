//! Attachments that are announced before their bytes come: the typed interface, and the bytes by HTTP.

use http::{Method, Request};
use media::{
    app::App,
    bindings::exports::kobliat::media::media::{Error, Expected, Guest, Medium, Status},
    rpc::Lent,
};
use sdk::{
    Context,
    testing::{Memory, block_on},
};

use crate::{Answer, TestApp, World, body, files, request};

thread_local! {
    static APP: &'static TestApp = Box::leak(Box::new(TestApp::start()));
}

struct Component;

impl Lent for Component {
    type Driver = Memory;
    type Platform = World;

    fn app() -> &'static App<Memory, World> {
        APP.with(|app| &app.service.app)
    }
}

fn context() -> Context {
    Context { tenant: "default".into(), ..Context::default() }
}

fn expect(reference: &str, filename: Option<&str>) -> Medium {
    let expected =
        Expected { reference: reference.into(), conversation_id: None, filename: filename.map(str::to_owned) };
    block_on(Component::expect_many(context(), vec![expected])).unwrap().remove(0)
}

fn put(id: &str, bytes: &[u8], sha256: Option<&str>) -> Answer {
    let mut request: Request<_> = request(Method::PUT, &format!("/media/{id}/content")).body(body(bytes, 999)).unwrap();
    if let Some(sha256) = sha256 {
        request.headers_mut().insert("kobliat-sha256", sha256.parse().unwrap());
    }
    APP.with(|app| app.handle(request))
}

#[test]
fn is_pending_until_its_bytes_are_here() {
    let app = APP.with(|app| *app);
    let announced = expect("wamid.1", None);
    assert_eq!((announced.status, announced.size), (Status::Pending, None));
    assert_eq!(expect("wamid.1", None).id, announced.id, "the same reference is the same attachment");
    let path = format!("/media/{}", announced.id);
    assert_eq!(app.get(&path).expect(200).json()["status"], "pending");
    app.get(&format!("{path}/content")).expect(409);
    app.get(&format!("{path}/download")).expect(409);

    let ready = put(&announced.id, &files::png(400, 200), None).expect(200).json();
    assert_eq!(
        (&ready["status"], &ready["filename"], &ready["width"]),
        (&"ready".into(), &"file.png".into(), &400.into())
    );
    assert_eq!(app.get(&format!("{path}/content")).expect(200).body, files::png(400, 200));
    // Again, by whoever did not hear the answer.
    assert_eq!(put(&announced.id, b"other", None).expect(200).json(), ready);
    let known = block_on(Component::get_many(context(), vec![announced.id.clone(), "x".into()])).unwrap();
    assert_eq!((known.len(), known[0].status, known[0].mime_type.as_deref()), (1, Status::Ready, Some("image/png")));
    assert_eq!(app.rows(), [0, 1, 1, 1, 1]);
    app.send(Method::DELETE, &path).expect(204);
    app.holds_nothing();
}

#[test]
fn stays_pending_when_the_wrong_bytes_come() {
    let app = APP.with(|app| *app);
    let id = expect("wamid.2", Some("../offer.pdf")).id;
    let right = "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"; // SHA-256 of `x`
    put(&id, files::PDF, Some(right)).expect(409);
    put(&id, files::ZIP, None).expect(415);
    put(&id, b"", None).expect(422);
    assert_eq!(app.rows(), [0, 0, 0, 0, 1]);
    let media = put(&id, b"x", Some(&right.to_uppercase())).expect(200).json();
    assert_eq!(media["filename"], "offer.pdf");
    put(&sdk::ids::new(), b"x", None).expect(404);
}

#[test]
fn fails_once_and_not_when_it_is_here() {
    let app = APP.with(|app| *app);
    let gone = expect("wamid.3", None).id;
    let failed = block_on(Component::fail(context(), gone.clone(), "the provider has deleted it".into())).unwrap();
    assert_eq!((failed.status, failed.failure.as_deref()), (Status::Failed, Some("the provider has deleted it")));
    let problem = app.get(&format!("/media/{gone}/content")).expect(409).json();
    assert_eq!(problem["detail"], "the attachment could not be fetched from where it was sent");
    // It came after all.
    assert_eq!(put(&gone, b"late words", None).expect(200).json()["failure"], serde_json::Value::Null);
    let here = block_on(Component::fail(context(), gone, "again".into())).unwrap();
    assert_eq!(here.status, Status::Ready);
    let unknown = block_on(Component::fail(context(), "x".into(), String::new()));
    assert!(matches!(unknown, Err(Error::NotFound)));
}

#[test]
fn refuses_announcements_that_make_no_sense() {
    let announce = |reference: &str, conversation: Option<&str>| {
        let conversation_id = conversation.map(str::to_owned);
        let expected = Expected { reference: reference.into(), conversation_id, filename: None };
        block_on(Component::expect_many(context(), vec![expected]))
    };
    assert!(matches!(announce("", None), Err(Error::Invalid(_))));
    assert!(matches!(announce("a", Some("b")), Err(Error::Invalid(_))));
    assert!(matches!(announce(&"a".repeat(600), None), Err(Error::Invalid(_))));
    assert!(matches!(block_on(Component::get_many(context(), vec![String::new(); 501])), Err(Error::Invalid(_))));
}
