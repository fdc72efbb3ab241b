//! The headers by which a component learns how it was reached, as Spin names them.
//!
//! What a client sends under these names is a forgery and goes away first; Spin itself only appends its own.

use crate::router::Match;
use http::header::{CONNECTION, HOST};
use http::{HeaderMap, HeaderName, HeaderValue, Uri};
use std::net::SocketAddr;

const PATH_INFO: HeaderName = HeaderName::from_static("spin-path-info");
const FULL_URL: HeaderName = HeaderName::from_static("spin-full-url");
const MATCHED_ROUTE: HeaderName = HeaderName::from_static("spin-matched-route");
const BASE_PATH: HeaderName = HeaderName::from_static("spin-base-path");
const RAW_COMPONENT_ROUTE: HeaderName = HeaderName::from_static("spin-raw-component-route");
const COMPONENT_ROUTE: HeaderName = HeaderName::from_static("spin-component-route");
const CLIENT_ADDR: HeaderName = HeaderName::from_static("spin-client-addr");
const PATH_MATCH: &str = "spin-path-match-";

/// Removes what only the host or the gateway may say: `spin-*` and `kobliat-*`, and the connection's own header.
pub fn strip_external(headers: &mut HeaderMap) {
    strip(headers, |name| name.starts_with("spin-") || name.starts_with("kobliat-"));
    headers.remove(CONNECTION);
}

/// Between components `kobliat-*` headers carry the gateway's findings; only the computed ones are replaced.
pub fn strip_internal(headers: &mut HeaderMap) {
    strip(headers, |name| name.starts_with("spin-"));
    headers.remove(CONNECTION);
    headers.remove(HOST);
}

fn strip(headers: &mut HeaderMap, forged: impl Fn(&str) -> bool) {
    let names: Vec<HeaderName> = headers.keys().filter(|name| forged(name.as_str())).cloned().collect();
    for name in names {
        headers.remove(name);
    }
}

/// Tells the component the route that matched, its parameters, and the whole URL.
pub fn add_external(headers: &mut HeaderMap, found: &Match<'_>, uri: &Uri, client: SocketAddr) {
    headers.insert(MATCHED_ROUTE, found.entry.raw.clone());
    headers.insert(RAW_COMPONENT_ROUTE, found.entry.raw.clone());
    headers.insert(COMPONENT_ROUTE, found.entry.without_wildcard.clone());
    insert(headers, PATH_INFO, &found.rest);
    insert(headers, CLIENT_ADDR, &client.to_string());
    for (name, value) in &found.parameters {
        if let Ok(name) = HeaderName::try_from(format!("{PATH_MATCH}{name}")) {
            insert(headers, name, value);
        }
    }
    add_url(headers, uri);
}

/// A request between components matches everything below `/`.
pub fn add_internal(headers: &mut HeaderMap, uri: &Uri) {
    let everything = HeaderValue::from_static("/...");
    headers.insert(MATCHED_ROUTE, everything.clone());
    headers.insert(RAW_COMPONENT_ROUTE, everything);
    headers.insert(COMPONENT_ROUTE, HeaderValue::from_static(""));
    headers.insert(CLIENT_ADDR, HeaderValue::from_static("0.0.0.0:0"));
    insert(headers, PATH_INFO, uri.path());
    add_url(headers, uri);
}

fn add_url(headers: &mut HeaderMap, uri: &Uri) {
    headers.insert(BASE_PATH, HeaderValue::from_static("/"));
    insert(headers, FULL_URL, &uri.to_string());
}

/// A value that no header can carry is left out: the component sees none rather than a wrong one.
fn insert(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}
