//! OAuth 2.0: an API key is exchanged for a short-lived token (RFC 6749, 4.4), which can be looked at (7662) and revoked (7009).
//!
//! The client is the key: `client_id` its id, `client_secret` the key itself.

use http::header::{CACHE_CONTROL, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use serde_json::{Value, json};

use super::{API_PREFIX, Action, Doc, Route};
use crate::auth::{self, find_key};
use crate::clients::{Body, Outside};
use crate::credentials::{self, Credential};
use crate::forward;
use crate::jwt::Token;
use crate::keys::{self, ApiKey, KeyHash};
use crate::reply::whole;
use crate::store;
use crate::tokens::{self, AccessToken, Signing};
use sdk::query::{Query, percent_decode};
use sdk::sql::SqlError;
use sdk::{Context, Problem, log, response};

/// The client authenticates itself in the request.
const ANYBODY: &[&str] = &[];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Do {
    Token,
    Introspect,
    Revoke,
}

pub const ROUTES: &[Route] = &[
    Route::post(
        "/oauth/token",
        ANYBODY,
        Action::OAuth(Do::Token),
        Doc::new("issueToken", "Exchange an API key for a short-lived access token", &[(200, Some("AccessToken"))])
            .body("TokenRequest"),
    ),
    Route::post(
        "/oauth/introspect",
        ANYBODY,
        Action::OAuth(Do::Introspect),
        Doc::new("introspectToken", "What an access token is worth", &[(200, Some("Introspection"))])
            .body("TokenReference"),
    ),
    Route::post(
        "/oauth/revoke",
        ANYBODY,
        Action::OAuth(Do::Revoke),
        Doc::new("revokeToken", "Revoke an access token", &[(200, None)]).body("TokenReference"),
    ),
];

/// An error as OAuth tells it (RFC 6749, 5.2).
struct Refusal {
    status: StatusCode,
    error: &'static str,
    description: &'static str,
    retry_after: Option<u32>,
}

impl Refusal {
    fn new(error: &'static str, description: &'static str) -> Self {
        Self { status: StatusCode::BAD_REQUEST, error, description, retry_after: None }
    }

    fn client() -> Self {
        let description = "client_id must be the id of an API key, and client_secret the key";
        Self { status: StatusCode::UNAUTHORIZED, ..Self::new("invalid_client", description) }
    }

    fn unavailable() -> Self {
        let description = "credentials cannot be checked at the moment";
        Self { status: StatusCode::SERVICE_UNAVAILABLE, ..Self::new("temporarily_unavailable", description) }
    }
}

impl From<SqlError> for Refusal {
    fn from(error: SqlError) -> Self {
        log::error(&Context::default(), "failed to look a client or a token up", &[("reason", &error)]);
        Self::unavailable()
    }
}

impl From<Problem> for Refusal {
    fn from(_: Problem) -> Self {
        Self { status: StatusCode::INTERNAL_SERVER_ERROR, ..Self::new("server_error", "internal error") }
    }
}

pub struct Asked<'a> {
    pub headers: &'a HeaderMap,
    /// `application/x-www-form-urlencoded`.
    pub form: &'a str,
}

/// Who we are to a client: the address at which the world reaches the platform.
async fn issuer<B: Outside>(outside: &B, headers: &HeaderMap) -> String {
    let base = outside.variable("public_base_url").await;
    let base = base.or_else(|| forward::public_url(headers)?.to_str().ok().map(str::to_owned));
    base.map_or_else(|| tokens::ISSUER.to_owned(), |base| base.trim_end_matches('/').to_owned())
}

/// `/.well-known/oauth-authorization-server` (RFC 8414). There is no authorization endpoint, so no response type.
pub async fn metadata<B: Outside>(outside: &B, headers: &HeaderMap) -> Value {
    let issuer = issuer(outside, headers).await;
    let at = |path: &str| format!("{issuer}{API_PREFIX}{path}");
    let methods = json!(["client_secret_basic", "client_secret_post"]);
    json!({
        "issuer": issuer,
        "token_endpoint": at("/oauth/token"),
        "introspection_endpoint": at("/oauth/introspect"),
        "revocation_endpoint": at("/oauth/revoke"),
        "jwks_uri": format!("{issuer}/.well-known/jwks.json"),
        "service_documentation": format!("{issuer}/docs"),
        "scopes_supported": crate::scopes::ALL,
        "response_types_supported": [],
        "grant_types_supported": ["client_credentials"],
        "token_endpoint_auth_methods_supported": methods,
        "introspection_endpoint_auth_methods_supported": methods,
        "revocation_endpoint_auth_methods_supported": methods,
    })
}

pub async fn act<B: Outside>(
    outside: &B,
    memory: &auth::Memory,
    asked: &Asked<'_>,
    what: Do,
) -> Result<Response<Body>, Problem> {
    let answer = match what {
        Do::Token => token(outside, memory, asked).await,
        Do::Introspect => introspect(outside, memory, asked).await,
        Do::Revoke => revoke(outside, memory, asked).await,
    };
    let mut response = match answer {
        Ok(value) => response::ok(&value)?,
        Err(refusal) => refused(&refusal)?,
    };
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(whole(response))
}

fn refused(refusal: &Refusal) -> Result<sdk::Response, Problem> {
    let members = json!({ "error": refusal.error, "error_description": refusal.description });
    let mut response = response::json(refusal.status, &members)?;
    let headers = response.headers_mut();
    if refusal.status == StatusCode::UNAUTHORIZED {
        headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"kobliat\""));
    }
    headers.extend(refusal.retry_after.map(|seconds| (http::header::RETRY_AFTER, HeaderValue::from(seconds))));
    Ok(response)
}

/// The parameters of a form. One that is there twice is refused (RFC 6749, 3.2), because readers differ on which counts.
struct Form(Query);

impl Form {
    fn parse(text: &str) -> Result<Self, Refusal> {
        let bad = || Refusal::new("invalid_request", "the body is no form in UTF-8, or has a parameter twice");
        let form = Query::parse(text).map_err(|_| bad())?;
        let mut names: Vec<&str> = form.iter().map(|(name, _)| name).collect();
        let all = names.len();
        names.sort_unstable();
        names.dedup();
        if names.len() == all { Ok(Self(form)) } else { Err(bad()) }
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name)
    }
}

/// The client, by HTTP Basic or by the form (RFC 6749, 2.3.1), never by both.
async fn client<B: Outside>(
    outside: &B,
    memory: &auth::Memory,
    headers: &HeaderMap,
    form: &Form,
) -> Result<ApiKey, Refusal> {
    let (id, secret) = named_client(headers, form)?;
    let key = if keys::is_plausible(&secret) && keys::is_issued_form(&secret) {
        find_key(outside, memory, KeyHash::of(&secret)).await?
    } else {
        None
    };
    match key.filter(|key| key.id.eq_ignore_ascii_case(&id)) {
        Some(key) => Ok(key),
        None => Err(wrong_client(outside, memory, headers)),
    }
}

fn named_client(headers: &HeaderMap, form: &Form) -> Result<(String, String), Refusal> {
    let presented = credentials::presented(headers)
        .map_err(|_| Refusal::new("invalid_request", "a header with a credential is there twice"))?;
    let by_form = form.get("client_id").zip(form.get("client_secret"));
    match (presented.credentials.into_iter().next(), by_form) {
        (Some(Credential::Password { login, password }), None) => Ok((decoded(login), decoded(password))),
        (None, Some((id, secret))) => Ok((id.to_owned(), secret.to_owned())),
        (Some(_), Some(_)) => Err(Refusal::new("invalid_request", "the client identifies itself in more than one way")),
        _ => Err(Refusal::client()),
    }
}

/// Id and secret are form-encoded before they become a name and a password (RFC 6749, 2.3.1). Neither has a sign in it that this would change.
fn decoded(text: String) -> String {
    percent_decode(&text.replace('+', " ")).unwrap_or(text)
}

fn wrong_client<B: Outside>(outside: &B, memory: &auth::Memory, headers: &HeaderMap) -> Refusal {
    match memory.failed(headers, outside.now()) {
        None => Refusal::client(),
        wait => Refusal { status: StatusCode::TOO_MANY_REQUESTS, retry_after: wait, ..Refusal::client() },
    }
}

async fn signing<B: Outside>(outside: &B) -> Result<Signing, Refusal> {
    Signing::of(outside).await.ok_or_else(Refusal::unavailable)
}

async fn token<B: Outside>(outside: &B, memory: &auth::Memory, asked: &Asked<'_>) -> Result<Value, Refusal> {
    let form = Form::parse(asked.form)?;
    match form.get("grant_type") {
        Some("client_credentials") => {}
        Some(_) => return Err(Refusal::new("unsupported_grant_type", "grant_type must be client_credentials")),
        None => return Err(Refusal::new("invalid_request", "grant_type is required")),
    }
    let key = client(outside, memory, asked.headers, &form).await?;
    let scopes = match form.get("scope") {
        None => key.scopes.clone(),
        Some(wanted) => narrowed(&key, wanted)?,
    };
    let token = signing(outside).await?.issue(&issuer(outside, asked.headers).await, &key, &scopes, outside.now())?;
    Ok(json!({
        "access_token": token,
        "token_type": "Bearer",
        "expires_in": tokens::LIFETIME_SECONDS,
        "scope": scopes.join(" "),
    }))
}

/// No more than the key has.
fn narrowed(key: &ApiKey, wanted: &str) -> Result<Vec<String>, Refusal> {
    let held = Context { scopes: key.scopes.clone(), ..Context::default() };
    let wanted: Vec<String> = wanted.split_ascii_whitespace().map(str::to_owned).collect();
    let may = |scope: &String| crate::scopes::ALL.contains(&scope.as_str()) && held.allows(scope);
    if wanted.is_empty() || !wanted.iter().all(may) {
        return Err(Refusal::new("invalid_scope", "the API key does not have every scope that is asked for"));
    }
    Ok(wanted)
}

/// The token that the form names, when it is genuine and of the client's own tenant: others are none of its business.
async fn named_token<B: Outside>(outside: &B, form: &Form, client: &ApiKey) -> Result<Option<AccessToken>, Refusal> {
    let Some(text) = form.get("token") else { return Err(Refusal::new("invalid_request", "token is required")) };
    let signing = signing(outside).await?;
    let token = Token::parse(text).and_then(|token| signing.read(&token, outside.now()));
    Ok(token.filter(|token| token.tenant == client.tenant))
}

async fn introspect<B: Outside>(outside: &B, memory: &auth::Memory, asked: &Asked<'_>) -> Result<Value, Refusal> {
    let form = Form::parse(asked.form)?;
    let client = client(outside, memory, asked.headers, &form).await?;
    let Some(token) = named_token(outside, &form, &client).await? else { return Ok(json!({ "active": false })) };
    let Some(key) = token.key(outside).await? else { return Ok(json!({ "active": false })) };
    Ok(json!({
        "active": true,
        "scope": key.scopes.join(" "),
        "client_id": token.client,
        "sub": token.client,
        "tenant": token.tenant,
        "token_type": "Bearer",
        "iss": token.issuer,
        "aud": tokens::AUDIENCE,
        "iat": token.issued_at,
        "exp": token.expires_at,
        "jti": token.id,
    }))
}

/// 200 also for what is no token (RFC 7009, 2.2). Only the client that a token was given to may revoke it.
async fn revoke<B: Outside>(outside: &B, memory: &auth::Memory, asked: &Asked<'_>) -> Result<Value, Refusal> {
    let form = Form::parse(asked.form)?;
    let client = client(outside, memory, asked.headers, &form).await?;
    if let Some(token) = named_token(outside, &form, &client).await?.filter(|token| token.client == client.id) {
        let end = (token.expires_at + 120) * 1_000_000; // two minutes more: clocks differ
        store::tokens::revoke(outside.tables(), &token.tenant, &token.id, end).await?;
    }
    Ok(json!({}))
}
