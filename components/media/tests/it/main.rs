//! The media service on its real SQL, in memory; bodies stream as they do in the component.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "in a test, a panic is the message; clippy.toml covers test functions only"
)]

mod deleting;
mod downloading;
mod expected;
mod files;
mod hostile;
mod links;
mod objects;
mod office;
mod pictures;
mod plans;
mod quotas;
mod uploading;

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    rc::Rc,
    time::Duration,
};

use bytes::Bytes;
use futures::stream;
use http::{HeaderMap, Method, Request, Response};
use http_body_util::{BodyExt, StreamBody};
use media::{
    app::{App, Platform},
    http::Running,
    store::MIGRATIONS,
};
use sdk::{
    Clock, Micros,
    outgoing::Failure,
    sql::Database,
    testing::{Memory, block_on, yield_once},
};
use serde_json::Value;
use spin_sdk::http::BoxBody;

const NOW: Micros = 1_749_416_383_000_000;
const CHUNK: usize = 256 << 10;

#[derive(Clone, Default)]
struct World(Rc<Inner>);

#[derive(Default)]
struct Inner {
    settings: RefCell<BTreeMap<String, String>>,
    now: Cell<Micros>,
    /// For how long something waited.
    slept: RefCell<Vec<Duration>>,
}

impl Platform for World {
    async fn setting(&self, name: &str) -> Option<String> {
        self.0.settings.borrow().get(name).cloned().filter(|value| !value.is_empty())
    }

    async fn send(&self, request: Request<Bytes>, patience: Duration) -> Result<Response<BoxBody>, Failure> {
        yield_once().await;
        objects::client::send(&request, patience)
    }

    /// Long enough for what goes on beside it.
    async fn sleep(&self, duration: Duration) {
        self.0.slept.borrow_mut().push(duration);
        for _ in 0..2000 {
            yield_once().await;
        }
    }
}

impl Clock for World {
    fn now(&self) -> Micros {
        self.0.now.get()
    }
}

struct TestApp {
    memory: Memory,
    world: World,
    service: &'static Running<App<Memory, World>>,
    /// Where the bytes are, when they are not in the database.
    store: Option<objects::Store>,
}

/// Each test twice: with the bytes in the database, and in a bucket.
macro_rules! on_both {
    ($($name:ident),+ $(,)?) => {
        mod database {
            $(#[test] fn $name() { super::$name(&crate::TestApp::start()); })+
        }
        mod bucket {
            $(#[test] fn $name() { super::$name(&crate::TestApp::with_bucket()); })+
        }
    };
}
use on_both;

/// An answer, read to its end; `broke_off` when that did not come.
struct Answer {
    status: u16,
    headers: HeaderMap,
    body: Vec<u8>,
    broke_off: bool,
}

impl Answer {
    #[track_caller]
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("no JSON: {} {:?}", self.status, self.body))
    }

    #[track_caller]
    fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", String::from_utf8_lossy(&self.body));
        self
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

impl TestApp {
    fn start() -> Self {
        let (memory, world) = (Memory::new(), World::default());
        world.0.now.set(NOW);
        let app = App::new(Database::new(memory.clone(), MIGRATIONS), world.clone(), world.clone());
        block_on(app.database.execute("SELECT 1", Vec::new())).unwrap();
        let app = Self { memory, world, service: Running::start(app), store: None };
        app.set("media_link_secret", "a secret of the deployment");
        app
    }

    fn with_bucket() -> Self {
        let store = objects::Store::start();
        let app = Self { store: Some(store.clone()), ..Self::start() };
        app.use_bucket(&format!("http://{}", store.address));
        app
    }

    fn use_bucket(&self, endpoint: &str) {
        for (name, value) in [
            ("media_storage", "s3"),
            ("s3_endpoint", endpoint),
            ("s3_bucket", objects::BUCKET),
            ("s3_region", objects::REGION),
            ("s3_access_key_id", objects::KEY_ID),
            ("s3_secret_access_key", objects::SECRET),
        ] {
            self.set(name, value);
        }
    }

    fn set(&self, name: &str, value: &str) {
        self.world.0.settings.borrow_mut().insert(name.to_owned(), value.to_owned());
    }

    fn advance(&self, by: Micros) {
        self.world.0.now.set(self.world.0.now.get() + by);
    }

    fn handle(&self, request: Request<BoxBody>) -> Answer {
        let (parts, mut body) = block_on(self.service.handle(request)).into_parts();
        let (mut bytes, mut broke_off) = (Vec::new(), false);
        while let Some(frame) = block_on(body.frame()) {
            match frame {
                Ok(frame) => bytes.extend(frame.into_data().unwrap_or_default()),
                Err(_) => broke_off = true,
            }
        }
        Answer { status: parts.status.as_u16(), headers: parts.headers, body: bytes, broke_off }
    }

    fn send(&self, method: Method, path: &str) -> Answer {
        self.handle(request(method, path).body(body(&[], 1)).unwrap())
    }

    fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path)
    }

    fn upload(&self, form: &Form) -> Answer {
        self.handle(form.request())
    }

    /// The attachment that this file becomes.
    #[track_caller]
    fn stored(&self, name: &str, bytes: &[u8]) -> Value {
        self.upload(&Form::file(name, bytes)).expect(201).json()
    }

    /// How many rows each table has. A file in the bucket counts as a chunk.
    fn rows(&self) -> [i64; 5] {
        let mut rows = ["uploads", "chunks", "contents", "variants", "media"]
            .map(|table| self.memory.scalar(&format!("SELECT count(*) FROM {table}")));
        if let Some(store) = &self.store {
            assert_eq!(rows[1], 0, "chunks in the database");
            let state = store.state();
            assert!(state.uploads.is_empty(), "unfinished uploads in the bucket: {:?}", state.uploads.keys());
            let files = state.objects.keys().filter(|key| key.ends_with("/original")).count();
            assert_eq!((state.objects.len() - files) as i64, rows[3], "thumbnails in the bucket");
            rows[1] = files as i64;
        }
        rows
    }

    #[track_caller]
    fn holds_nothing(&self) {
        assert_eq!(self.rows(), [0; 5], "uploads, chunks, contents, variants, media");
    }
}

/// As the gateway forwards it: tenant `default`, every right.
fn request(method: Method, path: &str) -> http::request::Builder {
    let request = Request::builder().method(method).uri(path).header("kobliat-tenant", "default");
    request.header("kobliat-principal", "key:test").header("kobliat-scopes", "*")
}

/// A body that comes in pieces of this size.
fn body(bytes: &[u8], piece: usize) -> BoxBody {
    let pieces: Vec<_> = bytes.chunks(piece).map(Bytes::copy_from_slice).collect();
    let frames = pieces.into_iter().map(|piece| Ok::<_, std::convert::Infallible>(http_body::Frame::data(piece)));
    spin_sdk::http::box_body(StreamBody::new(stream::iter(frames)))
}

/// A body that breaks off.
fn broken(bytes: &[u8]) -> BoxBody {
    let frames = [Ok(http_body::Frame::data(Bytes::copy_from_slice(bytes))), Err(std::io::Error::other("reset"))];
    spin_sdk::http::box_body(StreamBody::new(stream::iter(frames)))
}

const BOUNDARY: &str = "----boundary7MA4YWxkTrZu0gW";

/// A form as a browser sends it.
#[derive(Clone, Default)]
struct Form(Vec<u8>);

impl Form {
    fn file(name: &str, bytes: &[u8]) -> Self {
        Self::default().with_file(name, bytes)
    }

    fn with_file(self, name: &str, bytes: &[u8]) -> Self {
        self.part(&format!("form-data; name=\"file\"; filename=\"{name}\"\r\nContent-Type: text/plain"), bytes)
    }

    fn field(self, name: &str, value: &str) -> Self {
        self.part(&format!("form-data; name=\"{name}\""), value.as_bytes())
    }

    fn part(mut self, disposition: &str, bytes: &[u8]) -> Self {
        self.0.extend(format!("--{BOUNDARY}\r\nContent-Disposition: {disposition}\r\n\r\n").as_bytes());
        self.0.extend(bytes);
        self.0.extend(b"\r\n");
        self
    }

    fn bytes(&self) -> Vec<u8> {
        [self.0.as_slice(), format!("--{BOUNDARY}--\r\n").as_bytes()].concat()
    }

    fn request(&self) -> Request<BoxBody> {
        post(self.bytes().as_slice(), 16 << 10)
    }
}

fn post(bytes: &[u8], piece: usize) -> Request<BoxBody> {
    request(Method::POST, "/media/upload")
        .header("content-type", format!("multipart/form-data; boundary={BOUNDARY}"))
        .body(body(bytes, piece))
        .unwrap()
}
