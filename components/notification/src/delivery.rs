//! Sending webhooks: endpoints that are due side by side, the deliveries of each one after the other.

use futures::future::join_all;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use sdk::{
    Micros,
    outgoing::USER_AGENT,
    sql::{Driver, SqlError},
};

use crate::{
    address,
    app::{Answer, App, Platform},
    notice,
    schedule::{BREATHER, GIVE_UP, delay},
    secrets::{self, Secrets},
    signature,
    store::{
        deliveries::{self, Attempt, Due, Next, Waiting},
        sweep::{self, Old},
    },
};

/// Longer than one endpoint is served at a time ([`SERVING`] and one time-out). After a crash, the time until it is served again.
const LEASE: Micros = 60_000_000;
/// No further delivery is begun for an endpoint after this long; the next round goes on.
const SERVING: Micros = 5_000_000;
/// Endpoints served at once: each has one body and one answer in memory.
const AT_ONCE: u32 = 16;
/// How long notifications are kept, for whoever comes back from a long leave.
const NOTIFICATIONS_KEPT: (&str, i64) = ("notification_retention_days", 90);
/// How long events may be asked for again, and how far back the log of attempts goes.
const EVENTS_KEPT: (&str, i64) = ("webhook_event_retention_days", 30);

/// Serves what is due, until nothing is; then mends what a wrong clock left behind, and forgets what is old.
pub async fn round<D: Driver, P: Platform>(app: &App<D, P>) -> Result<(), SqlError> {
    let started = app.clock.now();
    while app.clock.now().saturating_sub(started) <= SERVING {
        let now = app.clock.now();
        let due = deliveries::claim(&app.database, now, now.saturating_add(LEASE), AT_ONCE).await?;
        if due.is_empty() {
            if deliveries::mend(&app.database, now, LEASE).await? {
                continue;
            }
            secrets::seal_anew(app).await?;
            return forget(app, now).await;
        }
        let served = join_all(due.iter().map(|endpoint| serve(app, endpoint))).await;
        served.into_iter().collect::<Result<(), _>>()?;
    }
    Ok(())
}

async fn forget<D: Driver, P: Platform>(app: &App<D, P>, now: Micros) -> Result<(), SqlError> {
    let since = async |(name, days): (&str, i64)| {
        let value = app.platform.setting(name).await;
        now.saturating_sub(sdk::sweep::days_or(value.as_deref(), days))
    };
    let old = Old { notifications: since(NOTIFICATIONS_KEPT).await, events: since(EVENTS_KEPT).await };
    sweep::forget(&app.database, &*app.clock, old).await
}

/// One endpoint's deliveries in order, until one fails or the time is up.
async fn serve<D: Driver, P: Platform>(app: &App<D, P>, endpoint: &Due) -> Result<(), SqlError> {
    let started = app.clock.now();
    let mut not_before = 0;
    while app.clock.now().saturating_sub(started) <= SERVING {
        let Some(waiting) = deliveries::first(&app.database, endpoint, app.clock.now()).await? else { break };
        if !deliver(app, endpoint, &waiting).await? {
            not_before = app.clock.now().saturating_add(BREATHER);
            break;
        }
    }
    deliveries::release(&app.database, endpoint, not_before).await
}

/// Whether the endpoint took it. What came of it is in the log of attempts.
async fn deliver<D: Driver, P: Platform>(app: &App<D, P>, endpoint: &Due, waiting: &Waiting) -> Result<bool, SqlError> {
    let at = app.clock.now();
    let said = send(app, endpoint, waiting, at).await;
    let duration = app.clock.now().saturating_sub(at);
    let attempt = Attempt::of(waiting, &said, at, duration);
    let next = next(waiting, &said, app.first_retry().await, app.clock.now());
    let disabled = disabled(endpoint, &said, app.clock.now());
    let notice = disabled.map(|reason| (reason, notice::disabled(&endpoint.id, &endpoint.url, reason)));
    deliveries::record(&app.database, endpoint, &attempt, next, notice, app.clock.now()).await?;
    Ok(attempt.succeeded)
}

/// The URL is checked once more: it may be older than a rule.
async fn send<D: Driver, P: Platform>(
    app: &App<D, P>,
    endpoint: &Due,
    waiting: &Waiting,
    now: Micros,
) -> Result<Answer, String> {
    let url = address::check(&endpoint.url, app.allows_private().await);
    let url = url.map_err(|reason| format!("the endpoint's URL {reason}: change it"))?;
    let headers = headers(app, endpoint, waiting, now).await?;
    app.platform.post(&url, headers, &waiting.body).await
}

async fn headers<D: Driver, P: Platform>(
    app: &App<D, P>,
    endpoint: &Due,
    waiting: &Waiting,
    now: Micros,
) -> Result<HeaderMap, String> {
    let secrets = Secrets::of(&app.platform).await?;
    let signed = signed(&secrets, endpoint, waiting, now);
    signed.ok_or_else(|| "the endpoint's secret is not usable: rotate it".to_owned())
}

fn signed(secrets: &Secrets, endpoint: &Due, waiting: &Waiting, now: Micros) -> Option<HeaderMap> {
    let timestamp = now / 1_000_000;
    let kept = std::iter::once(endpoint.secret.as_str()).chain(endpoint.old_secrets.valid(now));
    let open: Vec<String> = kept.filter_map(|kept| secrets.open(&endpoint.tenant, &endpoint.id, kept)).collect();
    let signature = signature::sign(open.iter().map(String::as_str), &waiting.event_id, timestamp, &waiting.body)?;
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::USER_AGENT, HeaderValue::from_static(USER_AGENT));
    let ours = [
        (signature::ID, waiting.event_id.as_str()),
        (signature::TIMESTAMP, &timestamp.to_string()),
        (signature::SIGNATURE, &signature),
    ];
    for (name, value) in ours {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_str(value).ok()?);
    }
    Some(headers)
}

/// 2xx is the only success: a redirect might lead anywhere, so it is none.
pub fn is_success(said: &Result<Answer, String>) -> bool {
    matches!(said, Ok(Answer { status: 200..=299, .. }))
}

fn next(waiting: &Waiting, said: &Result<Answer, String>, first_retry: Option<Micros>, now: Micros) -> Next {
    if is_success(said) {
        return Next::Delivered;
    }
    if waiting.is_by_hand {
        return Next::AsBefore;
    }
    let asked = said.as_ref().ok().and_then(|answer| answer.retry_after);
    let spread = waiting.event_id.bytes().fold(0_u8, u8::wrapping_add);
    match delay(waiting.attempts.saturating_add(1), first_retry, asked, spread) {
        Some(delay) => Next::At(now.saturating_add(delay)),
        None => Next::Failed,
    }
}

/// Why the endpoint is to be disabled, when it is.
fn disabled(endpoint: &Due, said: &Result<Answer, String>, now: Micros) -> Option<&'static str> {
    match said {
        Ok(Answer { status: 410, .. }) => Some("it answered 410 Gone"),
        _ if is_success(said) => None,
        _ if endpoint.failing_since.is_some_and(|since| now.saturating_sub(since) >= GIVE_UP) => {
            Some("it has taken nothing for five days")
        }
        _ => None,
    }
}
