//! For which accounts the signer of a webhook may speak, and whose they are.
//!
//! The deployment's secret, the secrets of accounts that are verified and those of claims that are pending are tried; the one that fits is
//! the signer's. Nobody's claim takes anything from another's secret. Decided once, when the signature is checked, and stored with the
//! delivery: what is done later depends on nothing that has changed since.

use std::collections::BTreeMap;
use std::rc::Rc;

use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;

use super::delivery::DEFAULT_TENANT;
use super::directory::{self, Claims, Found, Known, Secret};
use super::receive::Incoming;
use super::update::{Content, Update};
use super::{Error, Platform};
use crate::accounts::{Account, By};
use crate::channel::{Channel, Contents};

/// A body that names more accounts is no provider's: each is looked up before anybody knows who sent it.
pub const MAX_ACCOUNTS: usize = 500;
/// Different secrets that are tried on one webhook, whatever its size. An honest one is signed with one.
const MIN_SECRETS: usize = 8;
/// Different secrets that are tried on a small one: claims of many tenants may stand before the right one.
const MAX_SECRETS: usize = 64;
/// Bytes that are hashed for one webhook before anybody knows who sent it.
const MAX_HASHED_BYTES: usize = 16 << 20;
/// What is said of an item whose account its signer does not speak for.
pub const NOT_SIGNED: &str = "not_signed_for_this_account";

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
    /// Of every account that was looked up, as the claims to it were; 0 where there is none.
    pub versions: Vec<(String, i64)>,
    /// Tenant and id of each pending claim that this webhook verifies.
    pub proven: Vec<(String, String)>,
}

impl Grants {
    /// Of a delivery from before grants were stored: whoever has the accounts now.
    pub fn of_owners(owners: Vec<Account>) -> Self {
        let verified = owners.into_iter().filter(|account| account.verified.is_some());
        Self(verified.map(|account| (account.provider_id, Grant::Tenant(account.tenant))).collect())
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

    /// Settles what concerns accounts that the signer does not speak for, or that are switched off. How many were refused.
    pub fn apply(&self, updates: &mut [Update]) -> usize {
        let mut refused = 0;
        for update in updates.iter_mut().filter(|update| !matches!(update.content, Content::Rejected(_))) {
            match self.0.get(&update.account) {
                Some(Grant::Refused) => {
                    update.content = Content::rejected(NOT_SIGNED);
                    refused += 1;
                }
                Some(Grant::Disabled(_)) => update.content = Content::ignored("account_disabled"),
                Some(Grant::Tenant(_)) | None => {}
            }
        }
        refused
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
    // Without an account in the body or the address, the deployment's alone may speak.
    let signer = Signer::find(incoming, &names, &found, deployments.as_deref());
    let signer = signer.ok_or_else(|| refusal(channel, deployments.as_deref(), &found))?;
    let claims = Candidates { found: &found, fallback: fallback.as_deref(), signer: &signer };
    let grants: Vec<(String, Grant)> =
        accounts.iter().map(|account| (account.clone(), claims.grant(account))).collect();
    let first = grants.iter().find_map(|(_, grant)| grant.tenant());
    let tenant = first.map(str::to_owned).or_else(|| claims.grant("").tenant().map(str::to_owned));
    Ok(Authority {
        tenant: tenant.ok_or(Error::Unsigned)?,
        grants: Grants(grants.into_iter().collect()),
        versions: found.iter().map(|(name, claims)| (name.clone(), claims.version())).collect(),
        proven: proven(&found, &signer),
    })
}

/// The host refuses to start without the variable, so its absence is a fault of the deployment under another host.
fn refusal(channel: &dyn Channel, deployments: Option<&str>, found: &Found) -> Error {
    match deployments {
        None if found.values().all(|claims| claims.0.is_empty()) => {
            Error::Deployment(format!("variable `{}` has no value: give it one in spin.toml", channel.secret()))
        }
        _ => Error::Unsigned,
    }
}

/// Pending claims that the webhook's signer made, to accounts that nobody has verified.
fn proven(found: &Found, signer: &Signer) -> Vec<(String, String)> {
    let open = found.values().filter(|claims| claims.0.first().is_some_and(|known| known.verified_by.is_none()));
    let signed = open.filter_map(|claims| claims.0.iter().find(|known| signer.knows(known)));
    signed.map(|known| (known.tenant.clone(), known.id.clone())).collect()
}

/// Who signed a webhook.
struct Signer {
    secret: String,
    /// The secret is the deployment's.
    is_deployment: bool,
}

impl Signer {
    /// The first secret that fits: the deployment's, then those of verified accounts, then those of claims.
    fn find(incoming: &Incoming<'_>, names: &[String], found: &Found, deployments: Option<&str>) -> Option<Self> {
        let known = || names.iter().filter_map(|name| found.get(name)).flat_map(|claims| &claims.0);
        let own = |known: &'_ Known| match &known.secret {
            Secret::Own(secret) => Some(secret.clone()),
            Secret::Deployments | Secret::Lost => None,
        };
        let verified = known().filter(|known| known.verified_by.is_some()).filter_map(own);
        let pending = known().filter(|known| known.verified_by.is_none()).filter_map(own);
        let mut secrets: Vec<String> = Vec::new();
        for secret in deployments.map(str::to_owned).into_iter().chain(verified).chain(pending) {
            if !secrets.contains(&secret) {
                secrets.push(secret);
            }
            if secrets.len() >= most_secrets(incoming.payload.body.len()) {
                break;
            }
        }
        let secret = secrets.into_iter().find(|secret| (incoming.is_signed_with)(secret))?;
        Some(Self { is_deployment: deployments == Some(secret.as_str()), secret })
    }

    /// Whether this account's webhooks are signed by it.
    fn knows(&self, known: &Known) -> bool {
        match &known.secret {
            Secret::Own(own) if own.as_bytes().ct_eq(self.secret.as_bytes()).into() => true,
            Secret::Own(_) | Secret::Lost => self.is_deployment && known.verified_by == Some(By::Deployment),
            Secret::Deployments => self.is_deployment && known.verified_by.is_some(),
        }
    }
}

fn most_secrets(body_bytes: usize) -> usize {
    (MAX_HASHED_BYTES / body_bytes.max(1)).clamp(MIN_SECRETS, MAX_SECRETS)
}

/// Whose the accounts in a body are, for its signer.
struct Candidates<'a> {
    found: &'a Found,
    fallback: Option<&'a str>,
    signer: &'a Signer,
}

impl Candidates<'_> {
    /// A verified account counts before a claim, and one of this name before the one that counts for all names. What the deployment
    /// signs and nobody has is the default tenant's.
    fn grant(&self, account: &str) -> Grant {
        let claims = self.claims(account);
        let signed = || claims.iter().flat_map(|claims| &claims.0).filter(|known| self.signer.knows(known));
        let verified = signed().find(|known| known.verified_by.is_some());
        let tenant = verified.or_else(|| signed().next()).map(|known| known.tenant.as_str());
        let Some(tenant) = tenant.or(self.signer.is_deployment.then_some(DEFAULT_TENANT)) else {
            return Grant::Refused;
        };
        let own = claims.iter().find_map(|claims| claims.of(tenant));
        match own.is_some_and(|known| known.is_disabled) {
            true => Grant::Disabled(tenant.to_owned()),
            false => Grant::Tenant(tenant.to_owned()),
        }
    }

    /// Those to the account itself, then those to the one that counts for all.
    fn claims(&self, account: &str) -> Vec<&Rc<Claims>> {
        let fallback = self.fallback.filter(|fallback| *fallback != account);
        [Some(account), fallback].into_iter().flatten().filter_map(|name| self.found.get(name)).collect()
    }
}

impl Grant {
    fn tenant(&self) -> Option<&str> {
        match self {
            Self::Tenant(tenant) | Self::Disabled(tenant) => Some(tenant),
            Self::Refused => None,
        }
    }
}
