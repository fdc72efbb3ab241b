//! Events that others published: read from an HTTP request (binary mode, or one structured event), or from a batch.

use std::collections::BTreeMap;

use ::http::{HeaderName, HeaderValue, header};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde_json::{Value, value::RawValue};

use crate::{Problem, Request, context, query::percent_decode};

const STRUCTURED: &str = "application/cloudevents+json";
/// Far more than ours have.
const MAX_ATTRIBUTES: usize = 64;
const MAX_ATTRIBUTE_BYTES: usize = 4096;

/// A CloudEvent: its attributes as text, its data as JSON. `id`, `source`, `type` and `tenant` are there and not empty.
#[derive(Clone, Debug)]
pub struct Incoming {
    attributes: BTreeMap<String, String>,
    /// JSON; `null` when there is none.
    pub data: Box<RawValue>,
}

impl Incoming {
    /// The event that a request to `/events` brings. What is no event never will be one: 400, so that nobody sends it again.
    pub fn of(request: &Request) -> Result<Self, Problem> {
        let content_type = request.header("content-type").unwrap_or_default();
        if content_type.starts_with(STRUCTURED) {
            return Self::structured(&request.body);
        }
        let mut attributes = BTreeMap::new();
        for (name, value) in &request.headers {
            let Some(name) = name.as_str().strip_prefix("ce-") else { continue };
            let text = value.to_str().ok().and_then(percent_decode);
            let text = text.ok_or_else(|| bad(format!("the attribute `{name}` is not readable")))?;
            attributes.insert(name.to_owned(), text);
        }
        let traceparent = request.header(context::TRACEPARENT).map(str::to_owned);
        if let Some(traceparent) = traceparent {
            attributes.entry("traceparent".to_owned()).or_insert(traceparent);
        }
        Self::new(attributes, if request.body.is_empty() { b"null" } else { &request.body })
    }

    /// One event as a JSON object.
    pub fn structured(json: &[u8]) -> Result<Self, Problem> {
        let members: BTreeMap<String, &RawValue> =
            serde_json::from_slice(json).map_err(|e| bad(format!("an event is a JSON object: {e}")))?;
        let mut attributes = BTreeMap::new();
        for (name, value) in &members {
            match serde_json::from_str(value.get()) {
                _ if name == "data" => {}
                Ok(Value::String(text)) => drop(attributes.insert(name.clone(), text)),
                Ok(value @ (Value::Number(_) | Value::Bool(_))) => {
                    attributes.insert(name.clone(), value.to_string());
                }
                Ok(Value::Null) => {}
                _ => return Err(bad(format!("the attribute `{name}` is no text, number or boolean"))),
            }
        }
        Self::new(attributes, members.get("data").map_or("null", |data| data.get()).as_bytes())
    }

    /// All events of a batch, in order; one bad event refuses the batch.
    pub fn batch(json: &[u8]) -> Result<Vec<Self>, Problem> {
        let events: Vec<&RawValue> =
            serde_json::from_slice(json).map_err(|e| bad(format!("a batch is a JSON array: {e}")))?;
        let numbered = events.iter().enumerate();
        numbered
            .map(|(index, event)| {
                Self::structured(event.get().as_bytes()).map_err(|p| bad(format!("event {index}: {}", p.detail)))
            })
            .collect()
    }

    fn new(attributes: BTreeMap<String, String>, data: &[u8]) -> Result<Self, Problem> {
        let data = std::str::from_utf8(data).ok().and_then(|text| RawValue::from_string(text.to_owned()).ok());
        let data = data.ok_or_else(|| bad("the data of an event is JSON".to_owned()))?;
        let is_large = |text: &String| text.len() > MAX_ATTRIBUTE_BYTES;
        if attributes.len() > MAX_ATTRIBUTES || attributes.values().any(is_large) {
            return Err(bad("the event has too many or too large attributes".to_owned()));
        }
        let event = Self { attributes, data };
        if event.attribute("specversion") != "1.0" {
            return Err(bad("specversion is 1.0".to_owned()));
        }
        for required in ["id", "source", "type", "tenant"] {
            if event.attribute(required).is_empty() {
                return Err(bad(format!("the attribute `{required}` is required")));
            }
        }
        Ok(event)
    }

    /// Empty when there is none.
    pub fn attribute(&self, name: &str) -> &str {
        self.attributes.get(name).map(String::as_str).unwrap_or_default()
    }

    pub fn id(&self) -> &str {
        self.attribute("id")
    }

    pub fn source(&self) -> &str {
        self.attribute("source")
    }

    /// `com.kobliat.message.received.v1`
    pub fn kind(&self) -> &str {
        self.attribute("type")
    }

    pub fn subject(&self) -> &str {
        self.attribute("subject")
    }

    pub fn tenant(&self) -> &str {
        self.attribute("tenant")
    }

    /// Reads the data.
    pub fn read<'a, T: serde::Deserialize<'a>>(&'a self) -> Result<T, Problem> {
        serde_json::from_str(self.data.get())
            .map_err(|e| bad(format!("the data of `{}` is not readable: {e}", self.kind())))
    }

    /// As headers of a request whose body is the data: binary mode.
    pub fn headers(&self) -> Vec<(HeaderName, HeaderValue)> {
        let header = |(name, value): (&String, &String)| {
            let value = utf8_percent_encode(value, UNFIT_FOR_A_HEADER).to_string();
            Some((HeaderName::try_from(format!("ce-{name}")).ok()?, HeaderValue::try_from(value).ok()?))
        };
        let json = (header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        self.attributes.iter().filter_map(header).chain([json]).collect()
    }
}

/// What the HTTP binding of CloudEvents (3.1.3.2) has escaped: blanks, quotes, percent signs, and all that is not printable ASCII.
const UNFIT_FOR_A_HEADER: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'%');

/// Whether a type is one that a pattern means: itself, or with a final `*` all that begin so.
pub fn matches(pattern: &str, kind: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(prefix) => kind.starts_with(prefix),
        None => pattern == kind,
    }
}

fn bad(detail: String) -> Problem {
    Problem::unreadable(detail)
}
