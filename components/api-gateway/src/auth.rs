//! Who asks: the credentials of a request, checked, become the caller in whose name everything else is done.

use http::HeaderMap;
use http::header::AUTHORIZATION;

use crate::clients::{ApiKeys, Settings};
use crate::keys::{self, ApiKey, KeyCache, KeyHash};
use sdk::{Clock, Micros};

/// The tenant of the bootstrap key; a single-tenant user never sees another.
const DEFAULT_TENANT: &str = "default";

/// How often the time of last use is written, in microseconds (1 min): it is information, not worth a disk write per request.
const LAST_USED_RESOLUTION_MICROS: Micros = 60_000_000;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    pub tenant: String,
    /// `key:<id>`; what idempotency keys are scoped to.
    pub principal: String,
    pub scopes: Vec<String>,
}

/// Why a request has no caller.
#[derive(Debug, PartialEq, Eq)]
pub enum Denied {
    NoCredential,
    WrongCredential,
    /// The keys could not be looked up: not the caller's fault, and not a reason to let anybody in.
    Unavailable,
}

impl Caller {
    fn bootstrap() -> Self {
        Self { tenant: DEFAULT_TENANT.into(), principal: "key:bootstrap".into(), scopes: vec!["*".into()] }
    }

    fn of(key: ApiKey) -> Self {
        Self { tenant: key.tenant, principal: format!("key:{}", key.id), scopes: key.scopes }
    }
}

/// The first valid credential of `X-API-Key` and `Authorization: Bearer`. A wrong one does no harm beside a valid one.
pub async fn authenticate<B>(outside: &B, cache: &KeyCache, headers: &HeaderMap) -> Result<Caller, Denied>
where
    B: ApiKeys + Settings + Clock,
{
    let presented = credentials(headers);
    let bootstrap = outside.bootstrap_api_key().await.map(|secret| KeyHash::of(&secret));
    for secret in &presented.secrets {
        let hash = KeyHash::of(secret);
        if bootstrap.is_some_and(|bootstrap| bootstrap.matches(&hash)) {
            return Ok(Caller::bootstrap());
        }
        if keys::is_issued_form(secret)
            && let Some(key) = look_up(outside, cache, hash).await?
        {
            return Ok(Caller::of(key));
        }
    }
    Err(if presented.any { Denied::WrongCredential } else { Denied::NoCredential })
}

struct Presented<'a> {
    /// Whether the client tried at all, if only with a scheme that is not understood.
    any: bool,
    secrets: Vec<&'a str>,
}

fn credentials(headers: &HeaderMap) -> Presented<'_> {
    let api_key = headers.get("x-api-key");
    let authorization = headers.get(AUTHORIZATION);
    let bearer = authorization.and_then(|value| value.to_str().ok()).and_then(bearer_token);
    let secrets = api_key.and_then(|value| value.to_str().ok()).map(str::trim).into_iter().chain(bearer);
    Presented {
        any: api_key.is_some() || authorization.is_some(),
        secrets: secrets.filter(|secret| keys::is_plausible(secret)).collect(),
    }
}

/// The scheme's name is not case-sensitive (RFC 9110, 11.1).
fn bearer_token(authorization: &str) -> Option<&str> {
    let (scheme, token) = authorization.trim().split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

async fn look_up<B: ApiKeys + Clock>(outside: &B, cache: &KeyCache, hash: KeyHash) -> Result<Option<ApiKey>, Denied> {
    let now = outside.now();
    let key = match cache.get(&hash, now) {
        Some(key) => key,
        None => match outside.find_key(hash).await.map_err(|_logged| Denied::Unavailable)? {
            Some(key) => remember(outside, cache, hash, key, now).await,
            None => return Ok(None),
        },
    };
    Ok(key.is_valid_at(now).then_some(key))
}

async fn remember<B: ApiKeys>(outside: &B, cache: &KeyCache, hash: KeyHash, mut key: ApiKey, now: Micros) -> ApiKey {
    let stale = key.last_used_at.is_none_or(|at| at <= now - LAST_USED_RESOLUTION_MICROS);
    if key.is_valid_at(now) && stale {
        outside.mark_key_used(&key, now).await;
        key.last_used_at = Some(now);
    }
    cache.put(hash, key.clone(), now);
    key
}
