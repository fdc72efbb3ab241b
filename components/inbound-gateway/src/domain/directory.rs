//! The channel accounts that an instance has looked up, with their secrets opened: what says whose a webhook is, and who signs it.
//!
//! What is remembered may be old. So a delivery is stored only if its accounts are still in the version that was looked up
//! (see [`Store::insert`](super::delivery::Store::insert)): a change of an account takes effect with the next webhook, on every instance.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use sdk::{Context, log};

use super::Platform;
use crate::accounts::vault::{Owner, Vault};
use crate::accounts::{Account, Accounts};
use crate::channel::Channel;

/// Remembered per instance and channel; when it is full, all are forgotten. Some hundred bytes each.
const CAPACITY: usize = 1024;

/// An account as webhooks see it.
#[derive(Debug, PartialEq, Eq)]
pub struct Known {
    pub tenant: String,
    pub is_disabled: bool,
    /// Changes with every change of the account.
    pub version: i64,
    pub secret: Secret,
    pub verify_token: Option<String>,
}

/// What signs an account's webhooks.
#[derive(Debug, PartialEq, Eq)]
pub enum Secret {
    /// The variable of its channel.
    Deployments,
    Own(String),
    /// Its own, which cannot be opened: nothing is signed with it, and nothing else will do.
    Lost,
}

/// By name; `None` for those that are nobody's.
pub type Found = HashMap<String, Option<Rc<Known>>>;

/// By channel.
#[derive(Default)]
pub struct Directory(RefCell<HashMap<&'static str, Found>>);

impl Directory {
    fn remembered(&self, channel: &'static str, name: &str) -> Option<Option<Rc<Known>>> {
        self.0.borrow().get(channel)?.get(name).cloned()
    }

    fn remember(&self, channel: &'static str, found: &Found) {
        let mut directory = self.0.borrow_mut();
        let known = directory.entry(channel).or_default();
        if known.len() + found.len() > CAPACITY {
            known.clear();
        }
        known.extend(found.iter().map(|(name, account)| (name.clone(), account.clone())));
    }
}

/// Looks these up, each in what is remembered first unless `fresh`.
pub async fn find<P: Platform>(
    platform: &P,
    channel: &'static dyn Channel,
    names: &[String],
    fresh: bool,
) -> Result<Found, String> {
    let directory = platform.directory();
    let mut found = Found::new();
    let mut unknown = Vec::new();
    for name in names {
        match directory.remembered(channel.name(), name).filter(|_| !fresh) {
            Some(known) => _ = found.insert(name.clone(), known),
            None => unknown.push(name.clone()),
        }
    }
    if !unknown.is_empty() {
        let asked = look_up(platform, channel, unknown).await?;
        directory.remember(channel.name(), &asked);
        found.extend(asked);
    }
    Ok(found)
}

async fn look_up<P: Platform>(
    platform: &P,
    channel: &'static dyn Channel,
    names: Vec<String>,
) -> Result<Found, String> {
    let rows = platform.store().named(channel.name(), &names).await.map_err(|error| format!("{error:?}"))?;
    let mut found: Found = names.into_iter().map(|name| (name, None)).collect();
    for account in rows {
        let known = known(platform, channel, &account).await;
        found.insert(account.provider_id, Some(Rc::new(known)));
    }
    Ok(found)
}

async fn known<P: Platform>(platform: &P, channel: &'static dyn Channel, account: &Account) -> Known {
    let opened = opened(platform, account).await;
    if let Err(reason) = &opened {
        log::error(&Context::default(), "credentials cannot be used", &[("account", &account.id), ("reason", reason)]);
    }
    let mut credentials = opened.as_ref().cloned().unwrap_or_default();
    let secret = match credentials.remove(channel.own_secret()) {
        _ if opened.is_err() => Secret::Lost,
        Some(secret) => Secret::Own(secret),
        None => Secret::Deployments,
    };
    Known {
        tenant: account.tenant.clone(),
        is_disabled: account.disabled_at.is_some(),
        version: account.updated_at,
        secret,
        verify_token: credentials.remove("verify_token"),
    }
}

/// An account's credentials; none when it has none of its own. The error is for the log.
pub async fn opened<P: Platform>(
    platform: &P,
    account: &Account,
) -> Result<crate::accounts::vault::Credentials, String> {
    let Some(sealed) = &account.sealed else { return Ok(Default::default()) };
    vault(platform).await?.open(Owner { tenant: &account.tenant, id: &account.id }, sealed)
}

pub async fn vault<P: Platform>(platform: &P) -> Result<Vault, String> {
    let current = platform.variable("channel_credentials_key").await?;
    let earlier = platform.variable("channel_credentials_key_previous").await?;
    Vault::new(current.as_deref(), earlier.as_deref())
}

/// Rows sealed anew per tick.
const SEALED_PER_TICK: u32 = 50;

/// After a change of the key: what an earlier one sealed is sealed with the current one, until that is true of all.
pub async fn seal_anew<P: Platform>(platform: &P) -> Result<(), String> {
    // Without the variable nothing was ever sealed.
    let Ok(vault) = vault(platform).await else { return Ok(()) };
    let old = platform.store().sealed_otherwise(vault.key_id(), SEALED_PER_TICK).await;
    for account in old.map_err(|error| format!("{error:?}"))? {
        let credentials = opened(platform, &account).await?;
        let sealed = vault.seal(Owner { tenant: &account.tenant, id: &account.id }, &credentials)?;
        let anew = Account { sealed: Some(sealed), ..account };
        platform.store().replace(&anew, anew.updated_at).await.map_err(|error| format!("{error:?}"))?;
    }
    Ok(())
}
