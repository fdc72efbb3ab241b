//! Tenants: what one is called, and what an operator may say about it.

use sdk::clock::rfc3339;
use sdk::{Input, Micros};
use serde_json::{Value, json};

/// The tenant that is always there; a single-tenant user never sees another.
pub const DEFAULT: &str = "default";

/// Whose requests they are that have no tenant: strangers'. Not a name that a tenant can have.
pub const STRANGERS: &str = "-";

/// As long as a DNS label, because a tenant's name may become part of one.
const MAX_ID: usize = 63;
const MAX_NAME: usize = 255;
/// A million an hour is 278 a second for one credential: more is no limit at all.
const MAX_REQUESTS_PER_HOUR: i64 = 1_000_000;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tenant {
    pub id: String,
    pub name: String,
    /// Per credential; `None`: the platform's default.
    pub requests_per_hour: Option<u32>,
    /// Of files; `None`: the platform's default, 0: none.
    pub media_quota_bytes: Option<i64>,
    pub disabled_at: Option<Micros>,
    pub created_at: Micros,
    pub updated_at: Micros,
}

/// What is `None` stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TenantChanges {
    pub name: Option<String>,
    /// `Some(None)`: back to the platform's default.
    pub requests_per_hour: Option<Option<u32>>,
    pub media_quota_bytes: Option<Option<i64>>,
    pub disabled: Option<bool>,
}

impl Tenant {
    pub fn read(input: &mut Input, now: Micros) -> Self {
        let id = input.required_text("id", MAX_ID);
        if !id.is_empty() && !is_id(&id) {
            input.refuse("id", "must be lower-case letters, digits and hyphens, and begin with a letter or a digit");
        }
        let name = input.text("name", MAX_NAME).unwrap_or_else(|| id.clone());
        let requests_per_hour = requests_per_hour(input);
        let media_quota_bytes = media_quota_bytes(input);
        Self { id, name, requests_per_hour, media_quota_bytes, disabled_at: None, created_at: now, updated_at: now }
    }

    pub fn view(&self) -> Value {
        json!({
            "id": self.id,
            "name": self.name,
            "status": if self.disabled_at.is_some() { "disabled" } else { "active" },
            "requests_per_hour": self.requests_per_hour,
            "media_quota_bytes": self.media_quota_bytes,
            "created_at": rfc3339(self.created_at),
            "updated_at": rfc3339(self.updated_at),
        })
    }
}

impl TenantChanges {
    pub fn read(input: &mut Input) -> Self {
        let back_to_default = input.is_null("requests_per_hour");
        let default_quota = input.is_null("media_quota_bytes");
        let changes = Self {
            name: input.text("name", MAX_NAME),
            requests_per_hour: requests_per_hour(input).map(Some).or(back_to_default.then_some(None)),
            media_quota_bytes: media_quota_bytes(input).map(Some).or(default_quota.then_some(None)),
            disabled: status(input),
        };
        if changes == Self::default() {
            input.refuse("", "name, status, requests_per_hour or media_quota_bytes is required");
        }
        changes
    }
}

/// Whether `status` says that it is disabled.
pub fn status(input: &mut Input) -> Option<bool> {
    let parse = |word: &str| match word {
        "active" => Some(false),
        "disabled" => Some(true),
        _ => None,
    };
    input.choice("status", parse, "active, disabled")
}

fn requests_per_hour(input: &mut Input) -> Option<u32> {
    let number = input.integer("requests_per_hour")?;
    if !(1..=MAX_REQUESTS_PER_HOUR).contains(&number) {
        input.refuse("requests_per_hour", &format!("must be 1 to {MAX_REQUESTS_PER_HOUR}"));
    }
    u32::try_from(number).ok()
}

fn media_quota_bytes(input: &mut Input) -> Option<i64> {
    let bytes = input.integer("media_quota_bytes")?;
    if bytes < 0 {
        input.refuse("media_quota_bytes", "must not be negative");
    }
    Some(bytes)
}

pub fn is_id(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    (1..=MAX_ID).contains(&text.len())
        && text.bytes().all(|byte| plain(byte) || byte == b'-')
        && text.bytes().next().is_some_and(plain)
}
