//! Endpoints' secrets at rest: sealed, so that who reads the database cannot sign in our name.

use sdk::{
    sql::{Driver, SqlError},
    vault::{MIN_SECRET_BYTES, Owner, Sealed, Vault},
};

use crate::{
    app::{App, Platform},
    endpoint::OldSecrets,
    store::endpoints,
};

const PURPOSE: &str = "kobliat webhook endpoints' secrets";
const KEY: &str = "endpoint_secrets_key";
const EARLIER_KEYS: &str = "endpoint_secrets_key_previous";

/// Between the key's id and what it sealed. No base64 and no `whsec_…` has it.
const DOT: char = '.';

/// Seals and opens secrets as a column keeps them.
pub struct Secrets(Vault);

impl Secrets {
    /// The error says what the deployment must give.
    pub async fn of<P: Platform>(platform: &P) -> Result<Self, String> {
        let key = platform.setting(KEY).await.unwrap_or_default();
        let earlier = platform.setting(EARLIER_KEYS).await.unwrap_or_default();
        let vault = Vault::new(PURPOSE, &key, &earlier);
        vault
            .map(Self)
            .ok_or_else(|| format!("the variable {KEY} has no value of {MIN_SECRET_BYTES} characters or more"))
    }

    pub fn seal(&self, tenant: &str, endpoint: &str, secret: &str) -> Result<String, String> {
        let Sealed { key_id, text } = self.0.seal(Owner { tenant, id: endpoint }, secret.as_bytes())?;
        Ok(format!("{key_id}{DOT}{text}"))
    }

    /// `None` when its key is not among ours. What was kept before there was a key is as it is.
    pub fn open(&self, tenant: &str, endpoint: &str, kept: &str) -> Option<String> {
        let Some((key_id, text)) = kept.split_once(DOT) else { return Some(kept.to_owned()) };
        let sealed = Sealed { key_id: key_id.to_owned(), text: text.to_owned() };
        String::from_utf8(self.0.open(Owner { tenant, id: endpoint }, &sealed).ok()?).ok()
    }

    /// What everything begins with that the current key sealed.
    fn prefix(&self) -> String {
        format!("{}{DOT}", self.0.key_id())
    }
}

/// After a change of the key: what an earlier one sealed is sealed with the current one, some endpoints at a time. What does not
/// open stays as it is: its key may come back.
pub async fn seal_anew<D: Driver, P: Platform>(app: &App<D, P>) -> Result<(), SqlError> {
    let Ok(secrets) = Secrets::of(&app.platform).await else { return Ok(()) };
    for row in endpoints::kept_otherwise(&app.database, &secrets.prefix()).await? {
        let anew = |kept: &str| {
            let open = secrets.open(&row.tenant, &row.id, kept)?;
            secrets.seal(&row.tenant, &row.id, &open).ok()
        };
        if let Some(secret) = anew(&row.secret) {
            let old = OldSecrets::parse(&row.old_secrets).map(anew).to_json();
            endpoints::keep(&app.database, &row, &secret, &old).await?;
        }
    }
    Ok(())
}
