//! Standard Webhooks: secrets and signatures.

use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, Mac};
use sdk::Micros;
use sha2::Sha256;

pub const ID: &str = "webhook-id";
pub const TIMESTAMP: &str = "webhook-timestamp";
pub const SIGNATURE: &str = "webhook-signature";

const PREFIX: &str = "whsec_";
/// 24 to 64 are allowed.
const SECRET_BYTES: usize = 32;

/// After a rotation the old secret signs too: receivers change at their own time.
pub const OVERLAP: Micros = 24 * 3600 * 1_000_000;

/// `whsec_…`; shown once.
pub fn new_secret() -> Result<String, String> {
    let mut bytes = [0; SECRET_BYTES];
    getrandom::fill(&mut bytes).map_err(|e| format!("no random numbers for a secret: {e}"))?;
    Ok(format!("{PREFIX}{}", STANDARD.encode(bytes)))
}

/// The value of `webhook-signature`: one signature for each secret, so that a receiver may know either.
pub fn sign<'s>(secrets: impl IntoIterator<Item = &'s str>, id: &str, timestamp: i64, body: &str) -> Option<String> {
    let signatures: Option<Vec<String>> =
        secrets.into_iter().map(|secret| sign_with(secret, id, timestamp, body)).collect();
    signatures.filter(|signatures| !signatures.is_empty()).map(|signatures| signatures.join(" "))
}

/// `None` when the secret is none.
fn sign_with(secret: &str, id: &str, timestamp: i64, body: &str) -> Option<String> {
    let key = STANDARD.decode(secret.strip_prefix(PREFIX)?).ok()?;
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).ok()?;
    mac.update(format!("{id}.{timestamp}.{body}").as_bytes());
    Some(format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_as_the_specifications_own_library() {
        let signed = sign(
            ["whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"],
            "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk",
            1_649_367_553,
            r#"{"email":"test@example.com","username":"test_user"}"#,
        );
        assert_eq!(signed.as_deref(), Some("v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw="));
    }

    #[test]
    fn signs_as_the_documentation_of_svix() {
        let signed = sign(
            ["whsec_plJ3nmyCDGBKInavdOK15jsl"],
            "msg_loFOjxBNrRLzqYUf",
            1_731_705_121,
            r#"{"event_type":"ping","data":{"success":true}}"#,
        );
        assert_eq!(signed.as_deref(), Some("v1,rAvfW3dJ/X/qxhsaXPOyyCGmRKsaKWcsNccKXlIktD0="));
    }

    #[test]
    fn signs_with_each_secret_during_a_rotation() {
        let (new, old) = (new_secret().unwrap(), new_secret().unwrap());
        assert_ne!(new, old);
        let both = sign([new.as_str(), &old], "id", 1, "{}").unwrap();
        let each: Vec<_> = [new.as_str(), &old].map(|s| sign([s], "id", 1, "{}").unwrap()).to_vec();
        assert_eq!(both, each.join(" "));
    }
}
