//! What the handlers work with, and what the service needs of its surroundings.

use std::{cell::Cell, time::Duration};

use http::HeaderMap;
use sdk::{
    Clock, Micros, Outcome,
    health::Checks,
    sql::{Database, Driver},
};

pub struct App<D, P> {
    pub database: Database<D>,
    pub clock: Box<dyn Clock>,
    pub platform: P,
    /// Something is due now: whoever answers this call starts a round of deliveries behind the answer.
    pub is_due: Cell<bool>,
}

impl<D: Driver, P: Platform> App<D, P> {
    pub fn new(database: Database<D>, clock: impl Clock + 'static, platform: P) -> Self {
        Self { database, clock: Box::new(clock), platform, is_due: Cell::new(false) }
    }

    /// Whether the deployment's variables make sense.
    pub async fn health(&self) -> Outcome {
        let mut checks = Checks::default();
        checks.word(
            "webhook_allow_private",
            self.platform.setting("webhook_allow_private").await.as_deref(),
            &["true", "false"],
        );
        checks.number(
            "webhook_first_retry_ms",
            self.platform.setting("webhook_first_retry_ms").await.as_deref(),
            1..=i64::MAX / 1000,
        );
        for name in ["notification_retention_days", "webhook_event_retention_days"] {
            checks.number(name, self.platform.setting(name).await.as_deref(), 1..=3650);
        }
        checks.outcome()
    }

    /// For trials on one's own machine: endpoints may be in private networks.
    pub async fn allows_private(&self) -> bool {
        self.platform.setting("webhook_allow_private").await.as_deref() == Some("true")
    }

    /// What comes before the second attempt, when the deployment says it.
    pub async fn first_retry(&self) -> Option<Micros> {
        let ms: Micros = self.platform.setting("webhook_first_retry_ms").await?.parse().ok()?;
        Some(ms.saturating_mul(1000)).filter(|micros| *micros > 0)
    }
}

/// What an endpoint answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    pub retry_after: Option<Duration>,
    /// Its first kilobytes.
    pub body: Vec<u8>,
}

#[expect(async_fn_in_trait, reason = "a guest is single-threaded: no bound is needed")]
pub trait Platform: 'static {
    /// POSTs to an endpoint, without following redirects; the error says why there is no answer.
    async fn post(&self, url: &str, headers: HeaderMap, body: &str) -> Result<Answer, String>;

    /// A variable of the deployment.
    async fn setting(&self, name: &str) -> Option<String>;
}
