//! `X-Twilio-Signature`: HMAC-SHA1 with the auth token over the address that Twilio called and the form's fields.
//!
//! Twilio is not consistent about the address: with or without the port, and with the query as it was registered or
//! escaped anew. So all spellings of it are tried that Twilio's own libraries try, and no other.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, Mac};
use sdk::query::Query;
use sha1::Sha1;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::form::{Form, is_json};

/// The header that carries the signature.
pub const HEADER: &str = "x-twilio-signature";

/// True when `header` is the signature of a call to `url` with this body. An empty token proves nothing.
pub fn is_valid(token: &str, url: &str, body: &[u8], header: &str) -> bool {
    let Ok(claimed) = BASE64_STANDARD.decode(header.trim()) else { return false };
    let Some(fields) = signed_fields(url, body) else { return false };
    !token.is_empty() && variants(url).any(|url| is_mac(token, &url, &fields, &claimed))
}

/// What is signed after the address. A JSON body is signed by its hash, which is in the address: then nothing follows.
fn signed_fields(url: &str, body: &[u8]) -> Option<String> {
    match body_hash(url) {
        Some(hash) => has_hash(body, &hash).then(String::new),
        // Unsigned JSON: whoever has seen one signature could send any.
        None if is_json(body) => None,
        None if body.is_empty() => Some(String::new()),
        None => Form::read(body).map(|form| form.signed()),
    }
}

fn body_hash(url: &str) -> Option<String> {
    let (_, query) = url.split_once('?')?;
    Query::parse(query).ok()?.get("bodySHA256").map(str::to_owned)
}

fn has_hash(body: &[u8], claimed: &str) -> bool {
    hex::decode(claimed).is_ok_and(|claimed| Sha256::digest(body).ct_eq(&claimed).into())
}

fn is_mac(token: &str, url: &str, fields: &str, claimed: &[u8]) -> bool {
    let Ok(mut mac) = Hmac::<Sha1>::new_from_slice(token.as_bytes()) else { return false };
    mac.update(url.as_bytes());
    mac.update(fields.as_bytes());
    mac.verify_slice(claimed).is_ok()
}

/// Without the port and with it, each with the query as it came, as a browser would write it and as Node's `querystring` does.
fn variants(url: &str) -> impl Iterator<Item = String> {
    let spellings = |url: String| [browsers_query(&url), legacy_query(&url), url];
    [without_port(url), with_port(url)].into_iter().flat_map(spellings)
}

/// Of all that may stand in a query as it is, a URL's query has only this escaped (WHATWG URL, "special-query percent-encode set").
fn browsers_query(url: &str) -> String {
    url.split_once('?').map_or_else(|| url.to_owned(), |(path, query)| format!("{path}?{}", query.replace('\'', "%27")))
}

struct Parts<'u> {
    scheme: &'u str,
    host: &'u str,
    port: Option<&'u str>,
    rest: &'u str,
}

/// `None` for what is no absolute address; it is then signed as it is.
fn parts(url: &str) -> Option<Parts<'_>> {
    let (scheme, after) = url.split_once("://")?;
    let (authority, rest) = after.split_at(after.find(['/', '?', '#']).unwrap_or(after.len()));
    let port = authority.rsplit_once(':').filter(|(_, port)| port.bytes().all(|byte| byte.is_ascii_digit()));
    let (host, port) = port.map_or((authority, None), |(host, port)| (host, Some(port)));
    Some(Parts { scheme, host, port, rest })
}

fn without_port(url: &str) -> String {
    parts(url).map_or_else(|| url.to_owned(), |Parts { scheme, host, rest, .. }| format!("{scheme}://{host}{rest}"))
}

fn with_port(url: &str) -> String {
    match parts(url) {
        Some(Parts { scheme, host, port: None, rest }) => {
            let port = if scheme == "https" { 443 } else { 80 };
            format!("{scheme}://{host}:{port}{rest}")
        }
        _ => url.to_owned(),
    }
}

fn legacy_query(url: &str) -> String {
    let Some((before, Ok(query))) = url.split_once('?').map(|(before, query)| (before, Query::parse(query))) else {
        return url.to_owned();
    };
    let pairs: Vec<String> = query.iter().map(|(name, value)| format!("{}={}", escape(name), escape(value))).collect();
    format!("{before}?{}", pairs.join("&"))
}

/// What `querystring.stringify` leaves alone, which is more than RFC 3986 does.
fn escape(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.!~*'()".contains(&byte);
    text.bytes().map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}

#[cfg(test)]
mod tests;
