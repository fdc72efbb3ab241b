//! The fields of a webhook: a form, or the same as a JSON object where the webhook was registered for JSON.

use std::collections::BTreeMap;

use sdk::query::Query;
use serde_json::{Map, Value};

use crate::channel::fields::Object;

/// Twilio's largest webhooks have some dozens.
const MAX_FIELDS: usize = 1000;

/// By name, in the order in which Twilio signs; a name may have several values.
pub struct Form(BTreeMap<String, Vec<String>>);

impl Form {
    /// `None` for what is neither.
    pub fn read(body: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(body).ok()?;
        if is_json(body) { Self::of_json(text) } else { Self::of_form(text) }
    }

    fn of_form(text: &str) -> Option<Self> {
        let query = Query::parse(text).ok()?;
        let mut fields: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (number, (name, value)) in query.iter().enumerate() {
            if number == MAX_FIELDS {
                return None;
            }
            fields.entry(name.to_owned()).or_default().push(value.to_owned());
        }
        (!fields.is_empty()).then_some(Self(fields))
    }

    fn of_json(text: &str) -> Option<Self> {
        let object: Map<String, Value> = serde_json::from_str(text).ok()?;
        let field = |(name, value): (String, Value)| match value {
            Value::String(text) => Some((name, vec![text])),
            Value::Number(number) => Some((name, vec![number.to_string()])),
            _ => None,
        };
        Some(Self(object.into_iter().filter_map(field).take(MAX_FIELDS).collect()))
    }

    /// The first value; empty counts as absent.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.first().map(String::as_str).filter(|value| !value.is_empty())
    }

    /// What Twilio signs after the address: every name with each of its different values, both in order.
    pub fn signed(&self) -> String {
        let mut signed = String::new();
        for (name, values) in &self.0 {
            let mut values = values.clone();
            values.sort();
            values.dedup();
            values.iter().for_each(|value| signed.extend([name.as_str(), value.as_str()]));
        }
        signed
    }

    /// As a JSON object, for what is kept of a message.
    pub fn object(&self) -> Object {
        let value = |values: &Vec<String>| match values.as_slice() {
            [only] => Value::String(only.clone()),
            several => Value::from(several.to_vec()),
        };
        self.0.iter().map(|(name, values)| (name.clone(), value(values))).collect()
    }
}

/// A form never begins so: its braces are escaped.
pub fn is_json(body: &[u8]) -> bool {
    body.trim_ascii_start().starts_with(b"{")
}
