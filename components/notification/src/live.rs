//! The service's surroundings in the component, and the deliveries behind its answers.

use std::{cell::Cell, time::Duration};

use http::{HeaderMap, Method};
use sdk::{
    Context, SystemClock,
    config::Settings,
    log,
    outgoing::{self, Outgoing},
    service::Service,
    sql::{Database, Spin},
};

use crate::{
    app::{Answer, App, Platform},
    delivery,
    store::MIGRATIONS,
};

/// What Standard Webhooks recommends at least.
const TIMEOUT: Duration = Duration::from_secs(15);
/// Enough to find out what a receiver had against it.
const ANSWER_LIMIT_BYTES: usize = 4 << 10;
/// Rounds that one instance runs at once. Each serves other endpoints: a slow one holds up nobody else's.
const ROUNDS: u32 = 4;

pub type Live = App<Spin, Host>;

#[derive(Default)]
pub struct Host {
    settings: Settings,
    rounds: Cell<u32>,
}

impl Live {
    pub fn live() -> Self {
        Self::new(Database::new(Spin::new("notification"), MIGRATIONS), SystemClock, Host::default())
    }
}

impl Platform for Host {
    async fn post(&self, url: &str, headers: HeaderMap, body: &str) -> Result<Answer, String> {
        let mut request = Outgoing::new(Method::POST, url, body.as_bytes().to_vec());
        request.headers = headers;
        let answer = outgoing::send(request, TIMEOUT, ANSWER_LIMIT_BYTES).await.map_err(|e| e.to_string())?;
        let retry_after = outgoing::retry_after(answer.headers());
        Ok(Answer { status: answer.status().as_u16(), retry_after, body: answer.into_body() })
    }

    async fn setting(&self, name: &str) -> Option<String> {
        self.settings.get(name).await
    }
}

impl Service for Live {
    fn after_call(&'static self, _wrote: bool) {
        if self.is_due.replace(false) {
            self.deliver_behind();
        }
    }

    /// Answered at once: the platform waits for one tick before it sends the next, and a slow endpoint must not delay that.
    async fn tick(&'static self) -> bool {
        self.is_due.set(true);
        true
    }
}

impl Live {
    fn deliver_behind(&'static self) {
        let rounds = &self.platform.rounds;
        if rounds.get() >= ROUNDS {
            return; // The tick finds what is due.
        }
        rounds.set(rounds.get() + 1);
        wit_bindgen::spawn(async move {
            let _done = Done(rounds);
            if let Err(error) = delivery::round(self).await {
                log::warn(&Context::default(), "webhooks wait for the next tick", &[("error", &error)]);
            }
        });
    }
}

/// Counts the round as done however it ends.
struct Done<'a>(&'a Cell<u32>);

impl Drop for Done<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get().saturating_sub(1));
    }
}
