//! CloudEvents 1.0 over HTTP: structured JSON, batches of it, and binary mode. What comes in may be hostile.

mod binary;
mod structured;

pub use binary::{from_headers, to_headers};
pub use structured::{batch, one, to_json};

use crate::clock::is_rfc3339;
use crate::event::Event;
use bytes::Bytes;
use std::collections::BTreeMap;

/// Longer names or values are no attributes but data.
const MAX_NAME: usize = 64;
const MAX_VALUE: usize = 4096;
/// They are delivered as headers; a component takes no more than this of them.
const MAX_ATTRIBUTES: usize = 64;
const MAX_ATTRIBUTES_BYTES: usize = 16 << 10;
/// Larger things have a place of their own, and the event says where.
pub const MAX_DATA: usize = 1 << 20;

/// Why something is no event that this broker takes, for its author.
pub type Refusal = String;

/// Attributes on the way in, checked one by one.
#[derive(Default)]
struct Attributes {
    values: BTreeMap<String, String>,
    specversion: Option<String>,
    bytes: usize,
}

impl Attributes {
    fn add(&mut self, name: &str, value: String) -> Result<(), Refusal> {
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
        if name.is_empty() || name.len() > MAX_NAME || !name.bytes().all(plain) {
            return Err(format!(
                "`{}` is no attribute name: it has lower-case letters and digits only",
                shortened(name)
            ));
        }
        if value.len() > MAX_VALUE {
            return Err(format!("`{name}` is longer than {MAX_VALUE} bytes"));
        }
        if value.chars().any(char::is_control) {
            return Err(format!("`{name}` has control characters"));
        }
        self.bytes += name.len() + value.len();
        if self.values.len() == MAX_ATTRIBUTES || self.bytes > MAX_ATTRIBUTES_BYTES {
            return Err(format!("more than {MAX_ATTRIBUTES} attributes or {MAX_ATTRIBUTES_BYTES} bytes of them"));
        }
        if name == "specversion" {
            self.specversion = Some(value);
        } else if self.values.insert(name.to_owned(), value).is_some() {
            return Err(format!("`{name}` is there twice"));
        }
        Ok(())
    }

    fn into_event(self, data: Bytes) -> Result<Event, Refusal> {
        match self.specversion.as_deref() {
            Some("1.0") => {}
            Some(other) => return Err(format!("`specversion` is `{}`; this broker takes 1.0", shortened(other))),
            None => return Err("the required attribute `specversion` is missing".to_owned()),
        }
        if data.len() > MAX_DATA {
            return Err(format!("the data are larger than {MAX_DATA} bytes; publish where they are instead"));
        }
        let event = Event::new(self.values, data).map_err(|name| match name {
            "tenant" | "partitionkey" => format!("the extension attribute `{name}` is missing or empty"),
            _ => format!("the required attribute `{name}` is missing or empty"),
        })?;
        for (name, longest) in [("id", 256), ("type", 256), ("partitionkey", 512)] {
            if event.get(name).is_some_and(|value| value.len() > longest) {
                return Err(format!("`{name}` is longer than {longest} bytes"));
            }
        }
        let visible = |tenant: &str| tenant.len() <= 128 && tenant.bytes().all(|b| b.is_ascii_graphic());
        if !visible(event.tenant()) {
            return Err("`tenant` is no name of a tenant: it has up to 128 visible ASCII characters".to_owned());
        }
        if event.get("time").is_some_and(|time| !is_rfc3339(time)) {
            return Err("`time` is no RFC 3339 time, like 2026-11-22T20:55:57.123Z".to_owned());
        }
        Ok(event)
    }
}

/// What a hostile author wrote, short enough to be repeated.
fn shortened(text: &str) -> String {
    let mut short: String = text.chars().filter(|c| !c.is_control()).take(40).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}

/// Whether data of this type are JSON values, so that structured mode has them as such.
fn is_json(content_type: Option<&str>) -> bool {
    let Some(essence) = content_type.map(|text| text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase())
    else {
        return true;
    };
    essence == "application/json" || essence.ends_with("+json") || essence == "text/json"
}

#[cfg(test)]
mod tests;
