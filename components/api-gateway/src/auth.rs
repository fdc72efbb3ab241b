//! Who asks: the credentials of a request, checked, become the caller in whose name everything else is done.

mod password;

use std::cell::Cell;
use std::time::Duration;

use http::{HeaderMap, HeaderName};

use crate::clients::Outside;
use crate::credentials::{self, Ambiguous, Credential};
use crate::jwt::Token;
use crate::jwt::issuer::{self, KeySets};
use crate::keys::{self, ApiKey, KeyHash, Recent};
use crate::store;
use crate::tenants;
use crate::throttle::Throttle;
use crate::tokens::Signing;
use crate::users::Login;
use sdk::sql::SqlError;
use sdk::{Context, Micros, log};

/// How often the time of last use is written, in microseconds (1 min): it is information, not worth a disk write per request.
const LAST_USED_RESOLUTION_MICROS: Micros = 60_000_000;

/// A bootstrap key of this length (that `up` makes is longer) cannot be guessed, so that guessing need not be slowed for it.
const UNGUESSABLE_BYTES: usize = 32;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    pub tenant: String,
    /// `key:<id>`, `user:<id>` or `jwt:<issuer>:<subject>`; what idempotency keys and quotas are scoped to.
    pub principal: String,
    pub scopes: Vec<String>,
    pub quota: Quota,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quota {
    /// The bootstrap key: who lost every other one must not be locked out by a counter.
    Unlimited,
    /// What the tenant's plan says.
    PerHour(u32),
    /// Tenants without a plan of their own.
    Default,
}

impl From<Option<u32>> for Quota {
    fn from(requests_per_hour: Option<u32>) -> Self {
        requests_per_hour.map_or(Self::Default, Self::PerHour)
    }
}

/// Why a request has no caller.
#[derive(Debug, PartialEq, Eq)]
pub enum Denied {
    NoCredential,
    WrongCredential,
    /// One header twice.
    Ambiguous(HeaderName),
    /// Too many wrong ones from the same source; with the seconds to wait.
    Throttled(u32),
    /// The credential could not be looked up: not the caller's fault, and not a reason to let anybody in.
    Unavailable,
}

impl From<Ambiguous> for Denied {
    fn from(Ambiguous(header): Ambiguous) -> Self {
        Self::Ambiguous(header)
    }
}

impl From<SqlError> for Denied {
    fn from(error: SqlError) -> Self {
        log::error(&Context::default(), "failed to look a credential up", &[("reason", &error)]);
        Self::Unavailable
    }
}

/// What an instance remembers of the credentials that it has seen.
#[derive(Default)]
pub struct Memory {
    pub keys: Recent<ApiKey>,
    /// By the hash of name and password together: each is hashed slowly only once.
    logins: Recent<Login>,
    /// Access tokens of ours, each as the key that it was given for.
    tokens: Recent<ApiKey>,
    /// Callers whom other issuers vouch for.
    strangers: Recent<Caller>,
    key_sets: KeySets,
    throttle: Throttle,
    /// Wrong guesses at the bootstrap key. Its own count: who guesses at a user's password guesses at nothing else.
    bootstrap: Throttle,
    /// How long the last password took, so that one that is not looked at takes as long.
    hashing: Cell<Duration>,
}

impl Memory {
    /// Notes a failed attempt; the seconds to wait, if there were too many before.
    pub fn failed(&self, headers: &HeaderMap, now: Micros) -> Option<u32> {
        let source = credentials::source(headers);
        let wait = self.throttle.wait_seconds(&source, now);
        self.throttle.failed(&source, now);
        wait
    }
}

impl Caller {
    fn bootstrap() -> Self {
        Self {
            tenant: tenants::DEFAULT.into(),
            principal: "key:bootstrap".into(),
            scopes: vec!["*".into()],
            quota: Quota::Unlimited,
        }
    }

    pub fn of_key(key: ApiKey) -> Self {
        let (principal, quota) = (format!("key:{}", key.id), key.requests_per_hour.into());
        Self { tenant: key.tenant, principal, scopes: key.scopes, quota }
    }

    fn of_user(login: Login) -> Self {
        let (principal, quota) = (format!("user:{}", login.id), login.requests_per_hour.into());
        Self { tenant: login.tenant, principal, scopes: login.scopes, quota }
    }
}

/// The first valid credential of `X-API-Key` and `Authorization`. A wrong one does no harm beside a valid one.
pub async fn authenticate<B: Outside>(outside: &B, memory: &Memory, headers: &HeaderMap) -> Result<Caller, Denied> {
    let presented = credentials::presented(headers)?;
    if !presented.any {
        return Err(Denied::NoCredential);
    }
    let (source, now) = (credentials::source(headers), outside.now());
    let wait = memory.throttle.wait_seconds(&source, now);
    for credential in &presented.credentials {
        if let Some(caller) = check(outside, memory, credential, &source).await? {
            return Ok(caller);
        }
    }
    memory.throttle.failed(&source, now);
    Err(wait.map_or(Denied::WrongCredential, Denied::Throttled))
}

/// A right one always is let in, whatever others have sent from the same source: issued keys cannot be guessed, and what can be guessed
/// has a count of its own.
async fn check<B: Outside>(
    outside: &B,
    memory: &Memory,
    credential: &Credential,
    source: &str,
) -> Result<Option<Caller>, Denied> {
    match credential {
        Credential::Secret(secret) if keys::is_issued_form(secret) => {
            Ok(find_key(outside, memory, KeyHash::of(secret)).await?.map(Caller::of_key))
        }
        Credential::Secret(secret) => Ok(is_bootstrap(outside, memory, source, secret).await.then(Caller::bootstrap)),
        Credential::Password { login, password } => {
            Ok(password::sign_in(outside, memory, source, (login, password)).await?.map(Caller::of_user))
        }
        Credential::Token(text) => Ok(check_token(outside, memory, text).await?),
    }
}

/// Compared in constant time; without a bootstrap key nothing is it. While its source is throttled, only a long one is compared.
async fn is_bootstrap<B: Outside>(outside: &B, memory: &Memory, source: &str, secret: &str) -> bool {
    let Some(bootstrap) = outside.variable("bootstrap_api_key").await else { return false };
    let now = outside.now();
    let may_compare = bootstrap.len() >= UNGUESSABLE_BYTES || memory.bootstrap.wait_seconds(source, now).is_none();
    let is_right = may_compare && KeyHash::of(&bootstrap).matches(&KeyHash::of(secret));
    if !is_right {
        memory.bootstrap.failed(source, now);
    }
    is_right
}

/// A key of the table that is valid now.
pub async fn find_key<B: Outside>(outside: &B, memory: &Memory, hash: KeyHash) -> Result<Option<ApiKey>, SqlError> {
    let now = outside.now();
    if let Some(key) = memory.keys.get(&hash, now) {
        return Ok(key.is_valid_at(now).then_some(key));
    }
    let Some(mut key) = store::api_keys::find(outside.tables(), hash).await? else { return Ok(None) };
    let is_valid = key.is_valid_at(now);
    if is_valid && key.last_used_at.is_none_or(|at| at <= now - LAST_USED_RESOLUTION_MICROS) {
        note_use(outside, &key, now);
        key.last_used_at = Some(now);
    }
    memory.keys.put(hash, key.clone(), now);
    Ok(is_valid.then_some(key))
}

/// After the answer: a request neither waits for it nor fails with it.
fn note_use<B: Outside>(outside: &B, key: &ApiKey, now: Micros) {
    let (outside_too, key) = (outside.clone(), key.clone());
    outside.spawn(async move {
        if let Err(error) = store::api_keys::mark_used(outside_too.tables(), &key, now).await {
            log::warn(&Context::default(), "failed to note an API key's use", &[("reason", &error)]);
        }
    });
}

/// A token of ours or of an issuer that the deployment trusts. What was found is believed as long as a key is.
async fn check_token<B: Outside>(outside: &B, memory: &Memory, text: &str) -> Result<Option<Caller>, SqlError> {
    let (hash, now) = (KeyHash::of(text), outside.now());
    let Some(token) = Token::parse(text) else { return Ok(None) };
    if let Some(signing) = Signing::of(outside).await
        && let Some(ours) = signing.read(&token, now)
    {
        let key = match memory.tokens.get(&hash, now) {
            Some(key) => Some(key).filter(|key| key.is_valid_at(now)),
            None => ours.key(outside).await?.inspect(|key| memory.tokens.put(hash, key.clone(), now)),
        };
        return Ok(key.map(Caller::of_key));
    }
    let Some(stranger) = issuer::caller(outside, &memory.key_sets, &token).await else { return Ok(None) };
    if let Some(known) = memory.strangers.get(&hash, now) {
        return Ok(Some(known));
    }
    // The tenant must be there, and says how much its callers may ask.
    let tenant = store::tenants::get(outside.tables(), &stranger.tenant).await?;
    let tenant = tenant.filter(|tenant| tenant.disabled_at.is_none());
    let caller = tenant.map(|tenant| Caller { quota: tenant.requests_per_hour.into(), ..stranger });
    Ok(caller.inspect(|caller| memory.strangers.put(hash, caller.clone(), now)))
}
