//! `X-Hub-Signature-256`: HMAC-SHA256 with the app secret over the bytes as they came.
//!
//! Meta signs its own escaping (`\u00e4`, `\/`), so a body is never parsed and written again before this check.

use hmac::{Hmac, Mac};
use sha2::Sha256;

/// The header that carries the signature.
pub const HEADER: &str = "x-hub-signature-256";

/// True when `header` is the signature of `body`. The comparison takes the same time wherever the difference is.
///
/// An empty secret proves nothing, so nothing passes with it.
pub fn is_valid(secret: &str, body: &[u8], header: &str) -> bool {
    let Some(claimed) = header.strip_prefix("sha256=").and_then(|digits| hex::decode(digits).ok()) else {
        return false;
    };
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else {
        return false;
    };
    mac.update(body);
    !secret.is_empty() && mac.verify_slice(&claimed).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_the_published_vectors() {
        let github = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
        assert!(is_valid("It's a Secret to Everybody", b"Hello, World!", github));
        let hexdocs = "sha256=0329a06b62cd16b33eb6792be8c60b158d89a2ee3a876fce9a881ebb488c0914";
        assert!(is_valid("secret", b"test", hexdocs));
    }

    #[test]
    fn refuses_everything_else() {
        let good = "0329a06b62cd16b33eb6792be8c60b158d89a2ee3a876fce9a881ebb488c0914";
        let signed = format!("sha256={good}");
        assert!(!is_valid("secret", b"Test", &signed), "another body");
        assert!(!is_valid("Secret", b"test", &signed), "another secret");
        for header in ["", "sha256=", good, &format!("sha1={good}"), "sha256=0329", "sha256=zz", &format!("{signed}00")]
        {
            assert!(!is_valid("secret", b"test", header), "{header}");
        }
    }

    #[test]
    fn an_empty_secret_proves_nothing() {
        let mut mac = Hmac::<Sha256>::new_from_slice(b"").unwrap();
        mac.update(b"test");
        let header = format!("sha256={}", hex::encode(mac.finalize().into_bytes()));
        assert!(!is_valid("", b"test", &header));
    }
}
