//! What a log must not keep: credentials always, and the words and names of people unless the deployment says otherwise.

use serde_json::{Map, Value};

use crate::clients::Settings;
use sdk::query::Query;

/// Longer ones (4 KiB) are cut: a log is for finding out, not for keeping data.
const MAX_BYTES: usize = 4096;
pub const REDACTED: &str = "[redacted]";

/// Whatever is configured. Compared in lower case.
const CREDENTIALS: &[&str] = &[
    "password",
    "key",
    "secret",
    "token",
    "access_token",
    "refresh_token",
    "client_secret",
    "credentials",
    "api_key",
    "authorization",
    "signature",
];
/// Whatever stands before it: `app_secret`, `bot_token`.
const ENDINGS: &[&str] = &["_secret", "_token", "_password"];
/// Unless the variable `log_redact_fields` names others: what people write, and who they are.
pub const PERSONAL: &[&str] = &["body", "name", "subject", "metadata", "external_id", "message", "q"];

/// What the log may keep of what was said.
#[derive(Default)]
pub struct Readable {
    pub query: Option<String>,
    pub asked: Option<String>,
    pub said: Option<String>,
}

/// Most requests that succeed have nothing to read.
pub async fn readable(outside: &impl Settings, query: Option<&str>, asked: &[u8], said: &[u8]) -> Readable {
    if query.is_none() && asked.is_empty() && said.is_empty() {
        return Readable::default();
    }
    let policy = Policy::new(outside.variable("log_redact_fields").await.as_deref());
    Readable { query: query.and_then(|raw| policy.query(raw)), asked: policy.body(asked), said: policy.body(said) }
}

/// The field names that are made unreadable.
pub struct Policy(Vec<String>);

impl Policy {
    /// `fields`: names separated by commas, in place of the personal ones.
    pub fn new(fields: Option<&str>) -> Self {
        let personal: Vec<String> = match fields {
            Some(fields) => fields.split(',').map(|field| field.trim().to_lowercase()).collect(),
            None => PERSONAL.iter().map(|field| (*field).to_owned()).collect(),
        };
        Self(CREDENTIALS.iter().map(|field| (*field).to_owned()).chain(personal).collect())
    }

    fn hides(&self, field: &str) -> bool {
        let field = field.to_lowercase();
        ENDINGS.iter().any(|ending| field.ends_with(ending)) || self.0.contains(&field)
    }

    /// A JSON body as it may be kept; nothing of what is no JSON, because nobody knows what is in it.
    pub fn body(&self, body: &[u8]) -> Option<String> {
        let value: Value = serde_json::from_slice(body).ok()?;
        Some(cut(self.value(value).to_string()))
    }

    /// The query as a JSON object; a parameter that comes twice counts once.
    pub fn query(&self, raw: &str) -> Option<String> {
        let query = Query::parse(raw).ok()?;
        let shown = |name: &str, value: &str| if self.hides(name) { REDACTED.to_owned() } else { value.to_owned() };
        let members: Map<String, Value> =
            query.iter().map(|(name, value)| (name.to_owned(), shown(name, value).into())).collect();
        (!members.is_empty()).then(|| cut(Value::Object(members).to_string()))
    }

    fn value(&self, value: Value) -> Value {
        match value {
            Value::Object(members) => Value::Object(
                members
                    .into_iter()
                    .map(|(name, value)| {
                        let hidden = self.hides(&name) && !value.is_null();
                        (name, if hidden { REDACTED.into() } else { self.value(value) })
                    })
                    .collect(),
            ),
            Value::Array(items) => Value::Array(items.into_iter().map(|item| self.value(item)).collect()),
            other => other,
        }
    }
}

fn cut(text: String) -> String {
    if text.len() <= MAX_BYTES {
        return text;
    }
    let end = (0..=MAX_BYTES).rev().find(|at| text.is_char_boundary(*at)).unwrap_or_default();
    format!("{}…", text.get(..end).unwrap_or_default())
}
