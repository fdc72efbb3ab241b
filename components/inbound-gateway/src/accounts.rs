//! Channel accounts: which tenant has which account with which provider, and the credentials that go with it.
//!
//! Credentials go in and never come out again, but to the component that sends: what the API shows is which of them are set.

pub mod vault;

use std::collections::BTreeMap;

use sdk::idempotency::{Done, Once};
use sdk::pagination::Keyset;
use sdk::{Context, Error, Input, Micros};
use serde::Serialize;
use serde_json::Value;

use crate::channel::{self, Channel};
use crate::domain::delivery::DEFAULT_TENANT;
use crate::domain::sending::Stop;
use vault::{Credentials, Sealed};

const MAX_NAME: usize = 255;
const MAX_PROVIDER_ID: usize = 255;
/// Accounts of one tenant. Claims cost nothing to make, so their number has a bound.
pub const MAX_ACCOUNTS: u32 = 1000;
/// Meta's longest tokens have some 300 characters.
const MAX_CREDENTIAL: usize = 4096;

/// A row of `channel_accounts`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    pub tenant: String,
    pub id: String,
    pub kind: String,
    pub provider_id: String,
    pub name: String,
    pub disabled_at: Option<Micros>,
    pub sealed: Option<Sealed>,
    pub credentials_set: Vec<String>,
    /// Absent: the claim is pending.
    pub verified: Option<Verified>,
    pub created_at: Micros,
    pub updated_at: Micros,
}

/// What says that an account is its tenant's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verified {
    pub at: Micros,
    pub by: By,
}

sdk::words!(
    /// `deployment`: the deployment's own tenant or an operator vouches for the account. `webhook`: a webhook came that its own secret signs.
    By { Deployment = "deployment", Webhook = "webhook" }
);

/// As the API shows it.
#[derive(Serialize)]
pub struct View<'a> {
    id: &'a str,
    tenant: &'a str,
    kind: &'a str,
    provider_id: &'a str,
    name: &'a str,
    status: &'static str,
    credentials_set: &'a [String],
    verified_at: Option<String>,
    verified_by: Option<&'static str>,
    /// Where the provider's webhooks for this account may go, where they do not name the account themselves.
    webhook_path: String,
    /// Whether what is written to its customers goes out.
    sending: &'static str,
    /// Why it does not; several, where the account stands for several numbers.
    stopped: Vec<&'a Stop>,
    created_at: String,
    updated_at: String,
}

impl Account {
    /// `pending`: nothing has come yet that its own secret signs.
    pub fn status(&self) -> &'static str {
        match (self.disabled_at, self.verified) {
            (Some(_), _) => "disabled",
            (None, None) => "pending",
            (None, Some(_)) => "active",
        }
    }

    /// `stops`: its own; `None` when nobody could say.
    pub fn view<'a>(&'a self, stops: Option<Vec<&'a Stop>>) -> View<'a> {
        View {
            id: &self.id,
            tenant: &self.tenant,
            kind: &self.kind,
            provider_id: &self.provider_id,
            name: &self.name,
            status: self.status(),
            credentials_set: &self.credentials_set,
            verified_at: self.verified.map(|verified| sdk::clock::rfc3339(verified.at)),
            verified_by: self.verified.map(|verified| verified.by.as_str()),
            webhook_path: format!("/webhooks/{}/{}", self.kind, sdk::query::percent_encode(&self.provider_id)),
            sending: match &stops {
                None => "unknown",
                Some(stops) if stops.is_empty() => "active",
                Some(_) => "stopped",
            },
            stopped: stops.unwrap_or_default(),
            created_at: sdk::clock::rfc3339(self.created_at),
            updated_at: sdk::clock::rfc3339(self.updated_at),
        }
    }
}

/// What a client says of an account that it makes.
pub struct New {
    pub channel: Option<&'static dyn Channel>,
    pub provider_id: String,
    pub name: Option<String>,
    pub disabled: bool,
    pub credentials: Credentials,
}

/// What is `None` stays as it is; a credential that is `None` goes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    pub name: Option<String>,
    pub disabled: Option<bool>,
    pub credentials: BTreeMap<String, Option<String>>,
}

impl New {
    pub fn read(input: &mut Input) -> Self {
        let known = channel::names().join(", ");
        let channel = input.choice("kind", channel::find, &known);
        if channel.is_none() && !input.has("kind") {
            input.required_text("kind", 64);
        }
        let provider_id = provider_id(input, channel);
        let credentials = credentials(input, channel).into_iter().filter_map(|(name, value)| Some((name, value?)));
        Self {
            channel,
            provider_id,
            name: input.text("name", MAX_NAME),
            disabled: status(input).unwrap_or(false),
            credentials: credentials.collect(),
        }
    }

    /// Whoever may claim accounts for a tenant must prove that the provider knows them: by the secret that will sign their webhooks.
    /// Else a tenant could name an account of the deployment's own, and be given what the deployment's secret signs.
    pub fn is_proven(&self, context: &Context) -> bool {
        let has_own = self.channel.is_some_and(|channel| self.credentials.contains_key(channel.own_secret()));
        has_own || context.tenant == DEFAULT_TENANT || context.allows(sdk::context::OPERATOR)
    }
}

impl Changes {
    pub fn read(input: &mut Input, channel: Option<&'static dyn Channel>) -> Self {
        let changes = Self {
            name: input.text("name", MAX_NAME),
            disabled: status(input),
            credentials: credentials(input, channel),
        };
        if changes == Self::default() {
            input.refuse("", "name, status or credentials is required");
        }
        changes
    }

    /// The credentials as they are after these changes.
    pub fn applied(&self, mut credentials: Credentials) -> Credentials {
        for (name, value) in self.credentials.clone() {
            match value {
                Some(value) => credentials.insert(name, value),
                None => credentials.remove(&name),
            };
        }
        credentials
    }
}

/// As the channel's webhooks write it, because it is compared with theirs.
fn provider_id(input: &mut Input, channel: Option<&'static dyn Channel>) -> String {
    let text = input.required_text("provider_id", MAX_PROVIDER_ID);
    if text.chars().any(|c| c.is_control() || c.is_whitespace()) {
        input.refuse("provider_id", "must not contain white space or control characters");
    }
    if channel.is_some_and(|channel| channel.name() == channel::email::CHANNEL) { text.to_lowercase() } else { text }
}

fn status(input: &mut Input) -> Option<bool> {
    let parse = |word: &str| match word {
        "active" => Some(false),
        "disabled" => Some(true),
        _ => None,
    };
    input.choice("status", parse, "active, disabled")
}

/// An object of texts, each under a name that the channel knows; null takes one away.
fn credentials(input: &mut Input, channel: Option<&'static dyn Channel>) -> BTreeMap<String, Option<String>> {
    let Some(object) = input.optional_object("credentials") else { return BTreeMap::new() };
    let fields: BTreeMap<String, Value> = serde_json::from_str(&object).unwrap_or_default();
    let known = channel.map_or(&[][..], Channel::credentials);
    let mut read = BTreeMap::new();
    for (name, value) in fields {
        let at = format!("credentials/{}", name.replace('~', "~0").replace('/', "~1"));
        match value {
            _ if !known.contains(&name.as_str()) => {
                input.refuse(&at, &format!("is not one of this channel's: {}", known.join(", ")));
            }
            Value::Null => _ = read.insert(name, None),
            Value::String(text) if is_credential(text.trim()) => _ = read.insert(name, Some(text.trim().to_owned())),
            _ => input.refuse(&at, "must be a text of 1 to 4096 visible characters, or null"),
        }
    }
    read
}

/// What can stand in a header: everything here ends up in one, or signs.
fn is_credential(text: &str) -> bool {
    (1..=MAX_CREDENTIAL).contains(&text.len()) && text.bytes().all(|byte| (0x20..0x7f).contains(&byte))
}

/// Whose it is, is not said.
pub fn taken() -> Error {
    let reason = "this account of the provider's is in use; if it is yours, ask whoever operates the platform";
    Error::Conflict(reason.to_owned())
}

/// Where accounts live. An id is found within its tenant only.
#[expect(async_fn_in_trait, reason = "a guest has one thread; a Send bound would only shut out its futures")]
pub trait Accounts {
    /// Of any tenant, verified or claimed: those with these names at their provider.
    async fn named(&self, kind: &str, provider_ids: &[String]) -> Result<Vec<Account>, Error>;
    /// From this position on, oldest first, one more than `limit`.
    async fn list(&self, tenant: &str, kind: Option<&str>, after: &Keyset, limit: u32) -> Result<Vec<Account>, Error>;
    async fn get(&self, tenant: &str, id: &str) -> Result<Option<Account>, Error>;
    /// `Conflict` when another tenant has verified the provider's account, the tenant has named it already, or has too many.
    async fn insert(
        &self,
        account: &Account,
        now: Micros,
        once: Option<&Once<'_, Account>>,
    ) -> Result<Done<Account>, Error>;
    /// A webhook came that the account's own secret signs. Nothing changes where it is verified, for this tenant or another.
    async fn verify(&self, tenant: &str, id: &str, now: Micros) -> Result<(), Error>;
    /// In place of the version that was read; `false` when it has changed since, or is gone.
    async fn replace(&self, account: &Account, version: Micros) -> Result<bool, Error>;
    /// Of this version, if one is named. Whether it was there.
    async fn delete(&self, tenant: &str, id: &str, version: Option<Micros>) -> Result<bool, Error>;
    /// Of any tenant: those whose credentials another key has sealed.
    async fn sealed_otherwise(&self, key_id: &str, limit: u32) -> Result<Vec<Account>, Error>;
}
