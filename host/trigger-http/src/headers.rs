//! The headers by which a component learns how it was reached, as Spin names them.
//!
//! What a client sends under these names is a forgery and goes away first; Spin itself only appends its own.

use crate::router::Match;
use bytes::Bytes;
use http::header::{CONNECTION, HOST};
use http::{HeaderMap, HeaderName, HeaderValue, Uri};

const PATH_INFO: HeaderName = HeaderName::from_static("spin-path-info");
const FULL_URL: HeaderName = HeaderName::from_static("spin-full-url");
const MATCHED_ROUTE: HeaderName = HeaderName::from_static("spin-matched-route");
const BASE_PATH: HeaderName = HeaderName::from_static("spin-base-path");
const RAW_COMPONENT_ROUTE: HeaderName = HeaderName::from_static("spin-raw-component-route");
const COMPONENT_ROUTE: HeaderName = HeaderName::from_static("spin-component-route");
const CLIENT_ADDR: HeaderName = HeaderName::from_static("spin-client-addr");
const PATH_MATCH: &str = "spin-path-match-";

/// Those above, without the parameters: the map grows once for all of them.
const ADDED: usize = 7;

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

/// Tells the component the route that matched, its parameters, and the whole URL. `client` is an address with its port.
pub fn add_external(headers: &mut HeaderMap, found: &Match<'_>, uri: &Uri, client: HeaderValue) {
    headers.reserve(ADDED + found.parameters.len());
    headers.insert(MATCHED_ROUTE, found.entry.raw.clone());
    headers.insert(RAW_COMPONENT_ROUTE, found.entry.raw.clone());
    headers.insert(COMPONENT_ROUTE, found.entry.without_wildcard.clone());
    headers.insert(CLIENT_ADDR, client);
    insert(headers, PATH_INFO, &found.rest);
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
    headers.reserve(ADDED);
    headers.insert(MATCHED_ROUTE, everything.clone());
    headers.insert(RAW_COMPONENT_ROUTE, everything);
    headers.insert(COMPONENT_ROUTE, HeaderValue::from_static(""));
    headers.insert(CLIENT_ADDR, HeaderValue::from_static("0.0.0.0:0"));
    insert(headers, PATH_INFO, uri.path());
    add_url(headers, uri);
}

fn add_url(headers: &mut HeaderMap, uri: &Uri) {
    headers.insert(BASE_PATH, HeaderValue::from_static("/"));
    insert_bytes(headers, FULL_URL, written(uri).into());
}

/// As `Display` has it, which takes ten times as long.
fn written(uri: &Uri) -> Vec<u8> {
    let scheme = uri.scheme_str().map_or(["", ""], |scheme| [scheme, "://"]);
    let authority = uri.authority().map_or("", |authority| authority.as_str());
    let query = uri.query().map_or(["", ""], |query| ["?", query]);
    [scheme[0], scheme[1], authority, uri.path(), query[0], query[1]].concat().into_bytes()
}

fn insert(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    insert_bytes(headers, name, Bytes::copy_from_slice(value.as_bytes()));
}

/// A value that no header can carry is left out: the component sees none rather than a wrong one.
fn insert_bytes(headers: &mut HeaderMap, name: HeaderName, value: Bytes) {
    if let Ok(value) = HeaderValue::from_maybe_shared(value) {
        headers.insert(name, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_url_is_what_was_asked_for() {
        for url in ["http://example.com:3000/a/b?c=d&e", "https://example.com/", "http://example.com/?", "/a?b", "/"] {
            let uri: Uri = url.parse().unwrap();
            assert_eq!(String::from_utf8(written(&uri)).unwrap(), uri.to_string());
        }
    }
}
