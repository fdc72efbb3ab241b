//! What a request says of who sends it: the credentials in its headers, unchecked, in the order in which they count.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::keys;
use crate::users::MAX_PASSWORD;

const X_API_KEY: HeaderName = HeaderName::from_static("x-api-key");
/// Where the host says who is at the other end; it removes what a client sends under this name.
const CLIENT_ADDR: HeaderName = HeaderName::from_static("spin-client-addr");

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Credential {
    /// An API key.
    Secret(String),
    /// A JSON Web Token: three parts, two dots.
    Token(String),
    Password {
        login: String,
        password: String,
    },
}

pub struct Presented {
    /// Whether the client tried at all, if only with a scheme that is not understood.
    pub any: bool,
    pub credentials: Vec<Credential>,
}

/// Two headers of one name say two things where one is meant.
#[derive(Debug, PartialEq, Eq)]
pub struct Ambiguous(pub HeaderName);

pub fn presented(headers: &HeaderMap) -> Result<Presented, Ambiguous> {
    let (api_key, authorization) = (only(headers, X_API_KEY)?, only(headers, AUTHORIZATION)?);
    let secret = api_key.and_then(|value| value.to_str().ok()).map(str::trim).and_then(secret);
    let authorized = authorization.and_then(|value| value.to_str().ok()).and_then(authorized);
    Ok(Presented {
        any: api_key.is_some() || authorization.is_some(),
        credentials: secret.into_iter().chain(authorized).collect(),
    })
}

fn only(headers: &HeaderMap, name: HeaderName) -> Result<Option<&HeaderValue>, Ambiguous> {
    let mut values = headers.get_all(&name).iter();
    let first = values.next();
    if values.next().is_some() { Err(Ambiguous(name)) } else { Ok(first) }
}

fn secret(text: &str) -> Option<Credential> {
    keys::is_plausible(text).then(|| Credential::Secret(text.to_owned()))
}

/// The scheme's name is not case-sensitive (RFC 9110, 11.1).
fn authorized(value: &str) -> Option<Credential> {
    let (scheme, rest) = value.trim().split_once(' ')?;
    let rest = rest.trim();
    match scheme.to_ascii_lowercase().as_str() {
        "bearer" if is_token(rest) => Some(Credential::Token(rest.to_owned())),
        "bearer" => secret(rest),
        "basic" => basic(rest),
        _ => None,
    }
}

/// Compact serialisation (RFC 7515, 7.1), which no key of ours looks like.
fn is_token(text: &str) -> bool {
    text.bytes().filter(|byte| *byte == b'.').count() == 2
}

/// The name and the password of HTTP Basic (RFC 7617), in UTF-8. Passwords are trimmed where they are set, so here too.
pub fn basic(encoded: &str) -> Option<Credential> {
    // A name of 128 and a password of 256 characters, of four bytes at most, in Base64.
    if encoded.len() > 8 * MAX_PASSWORD {
        return None;
    }
    let text = String::from_utf8(STANDARD.decode(encoded).ok()?).ok()?;
    let (login, password) = text.split_once(':')?;
    Some(Credential::Password { login: login.trim().to_owned(), password: password.trim().to_owned() })
}

/// The client's address, as the host saw it; empty when it does not say.
pub fn address(headers: &HeaderMap) -> &str {
    let text = headers.get(CLIENT_ADDR).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let host = text.rsplit_once(':').map_or(text, |(host, _port)| host);
    host.trim_start_matches('[').trim_end_matches(']')
}

/// Whom failed attempts are counted against: an address, or the network of an IPv6 one, because who has one has 2⁶⁴.
pub fn source(headers: &HeaderMap) -> String {
    let address = address(headers);
    match address.parse::<std::net::Ipv6Addr>() {
        Ok(v6) if v6.to_ipv4_mapped().is_none() => {
            let [a, b, c, d, ..] = v6.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
        _ => address.to_owned(),
    }
}
