//! AWS Signature Version 4 in headers: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use hmac::{Hmac, Mac};
use http::{HeaderName, HeaderValue, Request, Uri, header};
use sdk::Micros;
use sha2::{Digest, Sha256};

const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// Who signs, and for where.
pub struct Signer {
    pub access_key_id: String,
    pub secret_access_key: String,
    /// Of temporary credentials.
    pub session_token: Option<String>,
    pub region: String,
    pub service: &'static str,
}

impl Signer {
    /// Adds `x-amz-date`, `x-amz-security-token` and `authorization`. Every header that is there is signed, and the host of the address;
    /// path and query have to be escaped already, as [`sdk::query::percent_encode`] does it.
    pub fn sign<B>(&self, request: &mut Request<B>, payload_sha256: &str, now: Micros) {
        let time = compact(now);
        let day = time.get(..8).unwrap_or_default();
        insert(request, HeaderName::from_static("x-amz-date"), &time);
        if let Some(token) = &self.session_token {
            insert(request, HeaderName::from_static("x-amz-security-token"), token);
        }
        let (headers, names) = canonical_headers(request);
        let (method, path, query) = (request.method(), request.uri().path(), canonical_query(request.uri()));
        let canonical = format!("{method}\n{path}\n{query}\n{headers}\n{names}\n{payload_sha256}");
        let scope = format!("{day}/{}/{}/aws4_request", self.region, self.service);
        let to_sign = format!("{ALGORITHM}\n{time}\n{scope}\n{}", sha256_hex(canonical.as_bytes()));
        let signature = hex::encode(mac(&self.key(day), &to_sign));
        let credential = format!("{}/{scope}", self.access_key_id);
        let proof = format!("{ALGORITHM} Credential={credential}, SignedHeaders={names}, Signature={signature}");
        insert(request, header::AUTHORIZATION, &proof);
    }

    /// Good for a day, a region and a service.
    fn key(&self, day: &str) -> Vec<u8> {
        let secret = format!("AWS4{}", self.secret_access_key).into_bytes();
        [day, &self.region, self.service, "aws4_request"].iter().fold(secret, |key, word| mac(&key, word))
    }
}

pub fn sha256_hex(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

/// `20150830T123600Z`.
fn compact(now: Micros) -> String {
    let digits: String = sdk::clock::rfc3339(now).chars().filter(|c| !matches!(c, '-' | ':')).collect();
    format!("{}Z", digits.get(..15).unwrap_or_default())
}

fn insert<B>(request: &mut Request<B>, name: HeaderName, value: &str) {
    // A value that no header can hold leaves the request without it, and the store says what is missing.
    if let Ok(value) = HeaderValue::from_str(value) {
        request.headers_mut().insert(name, value);
    }
}

/// In order of their names, their values trimmed and joined; and the names.
fn canonical_headers<B>(request: &Request<B>) -> (String, String) {
    let mut lines: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    // The host sends it: it is no header of the guest's.
    let host = request.uri().authority().map(|host| host.as_str().to_owned());
    lines.insert("host", Vec::from_iter(host));
    for (name, value) in request.headers() {
        let words: Vec<&str> = value.to_str().unwrap_or_default().split_ascii_whitespace().collect();
        lines.entry(name.as_str()).or_default().push(words.join(" "));
    }
    let headers = lines.iter().map(|(name, values)| format!("{name}:{}\n", values.join(","))).collect();
    (headers, lines.into_keys().collect::<Vec<_>>().join(";"))
}

fn canonical_query(uri: &Uri) -> String {
    let query = uri.query().unwrap_or_default();
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    let mut pairs: Vec<_> = pairs.map(|pair| pair.split_once('=').unwrap_or((pair, ""))).collect();
    pairs.sort_unstable();
    pairs.into_iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
}

fn mac(key: &[u8], text: &str) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("a key of any length will do");
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}
