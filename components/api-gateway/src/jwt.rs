//! JSON Web Tokens (RFC 7515, 7519): taken apart and checked against keys that know their own algorithm.

pub mod claims;
pub mod issuer;
pub mod jwk;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use jwk::{Algorithm, Key};
use sdk::strict;

/// Longer ones (8 KiB) than any identity provider's; it bounds the work on a made-up one.
pub const MAX_BYTES: usize = 8 * 1024;

/// A token as it came, with nothing believed of it yet.
pub struct Token<'a> {
    pub header: Header,
    /// What the signature is over.
    signed: &'a str,
    payload: Vec<u8>,
    signature: Vec<u8>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    pub algorithm: Algorithm,
    pub key_id: Option<String>,
    /// `typ`, in lower case and without `application/`.
    pub kind: Option<String>,
}

impl<'a> Token<'a> {
    /// `None` for what is no token, or asks for something that is not understood (`crit`, `alg: none`, an unknown algorithm).
    pub fn parse(text: &'a str) -> Option<Self> {
        if text.len() > MAX_BYTES {
            return None;
        }
        let (signed, signature) = text.rsplit_once('.')?;
        let (header, payload) = signed.split_once('.')?;
        Some(Self {
            header: Header::parse(&decode(header)?)?,
            signed,
            payload: decode(payload)?,
            signature: decode(signature)?,
        })
    }

    /// The claims, when one of the keys has signed them. A key is asked only for its own algorithm: a public RSA key can never
    /// serve as a secret. A named key must be the one of that name.
    pub fn verify(&self, keys: &[Key]) -> Option<Map<String, Value>> {
        let named = |key: &&Key| self.header.key_id.is_none() || key.id == self.header.key_id;
        let fits = |key: &Key| key.algorithm() == self.header.algorithm && key.verifies(self.signed, &self.signature);
        keys.iter().filter(named).any(fits).then(|| object(&self.payload))?
    }

    /// The issuer that an unverified token names: only to find the keys that may verify it.
    pub fn claimed_issuer(&self) -> Option<String> {
        object(&self.payload)?.get("iss")?.as_str().map(str::to_owned)
    }

    /// The signed bytes that are claims, or anything else; for signatures over what is no token.
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }
}

impl Header {
    fn parse(bytes: &[u8]) -> Option<Self> {
        let members = object(bytes)?;
        // What must be understood is not understood here (RFC 7515, 4.1.11).
        if members.contains_key("crit") || members.contains_key("b64") {
            return None;
        }
        let text = |name: &str| match members.get(name) {
            None => Some(None),
            Some(Value::String(text)) => Some(Some(text.clone())),
            Some(_) => None,
        };
        let kind = text("typ")?.map(|kind| kind.to_ascii_lowercase().trim_start_matches("application/").to_owned());
        Some(Self { algorithm: Algorithm::parse(&text("alg")??)?, key_id: text("kid")?, kind })
    }
}

fn decode(part: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(part).ok()
}

/// A JSON object with no name twice.
fn object(bytes: &[u8]) -> Option<Map<String, Value>> {
    let text = std::str::from_utf8(bytes).ok()?;
    strict::check(text).ok()?;
    serde_json::from_str(text).ok()
}
