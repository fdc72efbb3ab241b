//! One event, as CloudEvents 1.0 has it: attributes with names and texts, and data.

use bytes::Bytes;
use std::collections::BTreeMap;

/// Microseconds since 1970, by the broker's clock.
pub type Micros = i64;

/// What is dead-lettered is told by an event of this type; it is never told of itself.
pub const DEAD_LETTERED: &str = "com.kobliat.platform.event.dead-lettered.v1";

/// An event with all its required attributes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Every context attribute and extension in its text form; `specversion` is not among them, it is always 1.0.
    attributes: BTreeMap<String, String>,
    pub data: Bytes,
}

/// Attributes that every event here has: CloudEvents' own, and the two that the platform needs.
pub const REQUIRED: [&str; 5] = ["id", "source", "type", "tenant", "partitionkey"];

impl Event {
    /// `Err` names a required attribute that is missing or empty.
    pub fn new(attributes: BTreeMap<String, String>, data: Bytes) -> Result<Self, &'static str> {
        let missing = |name: &&str| attributes.get(*name).is_none_or(String::is_empty);
        match REQUIRED.into_iter().find(|name| missing(name)) {
            Some(name) => Err(name),
            None => Ok(Self { attributes, data }),
        }
    }

    /// Nobody publishes in another's name: the source is where the event came from.
    #[must_use]
    pub fn from_source(mut self, source: &str) -> Self {
        self.attributes.insert("source".to_owned(), source.to_owned());
        self
    }

    pub fn attributes(&self) -> &BTreeMap<String, String> {
        &self.attributes
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        self.attributes.get(name).map(String::as_str)
    }

    pub fn id(&self) -> &str {
        self.required("id")
    }

    pub fn source(&self) -> &str {
        self.required("source")
    }

    pub fn kind(&self) -> &str {
        self.required("type")
    }

    pub fn tenant(&self) -> &str {
        self.required("tenant")
    }

    /// Events of one tenant with the same key are delivered in order.
    pub fn partition_key(&self) -> &str {
        self.required("partitionkey")
    }

    /// The key as a number. Two keys with the same number would only wait for each other.
    pub fn partition(&self) -> i64 {
        let mut hasher = blake3::Hasher::new();
        hasher.update(self.tenant().as_bytes()).update(&[0]).update(self.partition_key().as_bytes());
        let mut first = [0; 8];
        hasher.finalize_xof().fill(&mut first);
        i64::from_le_bytes(first)
    }

    pub fn size_bytes(&self) -> usize {
        self.data.len() + self.attributes.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>()
    }

    /// [`Event::new`] saw to it that there is one.
    fn required(&self, name: &str) -> &str {
        self.get(name).unwrap_or_default()
    }
}
