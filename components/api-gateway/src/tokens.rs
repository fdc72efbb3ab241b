//! The gateway's own access tokens (RFC 9068): signed with Ed25519, short-lived, worth no more than the key they were given for.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::{Signer, SigningKey};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::clients::Outside;
use crate::jwt::jwk::Key;
use crate::jwt::{Token, claims};
use crate::keys::ApiKey;
use crate::{secret, store};
use sdk::sql::SqlError;
use sdk::{Context, Micros, Problem, log};

/// Who issues the tokens where nobody knows at what address that is.
pub const ISSUER: &str = "urn:kobliat:api-gateway";
/// For whom: this gateway, whatever address it is reached at.
pub const AUDIENCE: &str = "urn:kobliat:api";
/// An hour.
pub const LIFETIME_SECONDS: i64 = 3600;
const KIND: &str = "at+jwt";
/// The variable is of 256 bits when `up` makes it; a person may have typed it.
const MIN_SECRET_BYTES: usize = 16;

/// The key that signs, made of the variable `token_secret`: the same in every instance, with nothing stored. And those that signed
/// before it, for as long as the deployment names them: no token lives longer than an hour.
pub struct Signing {
    current: Pair,
    earlier: Vec<Pair>,
}

struct Pair {
    key: SigningKey,
    /// The thumbprint of the public key (RFC 7638, RFC 8037 A.3): another secret, another name.
    id: String,
}

impl Pair {
    /// `None` for what is too short to be a secret.
    fn of(secret: &str) -> Option<Self> {
        if secret.len() < MIN_SECRET_BYTES {
            return None;
        }
        let seed = Sha256::new().chain_update("kobliat access tokens\0").chain_update(secret).finalize();
        let key = SigningKey::from_bytes(&seed.into());
        let members = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{}"}}"#, public(&key));
        Some(Self { id: URL_SAFE_NO_PAD.encode(Sha256::digest(members)), key })
    }

    fn jwk(&self) -> Value {
        json!({ "kty": "OKP", "crv": "Ed25519", "x": public(&self.key), "kid": self.id, "alg": "EdDSA", "use": "sig" })
    }
}

fn public(key: &SigningKey) -> String {
    URL_SAFE_NO_PAD.encode(key.verifying_key().as_bytes())
}

/// A token of ours that is genuine and has not ended; whether it was revoked is in the database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessToken {
    pub issuer: String,
    pub tenant: String,
    pub client: String,
    pub id: String,
    pub scopes: Vec<String>,
    pub issued_at: i64,
    pub expires_at: i64,
}

impl Signing {
    /// `None` without a secret: then there are no tokens.
    pub async fn of<B: Outside>(outside: &B) -> Option<Self> {
        let secret = outside.variable("token_secret").await?;
        let Some(current) = Pair::of(&secret) else {
            log::error(&Context::default(), "the variable token_secret is too short to be used", &[]);
            return None;
        };
        let earlier = outside.variable("token_secret_previous").await.unwrap_or_default();
        let earlier = earlier.split(',').map(str::trim).filter_map(Pair::of).collect();
        Some(Self { current, earlier })
    }

    fn pairs(&self) -> impl Iterator<Item = &Pair> {
        std::iter::once(&self.current).chain(&self.earlier)
    }

    /// For `/.well-known/jwks.json`: every key whose tokens are taken, the one that signs first.
    pub fn jwks(&self) -> Value {
        json!({ "keys": self.pairs().map(Pair::jwk).collect::<Vec<_>>() })
    }

    pub fn issue(&self, issuer: &str, key: &ApiKey, scopes: &[String], now: Micros) -> Result<String, Problem> {
        let now = now / 1_000_000;
        let header = json!({ "typ": KIND, "alg": "EdDSA", "kid": self.current.id });
        let claims = json!({
            "iss": issuer, "aud": AUDIENCE, "sub": key.id, "client_id": key.id, "tenant": key.tenant,
            "scope": scopes.join(" "), "iat": now, "exp": now + LIFETIME_SECONDS, "jti": secret::token()?,
        });
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(&header), part(&claims));
        let signature = URL_SAFE_NO_PAD.encode(self.current.key.sign(signed.as_bytes()).to_bytes());
        Ok(format!("{signed}.{signature}"))
    }

    /// What a genuine token says; `None` for any other, also one of ours of another kind.
    pub fn read(&self, token: &Token<'_>, now: Micros) -> Option<AccessToken> {
        if token.header.kind.as_deref() != Some(KIND) {
            return None;
        }
        let pair = self.pairs().find(|pair| token.header.key_id.as_deref() == Some(&pair.id))?;
        let members = token.verify(&[Key::ed25519(pair.id.clone(), pair.key.verifying_key())])?;
        let text = |name: &str| claims::text(&members, name).map(str::to_owned);
        let time = |name: &str| members.get(name).and_then(Value::as_i64);
        // Nobody else signs with our keys, so the issuer is us at whatever address the token was asked for.
        let issuer = text("iss")?;
        claims::hold(&members, &issuer, AUDIENCE, now).then_some(())?;
        Some(AccessToken {
            issuer,
            tenant: text("tenant")?,
            client: text("client_id")?,
            id: text("jti")?,
            scopes: claims::scopes(&members, "scope"),
            issued_at: time("iat")?,
            expires_at: time("exp")?,
        })
    }
}

impl AccessToken {
    /// The client's key with the token's scopes and end, if neither was revoked. The caller is the key itself, so that its
    /// idempotency keys and its quota are the same.
    pub async fn key<B: Outside>(&self, outside: &B) -> Result<Option<ApiKey>, SqlError> {
        let found = store::tokens::find(outside.tables(), &self.tenant, &self.client, &self.id).await?;
        let now = outside.now();
        let end = self.expires_at * 1_000_000;
        let narrowed = |key: ApiKey| ApiKey {
            scopes: self.within(&key.scopes),
            expires_at: Some(key.expires_at.map_or(end, |at| at.min(end))),
            ..key
        };
        Ok(found.filter(|key| key.is_valid_at(now)).map(narrowed))
    }

    /// Scopes that were taken from the key since are no longer the token's.
    fn within(&self, scopes: &[String]) -> Vec<String> {
        let held = Context { scopes: scopes.to_vec(), ..Context::default() };
        self.scopes.iter().filter(|scope| held.allows(scope)).cloned().collect()
    }
}
