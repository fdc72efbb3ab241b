//! Credentials at rest: the SDK's vault, and what it holds as this component knows it.

use std::collections::BTreeMap;

use sdk::vault::{self, MIN_SECRET_BYTES};

pub use sdk::vault::{Owner, Sealed};

/// By name. Never logged, never shown.
pub type Credentials = BTreeMap<String, String>;

const PURPOSE: &str = "kobliat channel credentials";

pub struct Vault(vault::Vault);

impl Vault {
    /// `earlier`: secrets that were the current one before, separated by commas. An error says what the deployment must give.
    pub fn new(current: Option<&str>, earlier: Option<&str>) -> Result<Self, String> {
        let vault = vault::Vault::new(PURPOSE, current.unwrap_or_default(), earlier.unwrap_or_default());
        vault.map(Self).ok_or_else(|| {
            format!("the variable channel_credentials_key has no value of {MIN_SECRET_BYTES} characters or more")
        })
    }

    /// Names the key that seals.
    pub fn key_id(&self) -> &str {
        self.0.key_id()
    }

    pub fn seal(&self, owner: Owner<'_>, credentials: &Credentials) -> Result<Sealed, String> {
        self.0.seal(owner, &serde_json::to_vec(credentials).map_err(|error| error.to_string())?)
    }

    /// An error when the key is not among ours, or the row was tampered with.
    pub fn open(&self, owner: Owner<'_>, sealed: &Sealed) -> Result<Credentials, String> {
        let plain = self.0.open(owner, sealed)?;
        serde_json::from_slice(&plain).map_err(|_| format!("the credentials of `{}` do not open", owner.id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_open_again_in_their_own_row_only() {
        let vault = Vault::new(Some("a secret of some length"), None).unwrap();
        let credentials = Credentials::from([("access_token".to_owned(), "EAAG-plain".to_owned())]);
        let sealed = vault.seal(Owner { tenant: "acme", id: "1" }, &credentials).unwrap();
        assert_eq!(vault.open(Owner { tenant: "acme", id: "1" }, &sealed).unwrap(), credentials);
        assert!(vault.open(Owner { tenant: "acme", id: "2" }, &sealed).is_err());
        assert!(Vault::new(Some("short"), None).is_err() && Vault::new(None, None).is_err());
    }
}
