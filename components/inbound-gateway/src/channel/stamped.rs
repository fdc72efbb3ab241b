//! Our own signature for channels that have none: HMAC-SHA256 over `<timestamp>.<body>`, good for five minutes.

use hmac::{Hmac, Mac};
use sha2::Sha256;

use super::Call;

/// `v1=<lower hex>`.
pub const SIGNATURE: &str = "x-kobliat-signature";
/// Unix seconds.
pub const TIMESTAMP: &str = "x-kobliat-timestamp";

/// A clock may be this wrong, either way; afterwards a recorded call is worth nothing to whoever recorded it.
const TOLERANCE_SECONDS: i64 = 5 * 60;

pub fn is_valid(secret: &str, call: &Call<'_>) -> bool {
    let (Some(timestamp), Some(signature)) = (call.only_header(TIMESTAMP), call.only_header(SIGNATURE)) else {
        return false;
    };
    is_fresh(timestamp, call.now) && is_signed(secret, timestamp, &call.request.body, signature)
}

fn is_fresh(timestamp: &str, now: i64) -> bool {
    let seconds = timestamp.parse::<i64>().ok();
    seconds.is_some_and(|seconds| (now / 1_000_000).saturating_sub(seconds).saturating_abs() <= TOLERANCE_SECONDS)
}

fn is_signed(secret: &str, timestamp: &str, body: &[u8], signature: &str) -> bool {
    let Some(claimed) = signature.strip_prefix("v1=").and_then(|digits| hex::decode(digits).ok()) else {
        return false;
    };
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else {
        return false;
    };
    mac.update(timestamp.as_bytes());
    mac.update(b".");
    mac.update(body);
    !secret.is_empty() && mac.verify_slice(&claimed).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Made with `printf '%s.%s' 1749416383 '{}' | openssl dgst -sha256 -hmac secret`.
    const VECTOR: &str = "v1=559b9a98a6b15409f9c8370ec0bc75d087266e73ef50ef9f3294ba4bbaf0fab2";

    #[test]
    fn is_what_openssl_makes() {
        assert!(is_signed("secret", "1749416383", b"{}", VECTOR));
    }

    #[test]
    fn refuses_every_other_secret_time_body_and_form() {
        assert!(!is_signed("Secret", "1749416383", b"{}", VECTOR));
        assert!(!is_signed("secret", "1749416384", b"{}", VECTOR));
        assert!(!is_signed("secret", "1749416383", b"{ }", VECTOR));
        let bare = VECTOR.trim_start_matches("v1=");
        for form in ["", "v1=", bare, &format!("v2={bare}"), &VECTOR[..20], &format!("{VECTOR}00")] {
            assert!(!is_signed("secret", "1749416383", b"{}", form), "{form}");
        }
        assert!(!is_signed("", "1749416383", b"{}", VECTOR), "an empty secret proves nothing");
    }

    #[test]
    fn is_good_for_five_minutes_either_way() {
        let now = 1_749_416_383_000_000;
        for (timestamp, fresh) in [
            ("1749416383", true),
            ("1749416083", true),
            ("1749416082", false),
            ("1749416683", true),
            ("1749416684", false),
            ("", false),
            ("1749416383.5", false),
            ("-9223372036854775808", false),
            ("9223372036854775807", false),
        ] {
            assert_eq!(is_fresh(timestamp, now), fresh, "{timestamp}");
        }
    }
}
