//! Events: CloudEvents 1.0 in structured JSON, as the outbox keeps them.

use serde_json::{Value, json};

use crate::{
    clock::{Micros, rfc3339},
    ids,
};

/// What happened, past tense and versioned: `com.kobliat.message.received.v1`.
#[derive(Clone, Debug, PartialEq)]
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
    pub data: Value,
}

impl Event {
    /// An event with a new id, ordered with others of the same subject.
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
            data: Value::Null,
        }
    }

    pub fn to_json(&self) -> Value {
        let mut event = json!({
            "specversion": "1.0",
            "id": self.id,
            "source": self.source,
            "type": self.kind,
            "subject": self.subject,
            "time": rfc3339(self.time),
            "tenant": self.tenant,
            "partitionkey": self.partition_key,
            "datacontenttype": "application/json",
            "data": self.data,
        });
        if let (false, Some(event)) = (self.traceparent.is_empty(), event.as_object_mut()) {
            event.insert("traceparent".to_owned(), self.traceparent.clone().into());
        }
        event
    }
}
