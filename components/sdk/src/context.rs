//! Who asks, for which tenant, until when: the `context` record of every typed call, and the same from HTTP headers.

use ::http::{HeaderMap, HeaderValue};

use crate::{ids, problem::Problem};

/// The header by which the gateway names the tenant. The host strips it from everything that comes from outside.
pub const TENANT: &str = "kobliat-tenant";
pub const PRINCIPAL: &str = "kobliat-principal";
/// The component that sends a request to another: our host sets it on each, over whatever the component wrote.
pub const CALLER: &str = "kobliat-caller";
/// Space-separated, as OAuth has it.
pub const SCOPES: &str = "kobliat-scopes";
/// The scope of who administers a tenant: its keys, users, channels, and all its data.
pub const ADMIN: &str = "admin";
/// The scope of who operates the platform: its tenants, services, logs and telemetry.
pub const OPERATOR: &str = "operator";
pub const REQUEST_ID: &str = "x-request-id";
pub const TRACEPARENT: &str = "traceparent";
pub const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// The record `kobliat:context/types.context`; services map their bindings to it (`with` in `generate!`), so that one
/// type serves HTTP and typed calls.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Context {
    pub tenant: String,
    pub principal: String,
    pub scopes: Vec<String>,
    pub request_id: String,
    pub traceparent: String,
    pub deadline_ms: u32,
    pub idempotency_key: String,
    pub extensions: Vec<(String, String)>,
}

impl Context {
    /// What the gateway says about the caller. Only for components without a public route: elsewhere anyone can send these headers.
    pub fn trusting(headers: &HeaderMap) -> Self {
        Self {
            tenant: text(headers, TENANT).to_owned(),
            principal: text(headers, PRINCIPAL).to_owned(),
            scopes: text(headers, SCOPES).split_ascii_whitespace().map(str::to_owned).collect(),
            idempotency_key: text(headers, IDEMPOTENCY_KEY).to_owned(),
            ..Self::anonymous(headers)
        }
    }

    /// What may be taken from anyone: the request id and the trace. No tenant, no principal, no right.
    pub fn anonymous(headers: &HeaderMap) -> Self {
        Self {
            request_id: request_id(headers),
            traceparent: Some(text(headers, TRACEPARENT)).filter(|t| is_traceparent(t)).unwrap_or_default().to_owned(),
            ..Self::default()
        }
    }

    /// Whether the caller has this right. `*` is every right, [`ADMIN`] every right within the tenant, and whoever operates
    /// the platform may administer its tenants; who administers a tenant does not operate the platform.
    pub fn allows(&self, scope: &str) -> bool {
        self.scopes.iter().any(|held| match held.as_str() {
            "*" => true,
            ADMIN => scope != OPERATOR && scope != "*",
            OPERATOR => scope == OPERATOR || scope == ADMIN,
            held => held == scope,
        })
    }

    /// Refuses with 403 who lacks this right.
    pub fn require(&self, scope: &str) -> Result<(), Problem> {
        if self.allows(scope) { Ok(()) } else { Err(Problem::forbidden(format!("this needs the scope `{scope}`"))) }
    }

    /// The headers that carry this context to a service behind the gateway. Values that no header can hold are left out.
    pub fn headers(&self) -> Vec<(&'static str, HeaderValue)> {
        let scopes = self.scopes.join(" ");
        let all = [
            (TENANT, self.tenant.as_str()),
            (PRINCIPAL, &self.principal),
            (SCOPES, &scopes),
            (REQUEST_ID, &self.request_id),
            (TRACEPARENT, &self.traceparent),
            (IDEMPOTENCY_KEY, &self.idempotency_key),
        ];
        let present = all.into_iter().filter(|(_, value)| !value.is_empty());
        present.filter_map(|(name, value)| Some((name, HeaderValue::from_str(value).ok()?))).collect()
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().trim()
}

/// The caller's, when it is short and plain enough to be logged and echoed; else a new one.
fn request_id(headers: &HeaderMap) -> String {
    let given = text(headers, REQUEST_ID);
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_.:/+=@".contains(&b);
    if (1..=128).contains(&given.len()) && given.bytes().all(plain) { given.to_owned() } else { ids::new() }
}

/// W3C Trace Context, version 00: `00-<32 hex>-<16 hex>-<2 hex>`.
fn is_traceparent(value: &str) -> bool {
    let lengths = [2, 32, 16, 2];
    let parts: Vec<&str> = value.split('-').collect();
    let hex = |part: &str| part.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    parts.len() == 4 && parts.iter().zip(lengths).all(|(part, length)| part.len() == length && hex(part))
}
