//! Secrets at rest: sealed with XChaCha20-Poly1305 under a key made of a variable, each for its row alone.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use sha2::{Digest, Sha256};

/// The variable is of 256 bits when `up` makes it; a person may have typed it.
pub const MIN_SECRET_BYTES: usize = 16;
/// Of XChaCha20: long enough that random ones never meet.
const NONCE_BYTES: usize = 24;

/// The key that seals, and those that sealed before it.
pub struct Vault {
    current: Key,
    earlier: Vec<Key>,
}

struct Key {
    id: String,
    cipher: XChaCha20Poly1305,
}

/// As a row keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed {
    pub key_id: String,
    /// Base64 of the nonce and the ciphertext.
    pub text: String,
}

/// Whose secret it is: a row's text opens in no other row.
#[derive(Clone, Copy, Debug)]
pub struct Owner<'a> {
    pub tenant: &'a str,
    pub id: &'a str,
}

impl Owner<'_> {
    fn bytes(self) -> Vec<u8> {
        format!("{}\0{}", self.tenant, self.id).into_bytes()
    }
}

impl Vault {
    /// `purpose` keeps the keys of two uses apart, even where they are made of the same variable. `earlier`: secrets that were the
    /// current one before, separated by commas. `None` when the current one is too short to be a secret.
    pub fn new(purpose: &str, current: &str, earlier: &str) -> Option<Self> {
        let current = Key::new(purpose, current)?;
        let earlier = earlier.split(',').map(str::trim).filter_map(|secret| Key::new(purpose, secret)).collect();
        Some(Self { current, earlier })
    }

    /// Names the key that seals.
    pub fn key_id(&self) -> &str {
        &self.current.id
    }

    pub fn seal(&self, owner: Owner<'_>, plain: &[u8]) -> Result<Sealed, String> {
        let mut nonce = [0; NONCE_BYTES];
        getrandom::fill(&mut nonce).map_err(|error| format!("no random bytes: {error}"))?;
        let payload = Payload { msg: plain, aad: &owner.bytes() };
        let sealed = self.current.cipher.encrypt(XNonce::from_slice(&nonce), payload);
        let sealed = sealed.map_err(|_| "a secret could not be sealed".to_owned())?;
        let text = BASE64_STANDARD.encode([&nonce[..], &sealed].concat());
        Ok(Sealed { key_id: self.current.id.clone(), text })
    }

    /// An error when the key is not among ours, or the row was tampered with.
    pub fn open(&self, owner: Owner<'_>, sealed: &Sealed) -> Result<Vec<u8>, String> {
        let mut keys = std::iter::once(&self.current).chain(&self.earlier);
        let key = keys.find(|key| key.id == sealed.key_id);
        let key =
            key.ok_or_else(|| format!("the key `{}` is neither the current nor an earlier one", sealed.key_id))?;
        let broken = || format!("what is sealed for `{}` does not open", owner.id);
        let bytes = BASE64_STANDARD.decode(&sealed.text).map_err(|_| broken())?;
        let (nonce, text) = bytes.split_at_checked(NONCE_BYTES).ok_or_else(broken)?;
        let payload = Payload { msg: text, aad: &owner.bytes() };
        key.cipher.decrypt(XNonce::from_slice(nonce), payload).map_err(|_| broken())
    }
}

impl Key {
    fn new(purpose: &str, secret: &str) -> Option<Self> {
        if secret.len() < MIN_SECRET_BYTES {
            return None;
        }
        let hash = |what: &str| Sha256::new().chain_update(what).chain_update([0]).chain_update(secret).finalize();
        let id = hash(&format!("{purpose}: id of the key")).iter().take(4).map(|b| format!("{b:02x}")).collect();
        Some(Self { id, cipher: XChaCha20Poly1305::new(&hash(purpose)) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ACME: Owner<'_> = Owner { tenant: "acme", id: "1" };

    fn vault(current: &str, earlier: &str) -> Vault {
        Vault::new("tests", current, earlier).unwrap()
    }

    #[test]
    fn what_is_sealed_opens_again_and_shows_nothing() {
        let vault = vault("a secret of some length", "");
        let sealed = vault.seal(ACME, b"EAAG-plain").unwrap();
        assert!(!sealed.text.contains("EAAG"));
        assert_eq!(vault.open(ACME, &sealed).unwrap(), b"EAAG-plain");
        assert_ne!(vault.seal(ACME, b"EAAG-plain").unwrap().text, sealed.text, "a nonce of its own");
    }

    #[test]
    fn it_opens_in_its_own_row_and_for_its_own_purpose_only() {
        let vault = vault("a secret of some length", "");
        let sealed = vault.seal(ACME, b"plain").unwrap();
        assert!(vault.open(Owner { tenant: "other", id: "1" }, &sealed).is_err());
        assert!(vault.open(Owner { tenant: "acme", id: "2" }, &sealed).is_err());
        let other = Vault::new("other", "a secret of some length", "").unwrap();
        assert!(other.open(ACME, &Sealed { key_id: other.key_id().to_owned(), ..sealed.clone() }).is_err());
        let mut bytes = BASE64_STANDARD.decode(&sealed.text).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        let tampered = Sealed { text: BASE64_STANDARD.encode(bytes), ..sealed };
        assert!(vault.open(ACME, &tampered).is_err());
        for text in ["", "AAAA", "no base64"] {
            assert!(vault.open(ACME, &Sealed { text: text.to_owned(), ..tampered.clone() }).is_err());
        }
    }

    #[test]
    fn a_new_key_still_opens_what_an_earlier_one_sealed() {
        let sealed = vault("the first secret of all", "").seal(ACME, b"plain").unwrap();
        let second = vault("the second secret of all", "the first secret of all");
        assert_eq!(second.open(ACME, &sealed).unwrap(), b"plain");
        assert_ne!(second.seal(ACME, b"plain").unwrap().key_id, sealed.key_id);
        assert!(vault("the third secret of all", "the second secret of all").open(ACME, &sealed).is_err());
    }

    #[test]
    fn a_short_secret_is_none() {
        assert!(Vault::new("tests", "short", "").is_none());
    }
}
