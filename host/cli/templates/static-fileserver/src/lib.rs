//! Serves the files that spin.toml mounts: `/` is index.html, and so is the path of a folder.

use bytes::Bytes;
use spin_sdk::http::{FullBody, HeaderMap, HeaderValue, IntoResponse, Method, Request, StatusCode};
use spin_sdk::http_service;
use std::path::{Component, Path, PathBuf};

#[http_service]
async fn handle(request: Request) -> impl IntoResponse {
    if request.method() != Method::GET && request.method() != Method::HEAD {
        return answer(StatusCode::METHOD_NOT_ALLOWED, "text/plain", "only GET and HEAD\n");
    }
    let path = request.headers().get("spin-path-info").and_then(|path| path.to_str().ok()).unwrap_or("/");
    let Some(file) = file_of(path) else { return answer(StatusCode::BAD_REQUEST, "text/plain", "no such path\n") };
    match std::fs::read(&file) {
        Ok(bytes) => answer(StatusCode::OK, content_type(&file), bytes),
        Err(_) => answer(StatusCode::NOT_FOUND, "text/plain", "not found\n"),
    }
}

fn answer(
    status: StatusCode,
    content_type: &'static str,
    body: impl Into<Bytes>,
) -> (StatusCode, HeaderMap, FullBody<Bytes>) {
    let mut headers = HeaderMap::new();
    headers.insert("content-type", HeaderValue::from_static(content_type));
    (status, headers, FullBody::new(body.into()))
}

/// The file of a path, which may lead nowhere but down.
fn file_of(path: &str) -> Option<PathBuf> {
    let path = Path::new(path.trim_start_matches('/'));
    if path.components().any(|part| !matches!(part, Component::Normal(_))) {
        return None;
    }
    let file = Path::new("/").join(path);
    Some(if file.is_dir() { file.join("index.html") } else { file })
}

fn content_type(file: &Path) -> &'static str {
    match file.extension().and_then(|extension| extension.to_str()) {
        Some("html") => "text/html; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("json") => "application/json",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("jpg" | "jpeg") => "image/jpeg",
        Some("txt") => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}
