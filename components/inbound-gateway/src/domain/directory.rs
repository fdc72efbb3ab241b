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
use crate::accounts::{Account, Accounts, By};
use crate::channel::Channel;

/// Remembered per instance and channel; when it is full, all are forgotten. Some hundred bytes each.
const CAPACITY: usize = 1024;

/// An account, or a claim to one, as webhooks see it.
#[derive(Debug, PartialEq, Eq)]
pub struct Known {
    pub tenant: String,
    pub id: String,
    pub is_disabled: bool,
    /// Absent: the claim is pending.
    pub verified_by: Option<By>,
    pub secret: Secret,
    pub verify_token: Option<String>,
    created_at: i64,
    updated_at: i64,
}

/// All who say that an account is theirs: who has verified it first, then the oldest.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Claims(pub Vec<Known>);

impl Claims {
    /// Changes with every change of one of them; 0 when there is none. The statement that stores a delivery computes the same.
    pub fn version(&self) -> i64 {
        const SOME_DAYS_MICROS: i64 = 1 << 40;
        self.0.iter().map(|known| known.updated_at % SOME_DAYS_MICROS).sum()
    }

    /// The tenant's own.
    pub fn of(&self, tenant: &str) -> Option<&Known> {
        self.0.iter().find(|known| known.tenant == tenant)
    }
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

/// By name.
pub type Found = HashMap<String, Rc<Claims>>;

/// By channel.
#[derive(Default)]
pub struct Directory(RefCell<HashMap<&'static str, Found>>);

impl Directory {
    fn remembered(&self, channel: &'static str, name: &str) -> Option<Rc<Claims>> {
        self.0.borrow().get(channel)?.get(name).cloned()
    }

    fn remember(&self, channel: &'static str, found: &Found) {
        let mut directory = self.0.borrow_mut();
        let known = directory.entry(channel).or_default();
        if known.len() + found.len() > CAPACITY {
            known.clear();
        }
        known.extend(found.iter().map(|(name, claims)| (name.clone(), claims.clone())));
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
            Some(claims) => _ = found.insert(name.clone(), claims),
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
    let mut found: HashMap<String, Claims> = names.into_iter().map(|name| (name, Claims::default())).collect();
    for account in rows {
        let known = known(platform, channel, &account).await;
        found.entry(account.provider_id).or_default().0.push(known);
    }
    for claims in found.values_mut() {
        claims.0.sort_by(|a, b| {
            let place = |known: &Known| (known.verified_by.is_none(), known.created_at);
            place(a).cmp(&place(b)).then_with(|| a.id.cmp(&b.id))
        });
    }
    Ok(found.into_iter().map(|(name, claims)| (name, Rc::new(claims))).collect())
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
        id: account.id.clone(),
        is_disabled: account.disabled_at.is_some(),
        verified_by: account.verified.map(|verified| verified.by),
        secret,
        verify_token: credentials.remove("verify_token"),
        created_at: account.created_at,
        updated_at: account.updated_at,
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
