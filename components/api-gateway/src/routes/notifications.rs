//! `/notifications` and `/webhook-endpoints`: all of them the notification service's.

use super::{Action, Doc, Route, Service};

const READ: &[&str] = &["notifications:read"];
const WRITE: &[&str] = &["notifications:write"];
const READ_WEBHOOKS: &[&str] = &["webhooks:read"];
const WRITE_WEBHOOKS: &[&str] = &["webhooks:write"];
const FORWARD: Action = Action::Forward(Service::Notification);

pub const ROUTES: &[Route] = &[
    Route::get(
        "/notifications",
        READ,
        FORWARD,
        Doc::new("listNotifications", "Notifications, newest first", &[(200, Some("NotificationList"))])
            .query(&["unread", "limit", "cursor"]),
    ),
    Route::post(
        "/notifications/{id}/read",
        WRITE,
        FORWARD,
        Doc::new("readNotification", "Mark a notification as read", &[(200, Some("Notification"))]),
    ),
    Route::get(
        "/webhook-endpoints",
        READ_WEBHOOKS,
        FORWARD,
        Doc::new("listWebhookEndpoints", "Where events are sent to", &[(200, Some("WebhookEndpointList"))])
            .query(&["limit", "cursor"]),
    ),
    Route::post(
        "/webhook-endpoints",
        WRITE_WEBHOOKS,
        FORWARD,
        Doc::new(
            "createWebhookEndpoint",
            "Send events to a URL; its signing secret is shown this once",
            &[(201, Some("WebhookEndpoint"))],
        )
        .body("NewWebhookEndpoint"),
    ),
    Route::get(
        "/webhook-endpoints/{id}",
        READ_WEBHOOKS,
        FORWARD,
        Doc::new("getWebhookEndpoint", "One webhook endpoint", &[(200, Some("WebhookEndpoint"))]).has_etag(),
    ),
    Route::patch(
        "/webhook-endpoints/{id}",
        WRITE_WEBHOOKS,
        FORWARD,
        Doc::new("updateWebhookEndpoint", "Change or disable a webhook endpoint", &[(200, Some("WebhookEndpoint"))])
            .body("WebhookEndpointChanges"),
    ),
    Route::delete(
        "/webhook-endpoints/{id}",
        WRITE_WEBHOOKS,
        FORWARD,
        Doc::new("deleteWebhookEndpoint", "Send no more to it", &[(204, None)]).if_match(),
    ),
    Route::post(
        "/webhook-endpoints/{id}/rotate-secret",
        WRITE_WEBHOOKS,
        FORWARD,
        Doc::new("rotateWebhookSecret", "A new signing secret, shown this once", &[(200, Some("RotatedSecret"))]),
    ),
    Route::get(
        "/webhook-endpoints/{id}/attempts",
        READ_WEBHOOKS,
        FORWARD,
        Doc::new("listWebhookAttempts", "What was sent, and what came of it", &[(200, Some("WebhookAttemptList"))])
            .query(&["limit", "cursor"]),
    ),
    Route::post(
        "/webhook-endpoints/{id}/resend",
        WRITE_WEBHOOKS,
        FORWARD,
        Doc::new("resendWebhook", "Send an event again", &[(202, Some("WebhookSent"))]).body("WebhookResend"),
    ),
    Route::post(
        "/webhook-endpoints/{id}/recover",
        WRITE_WEBHOOKS,
        FORWARD,
        Doc::new("recoverWebhooks", "Send what failed since then again", &[(202, Some("WebhookSent"))])
            .body("WebhookRecover"),
    ),
    Route::post(
        "/webhook-endpoints/{id}/test",
        WRITE_WEBHOOKS,
        FORWARD,
        Doc::new("testWebhook", "Send a made-up event", &[(202, Some("WebhookSent"))]),
    ),
];
