//! Structured mode: an event as a JSON object, or a batch as an array of them.

use super::{Attributes, Refusal, is_json};
use crate::event::Event;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// The members of an event; a member that is there twice is the last, as JSON parsers have it.
type Members<'a> = BTreeMap<String, &'a RawValue>;

/// A single event.
pub fn one(body: &[u8]) -> Result<Event, Refusal> {
    let members: Members<'_> = serde_json::from_slice(body).map_err(|error| not_json(&error))?;
    event(members)
}

/// A batch. The error has the index of the event that is none, or no index when the whole is not an array.
pub fn batch(body: &[u8], most: usize) -> Result<Vec<Event>, (Option<usize>, Refusal)> {
    let items: Vec<&RawValue> = serde_json::from_slice(body).map_err(|error| (None, not_json(&error)))?;
    if items.len() > most {
        return Err((Some(most), format!("a batch has at most {most} events")));
    }
    let read = |(index, item): (usize, &&RawValue)| one(item.get().as_bytes()).map_err(|why| (Some(index), why));
    items.iter().enumerate().map(read).collect()
}

fn not_json(error: &serde_json::Error) -> Refusal {
    format!("this is not the JSON of an event: {error}")
}

fn event(mut members: Members<'_>) -> Result<Event, Refusal> {
    let (json, base64) = (members.remove("data"), members.remove("data_base64"));
    let mut attributes = Attributes::default();
    for (name, value) in members {
        let value: Value = serde_json::from_str(value.get()).map_err(|error| not_json(&error))?;
        let text = match value {
            Value::Null => continue,
            Value::String(text) => text,
            Value::Bool(truth) => truth.to_string(),
            Value::Number(number) if number.is_i64() => number.to_string(),
            _ => return Err(format!("`{name}` is no attribute: it is a string, a whole number, true or false")),
        };
        attributes.add(&name, text)?;
    }
    let content_type = attributes.values.get("datacontenttype").map(String::as_str);
    let data = match (json.filter(|data| data.get() != "null"), base64) {
        (Some(_), Some(_)) => return Err("an event has `data` or `data_base64`, not both".to_owned()),
        (None, None) => Bytes::new(),
        (None, Some(text)) => decoded(text)?,
        (Some(data), None) => written(data, content_type)?,
    };
    if !data.is_empty() && content_type.is_none() {
        attributes.add("datacontenttype", "application/json".to_owned())?;
    }
    attributes.into_event(data)
}

fn decoded(text: &RawValue) -> Result<Bytes, Refusal> {
    let text: &str = serde_json::from_str(text.get()).map_err(|_| "`data_base64` is no plain string".to_owned())?;
    STANDARD.decode(text).map(Bytes::from).map_err(|_| "`data_base64` is not base64".to_owned())
}

/// Data that are not JSON are the text of the string; JSON stays as it was written.
fn written(data: &RawValue, content_type: Option<&str>) -> Result<Bytes, Refusal> {
    if !is_json(content_type)
        && let Ok(text) = serde_json::from_str::<String>(data.get())
    {
        return Ok(Bytes::from(text));
    }
    Ok(Bytes::copy_from_slice(data.get().as_bytes()))
}

/// The event as the admin surface shows it.
pub fn to_json(event: &Event) -> Value {
    let mut object = Map::new();
    object.insert("specversion".to_owned(), "1.0".into());
    object.extend(event.attributes().iter().map(|(name, value)| (name.clone(), value.as_str().into())));
    if event.data.is_empty() {
        return object.into();
    }
    let json = is_json(event.get("datacontenttype")).then(|| serde_json::from_slice(&event.data).ok()).flatten();
    match (json, std::str::from_utf8(&event.data)) {
        (Some(value), _) => object.insert("data".to_owned(), value),
        (None, Ok(text)) => object.insert("data".to_owned(), text.into()),
        (None, Err(_)) => object.insert("data_base64".to_owned(), STANDARD.encode(&event.data).into()),
    };
    object.into()
}
