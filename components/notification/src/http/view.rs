//! Notifications, endpoints and attempts in the API.

use sdk::{clock::rfc3339, response};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::{
    endpoint::Endpoint,
    store::{deliveries::Attempt, notifications::Notification},
};

#[derive(Serialize)]
pub struct NotificationView {
    id: String,
    kind: &'static str,
    title: String,
    subject: String,
    details: Box<RawValue>,
    read: bool,
    created_at: String,
    read_at: Option<String>,
}

impl From<Notification> for NotificationView {
    fn from(notification: Notification) -> Self {
        Self {
            id: notification.id,
            kind: notification.kind.as_str(),
            title: notification.title,
            subject: notification.subject,
            details: response::raw_object(notification.details),
            read: notification.read_at.is_some(),
            created_at: rfc3339(notification.created_at),
            read_at: notification.read_at.map(rfc3339),
        }
    }
}

/// With its secret only in the answer that made the secret.
#[derive(Serialize)]
pub struct EndpointView {
    pub id: String,
    pub url: String,
    pub events: Vec<String>,
    pub description: Option<String>,
    pub status: &'static str,
    pub disabled_reason: Option<String>,
    pub failing_since: Option<String>,
    pub created_at: String,
    pub updated_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
}

impl From<Endpoint> for EndpointView {
    fn from(endpoint: Endpoint) -> Self {
        Self {
            id: endpoint.id,
            url: endpoint.url,
            events: endpoint.events,
            description: endpoint.description,
            status: endpoint.status.as_str(),
            disabled_reason: endpoint.disabled_reason,
            failing_since: endpoint.failing_since.map(rfc3339),
            created_at: rfc3339(endpoint.created_at),
            updated_at: rfc3339(endpoint.updated_at),
            secret: None,
        }
    }
}

#[derive(Serialize)]
pub struct AttemptView {
    id: String,
    event_id: String,
    #[serde(rename = "type")]
    kind: String,
    number: u32,
    trigger: &'static str,
    status: &'static str,
    status_code: Option<u16>,
    error: Option<String>,
    answer: String,
    duration_ms: u64,
    at: String,
}

impl From<Attempt> for AttemptView {
    fn from(attempt: Attempt) -> Self {
        Self {
            id: attempt.id,
            event_id: attempt.event_id,
            kind: attempt.kind,
            number: attempt.number,
            trigger: if attempt.by_hand { "manual" } else { "schedule" },
            status: if attempt.succeeded { "succeeded" } else { "failed" },
            status_code: attempt.status_code,
            error: attempt.error,
            answer: attempt.answer,
            duration_ms: attempt.duration_ms,
            at: rfc3339(attempt.at),
        }
    }
}
