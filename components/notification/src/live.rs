//! The service's surroundings in the component, and the deliveries behind its answers.

use std::{cell::Cell, pin::pin, time::Duration};

use bytes::Bytes;
use futures::future::{Either, select};
use http::{HeaderMap, Method, Request, header};
use http_body_util::BodyExt;
use sdk::{
    Context, SystemClock,
    config::Settings,
    log, outgoing,
    service::Service,
    sql::{Database, Spin},
};
use spin_sdk::wasip3::http_compat::IncomingResponseBody;

use crate::{
    app::{Answer, App, Platform},
    delivery,
    store::MIGRATIONS,
};

/// What Standard Webhooks recommends at least.
const TIMEOUT: Duration = Duration::from_secs(15);
/// For the answer's body, after its head: it only goes into the log of attempts.
const BODY_TIMEOUT: Duration = Duration::from_secs(1);
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
        let mut request = Request::builder().method(Method::POST).uri(url).header(header::CONTENT_LENGTH, body.len());
        if let Some(all) = request.headers_mut() {
            all.extend(headers);
        }
        let request = request.body(Bytes::copy_from_slice(body.as_bytes())).map_err(|e| e.to_string())?;
        let answer = outgoing::open(request, TIMEOUT).await.map_err(|e| e.to_string())?;
        let (parts, body) = answer.into_parts();
        let retry_after = outgoing::retry_after(&parts.headers);
        Ok(Answer { status: parts.status.as_u16(), retry_after, body: beginning(body).await })
    }

    async fn setting(&self, name: &str) -> Option<String> {
        self.settings.get(name).await
    }
}

/// As much of a body as comes soon. The answer's head has decided already, so a body that breaks off or never ends changes nothing.
async fn beginning(body: IncomingResponseBody) -> Vec<u8> {
    let (mut body, mut alarm) = (pin!(body), pin!(spin_sdk::time::sleep(BODY_TIMEOUT)));
    let mut read = Vec::new();
    while read.len() < ANSWER_LIMIT_BYTES {
        let Either::Left((Some(Ok(frame)), _)) = select(pin!(body.frame()), &mut alarm).await else { break };
        read.extend(frame.into_data().into_iter().flatten());
    }
    read.truncate(ANSWER_LIMIT_BYTES);
    read
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
