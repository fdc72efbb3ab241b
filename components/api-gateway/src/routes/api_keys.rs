//! `/api-keys`: made, listed and revoked; the secret is in the answer that makes it, and nowhere else.

use http::Response;
use serde_json::{Value, json};

use super::own;
use super::{Action, Doc, Route};
use crate::call::Call;
use crate::clients::{Body, Outside};
use crate::keys::{self, IssuedKey, KeyHash};
use crate::reply::whole;
use crate::{scopes, store};
use sdk::clock::rfc3339;
use sdk::context::ADMIN;
use sdk::idempotency::Done;
use sdk::pagination::Keyset;
use sdk::query::Query;
use sdk::{Input, Micros, Problem, etag, ids};

const RIGHTS: &[&str] = &[ADMIN];
const MAX_NAME: usize = 255;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Do {
    List,
    Create,
    Get,
    Revoke,
}

pub const ROUTES: &[Route] = &[
    Route::get(
        "/api-keys",
        RIGHTS,
        Action::ApiKeys(Do::List),
        Doc::new("listApiKeys", "API keys without their secrets, newest first", &[(200, Some("ApiKeyList"))])
            .query(&["tenant", "limit", "cursor"]),
    ),
    Route::post(
        "/api-keys",
        RIGHTS,
        Action::ApiKeys(Do::Create),
        Doc::new("createApiKey", "Make an API key; its secret is shown this once", &[(201, Some("NewApiKeyShown"))])
            .body("NewApiKey"),
    ),
    Route::get(
        "/api-keys/{id}",
        RIGHTS,
        Action::ApiKeys(Do::Get),
        Doc::new("getApiKey", "One API key, without its secret", &[(200, Some("ApiKey"))]).query(&["tenant"]),
    ),
    Route::delete(
        "/api-keys/{id}",
        RIGHTS,
        Action::ApiKeys(Do::Revoke),
        Doc::new("revokeApiKey", "Revoke an API key for good", &[(204, None)]).query(&["tenant"]).if_match(),
    ),
];

pub async fn act<B: Outside>(outside: &B, call: &Call<'_>, what: Do) -> Result<Response<Body>, Problem> {
    match what {
        Do::List => list(outside, call).await,
        Do::Create => create(outside, call).await,
        Do::Get => shown_in_version(&get(outside, call).await?),
        Do::Revoke => revoke(outside, call).await,
    }
}

async fn list<B: Outside>(outside: &B, call: &Call<'_>) -> Result<Response<Body>, Problem> {
    let query = Query::parse(call.query)?;
    query.allow(&["tenant", "limit", "cursor"])?;
    let tenant = scopes::tenant(&call.context, query.get("tenant"), "?tenant")?;
    let name = format!("api-keys {tenant}");
    let (page, after) = own::page(call, &name)?;
    let rows = store::api_keys::list_page(outside.tables(), &tenant, &after, page.limit).await;
    let rows = rows.map_err(|error| store::failed(&call.context, "list API keys", &error))?;
    own::list(call, &name, rows, page.limit, |key| Keyset { at: key.created_at, id: key.id.clone() }, view)
}

struct NewKey {
    tenant: Option<String>,
    name: String,
    scopes: Vec<String>,
    expires_at: Option<Micros>,
}

impl NewKey {
    fn read(input: &mut Input, now: Micros) -> Self {
        let expires_at = input.time("expires_at");
        if expires_at.is_some_and(|at| at <= now) {
            input.refuse("expires_at", "must be in the future");
        }
        if !input.has("scopes") {
            input.refuse("scopes", "is required");
        }
        Self {
            tenant: input.text("tenant", 64),
            name: input.required_text("name", MAX_NAME),
            scopes: scopes::read(input, "scopes").unwrap_or_default(),
            expires_at,
        }
    }
}

/// A repetition with the same `Idempotency-Key` makes no second key, and does not show the secret again: it is not kept.
async fn create<B: Outside>(outside: &B, call: &Call<'_>) -> Result<Response<Body>, Problem> {
    let now = outside.now();
    let new = own::request(call).decode(|input| NewKey::read(input, now))?;
    let tenant = scopes::tenant(&call.context, new.tenant.as_deref(), "/tenant")?;
    scopes::check_covered(&call.context, &new.scopes)?;
    let (secret, prefix) = keys::mint()?;
    let key = IssuedKey {
        tenant,
        id: ids::new(),
        name: new.name,
        prefix,
        scopes: new.scopes,
        created_at: now,
        expires_at: new.expires_at,
        revoked_at: None,
        last_used_at: None,
    };
    let hash = KeyHash::of(&secret);
    let unknown = Problem::invalid_field("/tenant", "there is no such tenant");
    match own::create(
        call,
        "store an API key",
        unknown,
        |key| shown(key, None),
        async |once| store::api_keys::insert(outside.tables(), &key, hash, once).await,
    )
    .await?
    {
        Done::Now(key) => own::created("/api-keys", &key.id, &shown(&key, Some(&secret))),
        Done::Before(answer) => Ok(whole(answer.replay())),
    }
}

async fn get<B: Outside>(outside: &B, call: &Call<'_>) -> Result<IssuedKey, Problem> {
    let query = Query::parse(call.query)?;
    query.allow(&["tenant"])?;
    let tenant = scopes::tenant(&call.context, query.get("tenant"), "?tenant")?;
    let key = store::api_keys::get(outside.tables(), &tenant, &call.id()).await;
    let key = key.map_err(|error| store::failed(&call.context, "read an API key", &error))?;
    key.ok_or_else(|| Problem::not_found("API key"))
}

async fn revoke<B: Outside>(outside: &B, call: &Call<'_>) -> Result<Response<Body>, Problem> {
    let key = get(outside, call).await?;
    scopes::check_covered(&call.context, &key.scopes)?;
    if etag::if_match(&own::request(call))?.is_some_and(|version| version != changed_at(&key)) {
        return Err(etag::mismatch());
    }
    let revoked = store::api_keys::revoke(outside.tables(), &key.tenant, &key.id, outside.now()).await;
    revoked.map_err(|error| store::failed(&call.context, "revoke an API key", &error))?;
    own::no_content()
}

fn shown_in_version(key: &IssuedKey) -> Result<Response<Body>, Problem> {
    own::versioned(&view(key), changed_at(key))
}

/// All that ever changes of a key is that it is revoked.
fn changed_at(key: &IssuedKey) -> Micros {
    key.revoked_at.unwrap_or(key.created_at)
}

fn view(key: &IssuedKey) -> Value {
    json!({
        "id": key.id,
        "tenant": key.tenant,
        "name": key.name,
        "prefix": key.prefix,
        "scopes": key.scopes,
        "created_at": rfc3339(key.created_at),
        "expires_at": key.expires_at.map(rfc3339),
        "revoked_at": key.revoked_at.map(rfc3339),
        "last_used_at": key.last_used_at.map(rfc3339),
    })
}

/// As the answer to its creation: `key` is null when it was shown before.
fn shown(key: &IssuedKey, secret: Option<&str>) -> Value {
    let mut shown = view(key);
    if let Some(members) = shown.as_object_mut() {
        members.insert("key".to_owned(), secret.into());
    }
    shown
}
