//! Reading only what the gateway checks of a body: references to things of other services. All else is for the owner to judge.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::error::Category;
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Value, json};

use sdk::problem::FieldError;
use sdk::{Problem, ids};

/// The fields of an object, each as the client wrote it, so that what is only passed on stays digit by digit what it was.
#[derive(serde::Deserialize, serde::Serialize)]
#[serde(transparent)]
pub struct Fields(BTreeMap<String, Box<RawValue>>);

impl Fields {
    pub fn names(&self) -> impl Iterator<Item = &String> {
        self.0.keys()
    }

    pub fn set(&mut self, name: &str, value: Option<&str>) {
        self.0.insert(name.to_owned(), to_raw_value(&json!(value)).unwrap_or_default());
    }

    /// As a body again.
    pub fn to_bytes(&self) -> Bytes {
        serde_json::to_vec(&self.0).unwrap_or_default().into()
    }
}

/// Parses the fields of `T`, which are of any type, out of an object. A field given twice is refused: the owner might read the other one.
pub fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    // serde would take an array for a record, field by field.
    if body.iter().find(|byte| !byte.is_ascii_whitespace()) != Some(&b'{') {
        serde_json::from_slice::<IgnoredAny>(body).map_err(|_| unreadable())?;
        return Err(Problem::invalid_field("", "must be a JSON object"));
    }
    serde_json::from_slice(body).map_err(|error| match error.classify() {
        // The fields are of any type, so that nothing else can be wrong with them.
        Category::Data => Problem::invalid_field("", "a field is given more than once"),
        _ => unreadable(),
    })
}

fn unreadable() -> Problem {
    Problem::unreadable("the body is not JSON")
}

/// The id that a field holds. Absent or empty is for the owner to judge; anything else but a UUID is noted as an error.
pub fn id(value: Option<&Value>, pointer: &str, errors: &mut Vec<FieldError>) -> Option<String> {
    let text = value?.as_str().map(str::trim);
    if text == Some("") {
        return None;
    }
    let id = text.and_then(ids::parse);
    if id.is_none() {
        errors.push(error(pointer, "must be a UUID"));
    }
    id
}

/// The ids that a list holds, with their places in it; what is no list is left to the owner, which will refuse it.
pub fn ids(value: Option<&Value>, pointer: &str, most: usize, errors: &mut Vec<FieldError>) -> Vec<(usize, String)> {
    let items = value.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    if items.len() > most {
        errors.push(error(pointer, &format!("must have at most {most} items")));
        return Vec::new();
    }
    let mut found: Vec<(usize, String)> = Vec::new();
    for (at, item) in items.iter().enumerate() {
        let pointer = format!("{pointer}/{at}");
        match item.as_str().map(str::trim).and_then(ids::parse) {
            Some(id) if found.iter().any(|(_, other)| *other == id) => {
                errors.push(error(&pointer, "is in the list already"));
            }
            Some(id) => found.push((at, id)),
            None => errors.push(error(&pointer, "must be a UUID")),
        }
    }
    found
}

pub fn error(pointer: &str, detail: &str) -> FieldError {
    FieldError { pointer: pointer.into(), detail: detail.into() }
}

pub fn refuse(errors: Vec<FieldError>) -> Result<(), Problem> {
    if errors.is_empty() { Ok(()) } else { Err(Problem::invalid(errors)) }
}
