//! Comparing what a caller says with what it should know.

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// Compares digests, so that neither the content nor the length of the secret shows in the time it takes.
/// An empty secret is known to everybody: nothing equals it.
pub fn same(given: &str, secret: &str) -> bool {
    let equal = Sha256::digest(given.as_bytes()).ct_eq(&Sha256::digest(secret.as_bytes()));
    !secret.is_empty() && bool::from(equal)
}
