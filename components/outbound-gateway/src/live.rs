//! The gateway in its host: its database, the linked services, the clock, and requests to providers.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use sdk::{
    Clock, Context, Micros, SystemClock, config, log, outbox, outgoing,
    sql::{Database, Spin},
};
use spin_sdk::wasip3::http::types::ErrorCode;

use crate::clients::Linked;
use crate::domain::delivery::Store;
use crate::domain::{Broken, Platform};
use crate::provider::Answer;
use crate::store::MIGRATIONS;

/// `event_sink` is for the services, where they are composed into this component.
const OWN_SINK: &str = "own_event_sink";

/// Providers answer in a few hundred bytes; what is longer is no answer of theirs.
const ANSWER_LIMIT_BYTES: usize = 256 << 10;

/// With 2000 rows each, 2000 rows a second: more than one host sends.
const SWEEPS_A_TICK: u32 = 5;

/// One per instance: what it opened and migrated serves every request after the first.
pub struct Live {
    store: Database<Spin>,
    services: Linked,
}

impl Live {
    /// Touches nothing yet.
    #[expect(clippy::new_without_default, reason = "it reaches for the host, which is no default")]
    pub fn new() -> Self {
        outbox::relay::sink_is_in(OWN_SINK);
        Self { store: Database::new(Spin::new("outbound-gateway"), MIGRATIONS), services: Linked }
    }

    pub fn database(&self) -> &Database<Spin> {
        &self.store
    }
}

impl Live {
    /// As much as is there, so that it keeps up with any day; a sweep that fails is made by the next tick.
    async fn sweep(&self) {
        for _ in 0..SWEEPS_A_TICK {
            match self.store.sweep(SystemClock.now()).await {
                Ok(true) => {}
                Ok(false) => return,
                Err(error) => {
                    log::warn(&Context::default(), "a sweep failed", &[("error", &format!("{error:?}"))]);
                    return;
                }
            }
        }
    }
}

/// What is in its outbox goes on its way, as any service's does.
impl sdk::service::Service for Live {
    fn after_call(&'static self, wrote: bool) {
        outbox::relay::after_call(&self.store, &SystemClock, wrote);
    }

    async fn tick(&'static self) -> bool {
        outbox::relay::tick(&self.store, &SystemClock).await;
        self.sweep().await;
        true
    }
}

impl Platform for Live {
    type Store = Database<Spin>;
    type Services = Linked;

    fn store(&self) -> &Self::Store {
        &self.store
    }

    fn services(&self) -> &Linked {
        &self.services
    }

    fn now(&self) -> Micros {
        SystemClock.now()
    }

    async fn sleep(&self, duration: Duration) {
        spin_sdk::time::sleep(duration).await;
    }

    async fn variable(&self, name: &str) -> Result<Option<String>, String> {
        config::optional(name).await.map_err(|error| error.to_string())
    }

    async fn send(&self, request: http::Request<Vec<u8>>) -> Result<Answer, Broken> {
        let request = request.map(|body| Full::new(Bytes::from(body)));
        let answer = spin_sdk::http::send(request).await.map_err(broken)?;
        let status = answer.status().as_u16();
        let retry_after = outgoing::retry_after(answer.headers());
        let retry_after_seconds = retry_after.map(|wait| wait.as_millis().div_ceil(1000)).map(clamped);
        let body = Limited::new(answer.into_body(), ANSWER_LIMIT_BYTES).collect().await;
        // A head without its body still tells the status.
        let body = body.map(|body| body.to_bytes().to_vec()).unwrap_or_default();
        Ok(Answer { status, retry_after_seconds, body })
    }
}

fn clamped(seconds: u128) -> u64 {
    u64::try_from(seconds).unwrap_or(u64::MAX)
}

/// What could not have reached the provider, and what may have.
fn broken(error: ErrorCode) -> Broken {
    use ErrorCode as E;
    match error {
        E::DnsTimeout
        | E::DnsError(_)
        | E::DestinationNotFound
        | E::DestinationUnavailable
        | E::DestinationIpProhibited
        | E::DestinationIpUnroutable
        | E::ConnectionRefused
        | E::ConnectionTimeout
        | E::ConnectionLimitReached
        | E::TlsProtocolError
        | E::TlsCertificateError
        | E::TlsAlertReceived(_)
        | E::HttpRequestDenied
        | E::HttpRequestUriInvalid => Broken::NotSent(format!("the provider cannot be reached: {error:?}")),
        _ => Broken::Lost(format!("the connection to the provider broke: {error:?}")),
    }
}
