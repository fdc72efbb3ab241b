//! For which accounts the signer of a webhook may speak, and whose they are.
//!
//! An account with a secret of its own is spoken for by that secret alone, every other one by the deployment's. Decided once, when
//! the signature is checked, and stored with the delivery: what is done later depends on nothing that has changed since.

use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

use serde::{Deserialize, Serialize};

use super::delivery::DEFAULT_TENANT;
use super::directory::{self, Found, Known, Secret};
use super::receive::Incoming;
use super::update::{Content, Update};
use super::{Error, Platform};
use crate::accounts::Account;
use crate::channel::{Channel, Contents};

/// A body that names more accounts is no provider's: each is looked up before anybody knows who sent it.
pub const MAX_ACCOUNTS: usize = 500;
/// Different secrets that are tried on one webhook. An honest one is signed with one.
const MAX_SECRETS: usize = 8;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Grant {
    /// The signer speaks for this account, which is this tenant's.
    Tenant(String),
    /// It does, but the account is switched off.
    Disabled(String),
    /// It does not.
    Refused,
}

/// By the account's name in the body.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Grants(pub BTreeMap<String, Grant>);

/// What is known of a webhook once its signature has been checked.
#[derive(Debug)]
pub struct Authority {
    /// Owns the delivery: the tenant of the first account that the signer speaks for.
    pub tenant: String,
    pub grants: Grants,
    /// Of every account that was looked up, as it was; 0 for one that is nobody's.
    pub versions: Vec<(String, i64)>,
}

impl Grants {
    /// Of a delivery from before grants were stored: whoever has the accounts now.
    pub fn of_owners(owners: Vec<Account>) -> Self {
        Self(owners.into_iter().map(|account| (account.provider_id, Grant::Tenant(account.tenant))).collect())
    }

    pub fn from_json(json: &str) -> Option<Self> {
        serde_json::from_str(json).ok()
    }

    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("names and words always serialise")
    }

    pub fn tenant_of(&self, account: &str) -> &str {
        match self.0.get(account) {
            Some(Grant::Tenant(tenant) | Grant::Disabled(tenant)) => tenant,
            Some(Grant::Refused) | None => DEFAULT_TENANT,
        }
    }

    /// Settles what concerns accounts that the signer does not speak for, or that are switched off.
    pub fn apply(&self, updates: &mut [Update]) {
        for update in updates.iter_mut().filter(|update| !matches!(update.content, Content::Rejected(_))) {
            match self.0.get(&update.account) {
                Some(Grant::Refused) => update.content = Content::rejected("not_signed_for_this_account"),
                Some(Grant::Disabled(_)) => update.content = Content::ignored("account_disabled"),
                Some(Grant::Tenant(_)) | None => {}
            }
        }
    }
}

/// Checks the signature. `contents`: what an unchecked body says; `None` where it cannot be read, or says too much.
pub async fn establish<P: Platform>(
    platform: &P,
    incoming: &Incoming<'_>,
    contents: Option<&Contents>,
    fresh: bool,
) -> Result<Authority, Error> {
    let channel = incoming.channel;
    let accounts = contents.map_or(&[][..], |contents| &contents.accounts);
    let fallback = channel.fallback(incoming.payload);
    let mut names: Vec<String> = accounts.to_vec();
    names.extend(fallback.clone().filter(|fallback| !accounts.contains(fallback)));
    let found = directory::find(platform, channel, &names, fresh).await.map_err(Error::Store)?;
    let deployments = platform.variable(channel.secret()).await.map_err(Error::Deployment)?;
    let mut signer = Signer { incoming, deployments: deployments.as_deref(), tried: HashMap::new() };
    let owner = |account: &str| owner(&found, account, fallback.as_deref());
    let grants: Vec<(String, Grant)> =
        accounts.iter().map(|account| (account.clone(), signer.grant(owner(account).as_deref()))).collect();
    let of_fallback = owner("");
    let speaks = if accounts.is_empty() { signer.speaks_for(of_fallback.as_deref()) } else { signer.has_proven() };
    if !speaks {
        return Err(signer.refusal(channel));
    }
    let first = grants.iter().find_map(|(_, grant)| match grant {
        Grant::Tenant(tenant) | Grant::Disabled(tenant) => Some(tenant.clone()),
        Grant::Refused => None,
    });
    let tenant = first.or_else(|| of_fallback.map(|known| known.tenant.clone()));
    Ok(Authority {
        tenant: tenant.unwrap_or_else(|| DEFAULT_TENANT.to_owned()),
        grants: Grants(grants.into_iter().collect()),
        versions: versions(&found),
    })
}

/// The account's row, or the one that counts for those without a row of their own.
fn owner(found: &Found, account: &str, fallback: Option<&str>) -> Option<Rc<Known>> {
    let row = |name: &str| found.get(name).cloned().flatten();
    row(account).or_else(|| row(fallback?))
}

fn versions(found: &Found) -> Vec<(String, i64)> {
    found.iter().map(|(name, known)| (name.clone(), known.as_ref().map_or(0, |known| known.version))).collect()
}

/// Who signed a webhook, as far as it has been tried.
struct Signer<'a> {
    incoming: &'a Incoming<'a>,
    deployments: Option<&'a str>,
    /// By secret.
    tried: HashMap<String, bool>,
}

impl Signer<'_> {
    fn grant(&mut self, owner: Option<&Known>) -> Grant {
        let tenant = owner.map_or(DEFAULT_TENANT, |known| &known.tenant).to_owned();
        match self.speaks_for(owner) {
            false => Grant::Refused,
            true if owner.is_some_and(|known| known.is_disabled) => Grant::Disabled(tenant),
            true => Grant::Tenant(tenant),
        }
    }

    fn speaks_for(&mut self, owner: Option<&Known>) -> bool {
        let secret = match owner.map(|known| &known.secret) {
            None | Some(Secret::Deployments) => self.deployments,
            Some(Secret::Own(secret)) => Some(secret.as_str()),
            Some(Secret::Lost) => None,
        };
        let Some(secret) = secret else { return false };
        match self.tried.get(secret) {
            Some(fits) => *fits,
            None if self.tried.len() >= MAX_SECRETS => false,
            None => {
                let fits = (self.incoming.is_signed_with)(secret);
                self.tried.insert(secret.to_owned(), fits);
                fits
            }
        }
    }

    fn has_proven(&self) -> bool {
        self.tried.values().any(|fits| *fits)
    }

    /// The host refuses to start without the variable, so its absence is a fault of the deployment under another host.
    fn refusal(&self, channel: &dyn Channel) -> Error {
        match self.deployments {
            None if self.tried.is_empty() => {
                Error::Deployment(format!("variable `{}` has no value: give it one in spin.toml", channel.secret()))
            }
            _ => Error::Unsigned,
        }
    }
}
