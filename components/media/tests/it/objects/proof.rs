//! What the store checks of a signature, from the specification and not from the component's code.

use std::collections::BTreeMap;

use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};

pub const KEY_ID: &str = "AKIDEXAMPLE";
pub const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
pub const REGION: &str = "eu-test-1";

/// The error's code, as S3 has it.
pub fn verify(method: &str, target: &str, headers: &[(String, String)], body: &[u8]) -> Result<(), &'static str> {
    let one = |name: &str| headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
    let claimed = one("x-amz-content-sha256").ok_or("MissingSecurityHeader")?;
    if claimed != sha256_hex(body) {
        return Err("XAmzContentSHA256Mismatch");
    }
    let (time, proof) = (one("x-amz-date").ok_or("AccessDenied")?, one("authorization").ok_or("AccessDenied")?);
    let fields: BTreeMap<&str, &str> = proof
        .strip_prefix("AWS4-HMAC-SHA256 ")
        .ok_or("AccessDenied")?
        .split(", ")
        .filter_map(|field| field.split_once('='))
        .collect();
    let scope = format!("{}/{REGION}/s3/aws4_request", &time[..8]);
    if fields["Credential"] != format!("{KEY_ID}/{scope}") {
        return Err("InvalidAccessKeyId");
    }
    let names: Vec<&str> = fields["SignedHeaders"].split(';').collect();
    // S3 wants the host, and every x-amz- header.
    let is_bare = |(name, _): &(String, String)| name.starts_with("x-amz-") && !names.contains(&name.as_str());
    if !names.contains(&"host") || headers.iter().any(is_bare) {
        return Err("AccessDenied");
    }
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let mut pairs: Vec<String> = query.split('&').filter(|pair| !pair.is_empty()).map(str::to_owned).collect();
    pairs.iter_mut().for_each(|pair| {
        if !pair.contains('=') {
            pair.push('=')
        }
    });
    pairs.sort();
    let lines: String = names.iter().map(|name| format!("{name}:{}\n", one(name).unwrap_or_default())).collect();
    let canonical = format!("{method}\n{path}\n{}\n{lines}\n{}\n{claimed}", pairs.join("&"), fields["SignedHeaders"]);
    let text = format!("AWS4-HMAC-SHA256\n{time}\n{scope}\n{}", sha256_hex(canonical.as_bytes()));
    let mut key = format!("AWS4{SECRET}").into_bytes();
    for word in scope.split('/') {
        key = mac(&key, word);
    }
    if fields["Signature"] == hex::encode(mac(&key, &text)) { Ok(()) } else { Err("SignatureDoesNotMatch") }
}

fn mac(key: &[u8], text: &str) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

pub fn sha256_hex(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}
