//! Who else may say who somebody is: the identity providers of the variable `jwt_issuers`, and their keys.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Limited};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::jwk::Key;
use super::{Token, claims};
use crate::auth::Caller;
use crate::clients::Outside;
use crate::deadline::within;
use crate::{scopes, tenants};
use sdk::context::OPERATOR;
use sdk::outgoing::USER_AGENT;
use sdk::query::percent_encode;
use sdk::{Context, Micros, log};

/// How long fetched keys are used without asking again, in microseconds (5 min).
const KEYS_TTL_MICROS: Micros = 300_000_000;
/// How soon they are asked for again when a token names a key that is not among them, in microseconds (30 s): a provider may have
/// changed its keys, and anybody can make such a token up.
const REFETCH_MICROS: Micros = 30_000_000;
/// For the fetch of keys: a request waits for it.
const FETCH_DEADLINE: Duration = Duration::from_secs(3);
/// 64 KiB are hundreds of keys.
const MAX_JWKS_BYTES: usize = 64 * 1024;

/// An entry of `jwt_issuers`. Unknown members are refused, so that a typo opens nothing.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Issuer {
    pub issuer: String,
    pub audience: String,
    /// A JWK set that is fetched; its host must be among the component's outbound hosts.
    jwks_url: Option<String>,
    /// Or the keys themselves.
    #[serde(default)]
    keys: Vec<Value>,
    /// The tenant of all its tokens, or the claim that names it.
    tenant: Option<String>,
    tenant_claim: Option<String>,
    #[serde(default = "scope_claim")]
    scope_claim: String,
    /// What its tokens may carry at most; without it, every right within the tenant.
    scopes: Option<Vec<String>>,
    /// Values of `typ` that are taken; a token without one counts as `jwt`.
    #[serde(default = "kinds")]
    types: Vec<String>,
}

fn scope_claim() -> String {
    "scope".to_owned()
}

fn kinds() -> Vec<String> {
    vec!["at+jwt".to_owned(), "jwt".to_owned()]
}

/// The keys that were fetched, by URL.
#[derive(Default)]
pub struct KeySets(RefCell<HashMap<String, Fetched>>);

/// When, and what.
type Fetched = (Micros, Rc<Vec<Key>>);

/// The configured issuers. A list that cannot be read is no issuer at all, and an error in the log at each try.
pub async fn issuers<B: Outside>(outside: &B) -> Vec<Issuer> {
    let Some(text) = outside.variable("jwt_issuers").await else { return Vec::new() };
    serde_json::from_str(&text).unwrap_or_else(|error| {
        log::error(&Context::default(), "the variable jwt_issuers is not understood", &[("reason", &error)]);
        Vec::new()
    })
}

/// Whether the list can be read, and every entry can let somebody in. The error tells nothing of a key.
pub fn check(text: &str) -> Result<(), String> {
    let issuers: Vec<Issuer> = serde_json::from_str(text).map_err(|error| error.to_string())?;
    match issuers.iter().find_map(|issuer| Some((issuer, issuer.fault()?))) {
        Some((issuer, fault)) => Err(format!("{}: {fault}", issuer.issuer)),
        None => Ok(()),
    }
}

/// The caller that a token of one of the issuers names.
pub async fn caller<B: Outside>(outside: &B, sets: &KeySets, token: &Token<'_>) -> Option<Caller> {
    let claimed = token.claimed_issuer()?;
    let issuer = issuers(outside).await.into_iter().find(|issuer| issuer.issuer == claimed)?;
    if !issuer.types.iter().any(|kind| kind.eq_ignore_ascii_case(token.header.kind.as_deref().unwrap_or("jwt"))) {
        return None;
    }
    let keys = issuer.keys(outside, sets, token).await;
    let claims = token.verify(&keys)?;
    claims::hold(&claims, &issuer.issuer, &issuer.audience, outside.now()).then(|| issuer.caller(&claims))?
}

impl Issuer {
    /// Why none of its tokens could be taken, or fewer than whoever wrote it means.
    fn fault(&self) -> Option<&'static str> {
        let has_tenant = self.tenant.is_some() || self.tenant_claim.is_some();
        if !has_tenant {
            return Some("`tenant` or `tenant_claim` is needed");
        }
        if self.tenant.as_deref().is_some_and(|tenant| !tenants::is_id(tenant)) {
            return Some("`tenant` is no tenant's name");
        }
        if self.scopes.iter().flatten().any(|scope| !scopes::ALL.contains(&scope.as_str())) {
            return Some("`scopes` has one that there is not");
        }
        match &self.jwks_url {
            Some(_) if !self.keys.is_empty() => Some("`jwks_url` and `keys` go not together"),
            Some(url) if !url.starts_with("https://") && !url.starts_with("http://") => Some("`jwks_url` is no URL"),
            None if self.keys.is_empty() => Some("`jwks_url` or `keys` is needed"),
            _ if self.keys.iter().any(|jwk| Key::from_jwk(jwk).is_none()) => {
                Some("`keys` has one that is weak or of no known kind")
            }
            _ => None,
        }
    }

    fn caller(&self, claims: &Map<String, Value>) -> Option<Caller> {
        let named = self.tenant_claim.as_deref().and_then(|name| claims::text(claims, name));
        let tenant = self.tenant.as_deref().or(named).filter(|tenant| tenants::is_id(tenant))?;
        let mut scopes = claims::scopes(claims, &self.scope_claim);
        scopes.retain(|scope| self.may_give(scope));
        let subject = claims::text(claims, "sub")?;
        Some(Caller {
            tenant: tenant.to_owned(),
            principal: format!("jwt:{}:{}", percent_encode(&self.issuer), percent_encode(subject)),
            scopes,
            quota: crate::auth::Quota::Default,
        })
    }

    /// Rights over the whole platform must be named in the configuration.
    fn may_give(&self, scope: &str) -> bool {
        let is_known = scopes::ALL.contains(&scope);
        is_known
            && match &self.scopes {
                Some(most) => most.iter().any(|one| one == scope),
                None => scope != "*" && scope != OPERATOR,
            }
    }

    async fn keys<B: Outside>(&self, outside: &B, sets: &KeySets, token: &Token<'_>) -> Rc<Vec<Key>> {
        let Some(url) = &self.jwks_url else { return Rc::new(self.keys.iter().filter_map(Key::from_jwk).collect()) };
        let now = outside.now();
        let known = sets.0.borrow().get(url).cloned();
        let has_key =
            |keys: &[Key]| token.header.key_id.is_none() || keys.iter().any(|key| key.id == token.header.key_id);
        if let Some((fetched_at, keys)) = &known {
            let age = now - fetched_at;
            if (0..REFETCH_MICROS).contains(&age) || ((0..KEYS_TTL_MICROS).contains(&age) && has_key(keys)) {
                return keys.clone();
            }
        }
        // When the provider is silent, what is known goes on, and is asked for again a little later.
        let fetched = fetch(outside, url).await.map(Rc::new).or(known.map(|(_, keys)| keys)).unwrap_or_default();
        sets.0.borrow_mut().insert(url.clone(), (now, fetched.clone()));
        fetched
    }
}

async fn fetch<B: Outside>(outside: &B, url: &str) -> Option<Vec<Key>> {
    let request = Request::get(url).header("accept", "application/json").header("user-agent", USER_AGENT);
    let request = request.body(Bytes::new()).ok()?;
    let read = async {
        let answer = outside.fetch(request).await.ok().filter(|answer| answer.status().is_success())?;
        let body = Limited::new(answer.into_body(), MAX_JWKS_BYTES).collect().await.ok()?.to_bytes();
        serde_json::from_slice::<Value>(&body).ok()
    };
    let set = within(outside, FETCH_DEADLINE, read).await.flatten();
    if set.is_none() {
        log::warn(&Context::default(), "failed to fetch the keys of an issuer", &[("url", &url)]);
    }
    set.as_ref().map(Key::from_jwks)
}
