//! `/openapi.json`, and `/docs`: a viewer of it that needs nothing from the internet.

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, VARY};
use http::{HeaderName, HeaderValue, Response};
use sha2::{Digest, Sha256};

use crate::clients::Body;
use crate::reply::whole;
use sdk::Problem;

/// The viewer runs its own script and asks this gateway only; its styles and icons are partly inline.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);

struct File {
    path: &'static str,
    content_type: &'static str,
    /// Compressed; there is no browser that cannot read it.
    is_gzip: bool,
    content: &'static [u8],
}

const FILES: &[File] = &[
    File {
        path: "/docs",
        content_type: "text/html; charset=utf-8",
        is_gzip: false,
        content: include_bytes!("../viewer/index.html"),
    },
    File {
        path: "/docs/start.js",
        content_type: "text/javascript; charset=utf-8",
        is_gzip: false,
        content: include_bytes!("../viewer/start.js"),
    },
    File {
        path: "/docs/swagger-ui-bundle.js",
        content_type: "text/javascript; charset=utf-8",
        is_gzip: true,
        content: include_bytes!("../viewer/swagger-ui-bundle.js.gz"),
    },
    File {
        path: "/docs/swagger-ui.css",
        content_type: "text/css; charset=utf-8",
        is_gzip: true,
        content: include_bytes!("../viewer/swagger-ui.css.gz"),
    },
];

/// The file at this path, if it is one of the viewer's. The page names its files relative to itself, so that it works below any path.
pub fn file(path: &str) -> Option<Response<Body>> {
    let file = FILES.iter().find(|file| file.path == path.strip_suffix('/').unwrap_or(path))?;
    let content = match path {
        "/docs/" => Bytes::from(String::from_utf8_lossy(file.content).replace("\"docs/", "\"")),
        _ => Bytes::from_static(file.content),
    };
    let mut response = Response::new(crate::reply::buffered(content.clone()));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(file.content_type));
    headers.insert(http::header::CONTENT_LENGTH, content.len().into());
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=3600"));
    headers.insert(CONTENT_SECURITY_POLICY, POLICY);
    headers.extend(tag(&content));
    if file.is_gzip {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        headers.insert(VARY, HeaderValue::from_static("Accept-Encoding"));
    }
    Some(response)
}

/// `prefix`: the path below which the world reaches the platform.
pub fn openapi(prefix: &str) -> Result<Response<Body>, Problem> {
    let mut answer = sdk::response::ok(&crate::openapi::document_below(prefix))?;
    let tag = tag(answer.body());
    answer.headers_mut().extend(tag);
    Ok(whole(answer))
}

fn tag(content: &[u8]) -> Option<(HeaderName, HeaderValue)> {
    let hash = Sha256::digest(content);
    let text: String = hash.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    HeaderValue::from_str(&format!("\"{text}\"")).ok().map(|tag| (ETAG, tag))
}
