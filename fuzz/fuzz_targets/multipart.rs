//! Any form is taken or refused, in whatever pieces it comes; what is refused leaves nothing behind.
#![no_main]

use std::time::Duration;

use bytes::Bytes;
use futures::stream;
use http::{Method, Request, Response};
use http_body::Frame;
use http_body_util::StreamBody;
use libfuzzer_sys::fuzz_target;
use media::app::{App, Platform};
use media::http::Running;
use media::store::MIGRATIONS;
use sdk::sql::Database;
use sdk::testing::{Memory, block_on};
use sdk::{SystemClock, outgoing::Failure};
use spin_sdk::http::BoxBody;

struct Nothing;

impl Platform for Nothing {
    async fn setting(&self, name: &str) -> Option<String> {
        (name == "media_limit_bytes").then(|| "2000".to_owned())
    }

    /// Files are in the database; nothing is asked for elsewhere.
    async fn send(&self, _: Request<Bytes>, _: Duration) -> Result<Response<BoxBody>, Failure> {
        Err(Failure::Failed("nothing is there".to_owned()))
    }

    async fn sleep(&self, _: Duration) {}
}

thread_local! {
    static SERVICE: (Memory, &'static Running<App<Memory, Nothing>>) = {
        let memory = Memory::new();
        let app = App::new(Database::new(memory.clone(), MIGRATIONS), SystemClock, Nothing);
        block_on(app.database.execute("SELECT 1", Vec::new())).expect("the tables are made");
        (memory, Running::start(app))
    };
}

fn body(bytes: &[u8], piece: usize) -> BoxBody {
    let pieces: Vec<_> = bytes.chunks(piece).map(Bytes::copy_from_slice).collect();
    let frames = pieces.into_iter().map(|piece| Ok::<_, std::convert::Infallible>(Frame::data(piece)));
    spin_sdk::http::box_body(StreamBody::new(stream::iter(frames)))
}

fuzz_target!(|input: (u8, Vec<u8>, Option<String>)| {
    let (piece, bytes, label) = input;
    let label = label.unwrap_or_else(|| "multipart/form-data; boundary=b".to_owned());
    let request = Request::builder().method(Method::POST).uri("/media/upload");
    let request = request.header("kobliat-tenant", "t").header("kobliat-principal", "p").header("kobliat-scopes", "*");
    let Ok(request) = request.header("content-type", label).body(body(&bytes, usize::from(piece) + 1)) else { return };
    SERVICE.with(|(memory, service)| {
        let rows = || memory.scalar("SELECT (SELECT count(*) FROM media) * 1000000 + (SELECT count(*) FROM chunks)");
        let before = rows();
        let status = block_on(service.handle(request)).status().as_u16();
        assert!(status < 500, "{status}");
        assert_eq!(memory.scalar("SELECT count(*) FROM uploads"), 0, "nothing is left on its way");
        assert!(status < 300 || rows() == before, "{status} has left something behind");
    });
});
