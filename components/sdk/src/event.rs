//! Events: CloudEvents 1.0. Those that a service publishes (structured JSON, as the outbox keeps them), and those that it consumes.

mod consuming;
mod incoming;

use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

pub use consuming::{MIGRATION as CONSUMED_MIGRATION, consume_once};
pub use incoming::{Incoming, matches};

use crate::{
    clock::{Micros, rfc3339},
    ids,
};

/// What happened, past tense and versioned: `com.kobliat.message.received.v1`.
#[derive(Clone, Debug)]
pub struct Event {
    pub id: String,
    /// `/components/<id>`.
    pub source: &'static str,
    pub kind: &'static str,
    /// The id of the entity that it happened to.
    pub subject: String,
    pub time: Micros,
    pub tenant: String,
    /// Events with the same key are delivered in order.
    pub partition_key: String,
    /// W3C Trace Context; empty when there is none.
    pub traceparent: String,
    /// JSON, as it goes out.
    pub data: Box<RawValue>,
}

impl Event {
    /// An event without data and with a new id, ordered with others of the same subject.
    pub fn new(source: &'static str, kind: &'static str, subject: &str, tenant: &str, time: Micros) -> Self {
        Self {
            id: ids::new(),
            source,
            kind,
            subject: subject.to_owned(),
            time,
            tenant: tenant.to_owned(),
            partition_key: subject.to_owned(),
            traceparent: String::new(),
            data: RawValue::NULL.to_owned(),
        }
    }

    /// The same with this to tell. Our own plain structs can always be written; what cannot is told as null.
    #[must_use]
    pub fn with(self, data: &impl Serialize) -> Self {
        Self { data: to_raw_value(data).unwrap_or_else(|_| RawValue::NULL.to_owned()), ..self }
    }

    /// Structured JSON, written in one go: no tree is built on the way.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string(&Envelope {
            specversion: "1.0",
            id: &self.id,
            source: self.source,
            kind: self.kind,
            subject: &self.subject,
            time: rfc3339(self.time),
            tenant: &self.tenant,
            partitionkey: &self.partition_key,
            traceparent: &self.traceparent,
            datacontenttype: "application/json",
            data: &self.data,
        })
    }
}

#[derive(Serialize)]
struct Envelope<'a> {
    specversion: &'static str,
    id: &'a str,
    source: &'static str,
    #[serde(rename = "type")]
    kind: &'static str,
    subject: &'a str,
    time: String,
    tenant: &'a str,
    partitionkey: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    traceparent: &'a str,
    datacontenttype: &'static str,
    data: &'a RawValue,
}
