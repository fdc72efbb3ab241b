//! The native twin of the webhook path: hyper and rusqlite, without guests and without typed calls.
//!
//! It keeps to what makes the platform's path durable: the same database files, the services' own migrations and statements, and a
//! commit at each point where the platform has one. `one` commits each transaction by itself; `group` shares a commit among all that wait.

pub mod database;
mod media;
mod path;
mod reader;
mod statements;
mod webhook;

pub use media::serve as serve_media;
pub use reader::serve as serve_reader;

use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;

use crate::arguments::Twin;
use crate::hello;

pub fn serve(arguments: &Twin) -> anyhow::Result<()> {
    let path = Arc::new(path::Path::open(&arguments.dir, arguments.commit)?);
    let secret: Arc<[u8]> = arguments.secret.as_bytes().into();
    hello::run(move |request| answer(path.clone(), secret.clone(), request))
}

async fn answer(path: Arc<path::Path>, secret: Arc<[u8]>, request: Request<Incoming>) -> Response<Full<Bytes>> {
    let (parts, body) = request.into_parts();
    let Ok(body) = body.collect().await else { return plain(StatusCode::BAD_REQUEST, "unreadable") };
    let body = body.to_bytes();
    if !webhook::is_signed(&secret, &body, &parts.headers) {
        return plain(StatusCode::UNAUTHORIZED, "the signature is missing or wrong");
    }
    let Some(message) = webhook::read(&body) else { return plain(StatusCode::BAD_REQUEST, "no text message") };
    match path.receive(message, body.clone()).await {
        Ok(is_duplicate) => json(is_duplicate),
        Err(error) => plain(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()),
    }
}

fn json(is_duplicate: bool) -> Response<Full<Bytes>> {
    let (accepted, duplicates) = if is_duplicate { (0, 1) } else { (1, 0) };
    let text = format!(
        r#"{{"status":"received","processed":true,"accepted":{accepted},"duplicates":{duplicates},"ignored":0}}"#
    );
    let mut response = Response::new(Full::new(Bytes::from(text)));
    response.headers_mut().insert("content-type", http::HeaderValue::from_static("application/json"));
    response
}

fn plain(status: StatusCode, text: &str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::copy_from_slice(text.as_bytes())));
    *response.status_mut() = status;
    response
}
