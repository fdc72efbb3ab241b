//! People who sign in by name and password: how a password is kept, and what a user looks like.

use argon2::password_hash::{PasswordHash, PasswordHasher, PasswordVerifier, SaltString};
use argon2::{Algorithm, Argon2, Params, Version};
use sdk::clock::rfc3339;
use sdk::{Input, Micros, Problem};
use serde_json::{Value, json};

use crate::scopes;
use crate::tenants::{self, status};

/// 7 MiB, 5 passes, 1 lane: of the equally strong choices that OWASP names, the one with the least memory, because an instance of
/// WebAssembly never gives memory back.
const MEMORY_KIB: u32 = 7 * 1024;
const PASSES: u32 = 5;

const MAX_USERNAME: usize = 128;
const MAX_NAME: usize = 255;
/// NIST SP 800-63B wants 8 at least where there is another factor, and 15 where there is none.
const MIN_PASSWORD: usize = 12;
/// Longer ones would only make hashing slower.
pub const MAX_PASSWORD: usize = 256;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    pub tenant: String,
    pub id: String,
    pub username: String,
    pub name: Option<String>,
    pub scopes: Vec<String>,
    pub disabled_at: Option<Micros>,
    pub created_at: Micros,
    pub updated_at: Micros,
}

/// What is `None` stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserChanges {
    pub name: Option<String>,
    pub password_hash: Option<String>,
    pub scopes: Option<Vec<String>>,
    pub disabled: Option<bool>,
}

/// A row of `users`, as authentication needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Login {
    pub tenant: String,
    pub id: String,
    pub password_hash: String,
    pub scopes: Vec<String>,
    pub requests_per_hour: Option<u32>,
}

/// What a client sends to make a user.
pub struct NewUser {
    pub tenant: Option<String>,
    pub username: String,
    pub name: Option<String>,
    pub password: String,
    pub scopes: Vec<String>,
}

impl NewUser {
    pub fn read(input: &mut Input) -> Self {
        let username = input.required_text("username", MAX_USERNAME).to_lowercase();
        if !username.is_empty() && !is_username(&username) {
            input.refuse("username", "must be visible characters without `/` and `:`");
        }
        if !input.has("scopes") {
            input.refuse("scopes", "is required");
        }
        Self {
            tenant: input.text("tenant", 64),
            username,
            name: input.text("name", MAX_NAME),
            password: match password(input) {
                Some(password) => password,
                None => input.required_text("password", MAX_PASSWORD),
            },
            scopes: scopes::read(input, "scopes").unwrap_or_default(),
        }
    }
}

impl UserChanges {
    /// With the password as it came; the caller hashes it once nothing is wrong.
    pub fn read(input: &mut Input) -> (Self, Option<String>) {
        let scopes = if input.has("scopes") { scopes::read(input, "scopes") } else { None };
        let changes = Self { name: input.text("name", MAX_NAME), scopes, disabled: status(input), password_hash: None };
        let password = password(input);
        if changes == Self::default() && password.is_none() {
            input.refuse("", "name, password, scopes or status is required");
        }
        (changes, password)
    }
}

impl User {
    pub fn view(&self) -> Value {
        json!({
            "id": self.id,
            "tenant": self.tenant,
            "username": self.username,
            "name": self.name,
            "scopes": self.scopes,
            "status": if self.disabled_at.is_some() { "disabled" } else { "active" },
            "created_at": rfc3339(self.created_at),
            "updated_at": rfc3339(self.updated_at),
        })
    }
}

fn password(input: &mut Input) -> Option<String> {
    let password = input.text("password", MAX_PASSWORD)?;
    if password.chars().count() < MIN_PASSWORD {
        input.refuse("password", &format!("must have at least {MIN_PASSWORD} characters"));
    }
    Some(password)
}

/// No `:`, which ends the name in HTTP Basic, and no `/`, which ends the tenant.
fn is_username(text: &str) -> bool {
    text.chars().all(|c| !c.is_control() && !c.is_whitespace() && c != '/' && c != ':')
}

/// `ada` is of the default tenant, `acme/ada` of another. `None` for what is no name at all, and need not be looked up.
pub fn split_login(login: &str) -> Option<(&str, String)> {
    let (tenant, username) = login.split_once('/').unwrap_or((tenants::DEFAULT, login));
    let fits = tenants::is_id(tenant) && username.chars().count() <= MAX_USERNAME && is_username(username);
    (fits && !username.is_empty()).then(|| (tenant, username.to_lowercase()))
}

fn argon2() -> Result<Argon2<'static>, Problem> {
    let params = Params::new(MEMORY_KIB, PASSES, 1, None).map_err(|_| Problem::internal())?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

/// A PHC string with a salt of its own.
pub fn hash_password(password: &str) -> Result<String, Problem> {
    let salt = crate::secret::random::<16>()?;
    let salt = SaltString::encode_b64(&salt).map_err(|_| Problem::internal())?;
    let hash = argon2()?.hash_password(password.as_bytes(), &salt).map_err(|_| Problem::internal())?;
    Ok(hash.to_string())
}

/// The comparison takes the same time wherever the two differ.
pub fn is_password(password: &str, hash: &str) -> bool {
    let (Ok(hash), Ok(argon2)) = (PasswordHash::new(hash), argon2()) else { return false };
    argon2.verify_password(password.as_bytes(), &hash).is_ok()
}
