//! What the handlers work with, and what the service needs of its surroundings.

use std::{cell::Cell, time::Duration};

use ::http::StatusCode;
use sdk::{
    Clock, Context, Micros, Outcome, Problem, Response,
    context::ADMIN,
    health::Checks,
    outgoing::{Failure, Outgoing},
    sql::{Database, Driver},
};

pub struct App<D, W> {
    pub database: Database<D>,
    pub clock: Box<dyn Clock>,
    pub world: W,
    /// Something is due now: whoever answers this call starts a round behind the answer.
    pub is_due: Cell<bool>,
    /// Until when the language model is left alone, because its quota is used up.
    pub model_rests_until: Cell<Micros>,
}

impl<D: Driver, W: World> App<D, W> {
    pub fn new(database: Database<D>, clock: impl Clock + 'static, world: W) -> Self {
        let (is_due, model_rests_until) = (Cell::new(false), Cell::new(0));
        Self { database, clock: Box::new(clock), world, is_due, model_rests_until }
    }

    /// Whether the deployment wants a simulator at all: what it writes stands among real conversations.
    pub async fn is_on(&self) -> bool {
        self.world.setting("simulator").await.as_deref() == Some("on")
    }

    /// Whether the deployment's variables make sense.
    pub async fn health(&self) -> Outcome {
        let mut checks = Checks::default();
        checks.word("simulator", self.world.setting("simulator").await.as_deref(), &["on", "off"]);
        for name in ["simulator_retention_days", "gemini_timeout_ms"] {
            checks.number(name, self.world.setting(name).await.as_deref(), 1..=1_000_000);
        }
        checks.outcome()
    }

    /// For whoever administers a tenant, where the deployment has switched it on.
    pub async fn permit(&self, context: &Context) -> Result<(), Problem> {
        context.require(ADMIN)?;
        if self.is_on().await { Ok(()) } else { Err(switched_off()) }
    }
}

pub fn switched_off() -> Problem {
    let fix =
        "the simulator is off: start the platform with the variable simulator=on (kobliat up --variable simulator=on)";
    Problem::new(StatusCode::FORBIDDEN, "simulator_off", fix)
}

#[expect(async_fn_in_trait, reason = "a guest is single-threaded: no bound is needed")]
pub trait World: 'static {
    /// Sends it, without following redirects; the error says why there is no answer.
    async fn send(&self, request: Outgoing, patience: Duration) -> Result<Response, Failure>;

    /// A variable of the deployment; `None` when it is empty.
    async fn setting(&self, name: &str) -> Option<String>;

    async fn sleep(&self, time: Duration);
}
