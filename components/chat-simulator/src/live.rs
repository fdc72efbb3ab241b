//! The service's surroundings in the component, and the work behind its answers.

use std::time::Duration;

use sdk::{
    Context, Micros, Response, SystemClock,
    config::Settings,
    log,
    outgoing::{self, Failure, Outgoing},
    service::Service,
    sql::{Database, Spin, SqlError},
};

use crate::{
    app::{App, World},
    emulator::reports,
    persona, run,
    store::{MIGRATIONS, sweep},
};

/// A page of a hundred messages, or the longest answer of a language model that is of use.
const ANSWER_LIMIT_BYTES: usize = 4 << 20;

/// How long one round goes on with a run: within what a request may take.
const RUN: Micros = 15_000_000;

/// With 500 rows of each table in one sweep and a tick every two seconds: 5,000 rows a second.
const SWEEPS_A_ROUND: u32 = 20;

const RETENTION_DAYS: i64 = 30;
const DAY: Micros = 24 * 3600 * 1_000_000;

pub type Live = App<Spin, Host>;

#[derive(Default)]
pub struct Host {
    settings: Settings,
}

impl Live {
    pub fn live() -> Self {
        Self::new(Database::new(Spin::new("chat-simulator"), MIGRATIONS), SystemClock, Host::default())
    }
}

impl World for Host {
    async fn send(&self, request: Outgoing, patience: Duration) -> Result<Response, Failure> {
        outgoing::send(request, patience, ANSWER_LIMIT_BYTES).await
    }

    async fn setting(&self, name: &str) -> Option<String> {
        self.settings.get(name).await
    }

    async fn sleep(&self, time: Duration) {
        spin_sdk::time::sleep(time).await;
    }
}

impl Service for Live {
    /// Media that the platform uploads to the emulator: WhatsApp takes pictures of 5 MB and videos of 16.
    const BODY_LIMIT_BYTES: usize = 17 << 20;

    fn after_call(&'static self, _wrote: bool) {
        if self.is_due.replace(false) {
            wit_bindgen::spawn(self.round());
        }
    }

    /// Answered at once: the platform waits for one tick before it sends the next.
    async fn tick(&'static self) -> bool {
        self.is_due.set(self.is_on().await);
        true
    }
}

impl Live {
    async fn all_due(&self) -> Result<(), SqlError> {
        persona::round(self).await?;
        while reports::round(self).await? {}
        self.sweep().await?;
        run::round(self, RUN).await
    }

    /// More than anybody writes between two ticks.
    async fn sweep(&self) -> Result<(), SqlError> {
        let then = self.clock.now().saturating_sub(self.retention().await);
        for _ in 0..SWEEPS_A_ROUND {
            if !sweep::older_than(&self.database, then).await? {
                break;
            }
        }
        Ok(())
    }

    async fn retention(&self) -> Micros {
        let days = self.world.setting("simulator_retention_days").await.and_then(|days| days.parse::<i64>().ok());
        days.filter(|days| *days > 0).unwrap_or(RETENTION_DAYS).saturating_mul(DAY)
    }

    async fn round(&self) {
        if let Err(error) = self.all_due().await {
            log::warn(
                &Context::default(),
                "simulated customers and reports wait for the next tick",
                &[("error", &error)],
            );
        }
    }
}
