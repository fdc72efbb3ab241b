//! Credentials at rest: sealed with XChaCha20-Poly1305 under a key made of a variable, each for its row alone.

use std::collections::BTreeMap;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use sha2::{Digest, Sha256};

/// By name. Never logged, never shown.
pub type Credentials = BTreeMap<String, String>;

/// The variable is of 256 bits when `up` makes it; a person may have typed it.
const MIN_SECRET_BYTES: usize = 16;
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

/// Whose credentials they are: a row's text opens in no other row.
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
    /// `earlier`: secrets that were the current one before, separated by commas. An error says what the deployment must give.
    pub fn new(current: Option<&str>, earlier: Option<&str>) -> Result<Self, String> {
        let current = current.and_then(Key::new).ok_or_else(|| {
            format!("the variable channel_credentials_key has no value of {MIN_SECRET_BYTES} characters or more")
        })?;
        let earlier = earlier.unwrap_or_default().split(',').map(str::trim).filter_map(Key::new).collect();
        Ok(Self { current, earlier })
    }

    /// Names the key that seals.
    pub fn key_id(&self) -> &str {
        &self.current.id
    }

    pub fn seal(&self, owner: Owner<'_>, credentials: &Credentials) -> Result<Sealed, String> {
        let mut nonce = [0; NONCE_BYTES];
        getrandom::fill(&mut nonce).map_err(|error| format!("no random bytes: {error}"))?;
        let plain = serde_json::to_vec(credentials).map_err(|error| error.to_string())?;
        let payload = Payload { msg: &plain, aad: &owner.bytes() };
        let sealed = self.current.cipher.encrypt(XNonce::from_slice(&nonce), payload);
        let sealed = sealed.map_err(|_| "credentials could not be sealed".to_owned())?;
        let text = BASE64_STANDARD.encode([&nonce[..], &sealed].concat());
        Ok(Sealed { key_id: self.current.id.clone(), text })
    }

    /// An error when the key is not among ours, or the row was tampered with.
    pub fn open(&self, owner: Owner<'_>, sealed: &Sealed) -> Result<Credentials, String> {
        let mut keys = std::iter::once(&self.current).chain(&self.earlier);
        let key = keys.find(|key| key.id == sealed.key_id).ok_or_else(|| {
            format!("the key `{}` is neither channel_credentials_key nor an earlier one", sealed.key_id)
        })?;
        let broken = || format!("the credentials of the channel account `{}` do not open", owner.id);
        let bytes = BASE64_STANDARD.decode(&sealed.text).map_err(|_| broken())?;
        let (nonce, text) = bytes.split_at_checked(NONCE_BYTES).ok_or_else(broken)?;
        let payload = Payload { msg: text, aad: &owner.bytes() };
        let plain = key.cipher.decrypt(XNonce::from_slice(nonce), payload).map_err(|_| broken())?;
        serde_json::from_slice(&plain).map_err(|_| broken())
    }
}

impl Key {
    /// `None` for what is too short to be a secret.
    fn new(secret: &str) -> Option<Self> {
        if secret.len() < MIN_SECRET_BYTES {
            return None;
        }
        let hash =
            |purpose: &str| Sha256::new().chain_update(purpose).chain_update([0]).chain_update(secret).finalize();
        let id =
            hash("kobliat channel credentials: id of the key").iter().take(4).map(|b| format!("{b:02x}")).collect();
        Some(Self { id, cipher: XChaCha20Poly1305::new(&hash("kobliat channel credentials")) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ACME: Owner<'_> = Owner { tenant: "acme", id: "1" };

    fn vault(current: &str, earlier: &str) -> Vault {
        Vault::new(Some(current), Some(earlier)).unwrap()
    }

    fn credentials() -> Credentials {
        Credentials::from([("access_token".to_owned(), "EAAG-plain".to_owned())])
    }

    #[test]
    fn what_is_sealed_opens_again_and_shows_nothing() {
        let vault = vault("a secret of some length", "");
        let sealed = vault.seal(ACME, &credentials()).unwrap();
        assert!(!sealed.text.contains("EAAG"));
        assert_eq!(vault.open(ACME, &sealed).unwrap(), credentials());
        assert_ne!(vault.seal(ACME, &credentials()).unwrap().text, sealed.text, "a nonce of its own");
    }

    #[test]
    fn it_opens_in_its_own_row_only() {
        let vault = vault("a secret of some length", "");
        let sealed = vault.seal(ACME, &credentials()).unwrap();
        assert!(vault.open(Owner { tenant: "other", id: "1" }, &sealed).is_err());
        assert!(vault.open(Owner { tenant: "acme", id: "2" }, &sealed).is_err());
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
        let sealed = vault("the first secret of all", "").seal(ACME, &credentials()).unwrap();
        let second = vault("the second secret of all", "the first secret of all");
        assert_eq!(second.open(ACME, &sealed).unwrap(), credentials());
        assert_ne!(second.seal(ACME, &credentials()).unwrap().key_id, sealed.key_id);
        assert!(vault("the third secret of all", "the second secret of all").open(ACME, &sealed).is_err());
    }

    #[test]
    fn a_short_secret_is_none() {
        assert!(Vault::new(Some("short"), None).is_err());
        assert!(Vault::new(None, None).is_err());
    }
}
