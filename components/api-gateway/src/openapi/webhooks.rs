//! What is sent to tenants' webhook endpoints: Standard Webhooks, with what happened in the body.

use serde_json::{Map, Value, json};

use super::schema_ref;

/// The events, each with the schema of its `data`. A test sends all that can be provoked and compares.
const EVENTS: &[(&str, &str, &str)] = &[
    ("com.kobliat.message.received.v1", "Message", "A customer wrote."),
    ("com.kobliat.message.queued.v1", "Message", "The business wrote; the message will be sent."),
    ("com.kobliat.message.sent.v1", "Message", "The channel's provider took the message."),
    ("com.kobliat.message.delivered.v1", "Message", "The message reached the customer's device."),
    ("com.kobliat.message.read.v1", "Message", "The customer read the message."),
    ("com.kobliat.message.failed.v1", "UnsentMessage", "The message will not arrive."),
    ("com.kobliat.message.unknown.v1", "UnsentMessage", "Nobody knows whether the message was sent."),
    ("com.kobliat.message.edited.v1", "Message", "The text changed, or what is known of an attachment."),
    ("com.kobliat.message.noted.v1", "Message", "A system message was stored."),
    ("com.kobliat.conversation.created.v1", "Conversation", "A conversation was opened."),
    ("com.kobliat.conversation.updated.v1", "Conversation", "Status, subject, metadata or participants changed."),
    ("com.kobliat.customer.created.v1", "Customer", "Somebody is known now."),
    ("com.kobliat.customer.updated.v1", "Customer", "Somebody is known better."),
    ("com.kobliat.customer.deleted.v1", "ForgottenCustomer", "Somebody was forgotten."),
    (
        "com.kobliat.customer.erased.v1",
        "ErasedCustomer",
        "A service removed what it had of somebody who is forgotten; several come.",
    ),
    (
        "com.kobliat.message.erased.v1",
        "ErasedMessages",
        "What these messages had of somebody who is forgotten is gone.",
    ),
    ("com.kobliat.channel.stopped.v1", "StoppedChannel", "A provider refused a channel account as a whole."),
    ("com.kobliat.webhook.test.v1", "WebhookTest", "Somebody asked for a test."),
];

/// The three headers of Standard Webhooks.
const HEADERS: [(&str, &str); 3] = [
    ("webhook-id", "The same for every attempt at the same event: what comes again has it again."),
    ("webhook-timestamp", "When it was signed, in seconds since the Unix epoch. Refuse what is old."),
    (
        "webhook-signature",
        "`v1,` and the Base64 of the HMAC-SHA-256 over `id.timestamp.body`; several, separated by blanks, while a secret is replaced.",
    ),
];

pub(super) fn webhooks() -> Map<String, Value> {
    EVENTS
        .iter()
        .map(|(kind, data, summary)| ((*kind).to_owned(), json!({ "post": sent(kind, data, summary) })))
        .collect()
}

fn sent(kind: &str, data: &str, summary: &str) -> Value {
    let header = |(name, description): &(&str, &str)| json!({ "name": name, "in": "header", "required": true, "description": description, "schema": { "type": "string" } });
    json!({
        "operationId": format!("on_{}", kind.replace('.', "_")),
        "summary": summary,
        "security": [],
        "parameters": HEADERS.iter().map(header).collect::<Vec<_>>(),
        "requestBody": { "required": true, "content": { "application/json": { "schema": body(kind, data) } } },
        "responses": { "2XX": { "description": "Taken. Anything else is tried again, later." } },
    })
}

fn body(kind: &str, data: &str) -> Value {
    json!({
        "type": "object",
        "properties": {
            "type": { "type": "string", "enum": [kind] },
            "timestamp": { "type": "string", "format": "date-time", "description": "When it happened." },
            "data": { "anyOf": [schema_ref(data), schema_ref("TruncatedData")] },
        },
        "required": ["type", "timestamp", "data"],
    })
}
