//! JSON from strangers, looked through once before anybody reads it: no key twice, no deep nest, no number that readers disagree on.

use std::collections::HashSet;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// Deeper than any document of ours; serde_json itself stops at 128.
pub const MAX_DEPTH: u8 = 64;

/// Why a document is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    NotJson,
    TooDeep,
    /// Two readers may take two different values: the name.
    Twice(String),
    /// Beyond what a double holds: readers make infinity of it, or fail.
    Huge,
}

/// One of the tags with which a fault comes through serde's errors, which are text.
const TOO_DEEP: &str = "\u{1}too deep";
const TWICE: &str = "\u{1}twice ";
const END: char = '\u{1}';

/// Looks at every value of the document, and builds none.
pub fn check(text: &str) -> Result<(), Fault> {
    let mut reader = serde_json::Deserializer::from_str(text);
    Value { depth: 0 }.deserialize(&mut reader).and_then(|()| reader.end()).map_err(|error| fault(&error.to_string()))
}

fn fault(reason: &str) -> Fault {
    if let Some((_, rest)) = reason.split_once(TWICE) {
        return Fault::Twice(rest.split(END).next().unwrap_or_default().chars().take(64).collect());
    }
    if reason.contains(TOO_DEEP) || reason.contains("recursion limit") {
        return Fault::TooDeep;
    }
    if reason.contains("number out of range") { Fault::Huge } else { Fault::NotJson }
}

/// A value at this depth.
struct Value {
    depth: u8,
}

impl Value {
    fn below<E: Error>(&self) -> Result<Self, E> {
        if self.depth >= MAX_DEPTH { Err(E::custom(TOO_DEEP)) } else { Ok(Self { depth: self.depth + 1 }) }
    }
}

impl<'de> DeserializeSeed<'de> for Value {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<(), D::Error> {
        reader.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Value {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        while items.next_element_seed(self.below()?)?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let mut names = HashSet::new();
        while let Some(name) = members.next_key::<String>()? {
            if names.contains(&name) {
                return Err(A::Error::custom(format!("{TWICE}{name}{END}")));
            }
            names.insert(name);
            members.next_value_seed(self.below()?)?;
        }
        Ok(())
    }
}
