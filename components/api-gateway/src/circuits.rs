//! Circuit breakers, one per service and instance, and a deadline for each typed call: a service that does not answer is left alone for a
//! while, so that nobody waits for it in vain.

use std::cell::Cell;
use std::time::Duration;

use http::{Response, StatusCode};

use crate::clients::{Body, CallError, CallResult, SendError, Tables, Timer};
use crate::deadline::within;
use crate::routes::Service;
use crate::store::starts;
use sdk::{Clock, Micros};

/// A little longer than the deadline that the callee is told, so that its own answer comes first.
const CALL_DEADLINE: Duration = Duration::from_millis(5_500);
/// Failures one after the other that open the circuit.
const FAILURES: u32 = 5;
/// How long it stays open before one call tries again, in microseconds (5 s).
const OPEN_MICROS: Micros = 5_000_000;
/// A refusal that comes sooner (100 ms, in microseconds) costs nobody time: the host says at once that a service is stopped or full.
const QUICK_MICROS: Micros = 100_000;

/// How the host ends its reason for a typed call to a component that an operator has stopped.
const STOPPED: &str = "is stopped";

sdk::words!(
    /// `Open`: calls fail at once. `HalfOpen`: the next one tries.
    State { Closed = "closed", HalfOpen = "half-open", Open = "open" }
);

#[derive(Debug, Default)]
pub struct Circuit {
    failures: Cell<u32>,
    open_until: Cell<Micros>,
}

impl Circuit {
    pub fn state(&self, now: Micros) -> State {
        match self.failures.get() {
            failures if failures < FAILURES => State::Closed,
            _ if now < self.open_until.get() => State::Open,
            _ => State::HalfOpen,
        }
    }

    /// Whether a call may be made. In the half-open state the first one closes the door behind itself.
    fn admits(&self, now: Micros) -> bool {
        match self.state(now) {
            State::Closed => true,
            State::Open => false,
            State::HalfOpen => {
                self.open_until.set(now + OPEN_MICROS);
                true
            }
        }
    }

    /// Whether it is open since before then.
    fn is_open_since_before(&self, then: Micros, now: Micros) -> bool {
        self.state(now) == State::Open && self.open_until.get() - OPEN_MICROS <= then
    }

    fn note(&self, is_failure: bool, now: Micros) {
        if !is_failure {
            self.failures.set(0);
            return;
        }
        self.failures.set(self.failures.get().saturating_add(1));
        if self.failures.get() >= FAILURES {
            self.open_until.set(now + OPEN_MICROS);
        }
    }
}

/// One for each service; whatever calls them goes through [`Circuits::call`] or [`Circuits::pass`].
#[derive(Debug, Default)]
pub struct Circuits([Circuit; Service::ALL.len()]);

impl Circuits {
    pub fn of(&self, service: Service) -> &Circuit {
        let found = Service::ALL.into_iter().zip(&self.0).find(|(one, _)| *one == service);
        found.map(|(_, circuit)| circuit).expect("every service has one")
    }

    /// A typed call, unless its circuit is open.
    pub async fn call<T>(
        &self,
        outside: &(impl Timer + Clock + Tables),
        service: Service,
        work: impl Future<Output = CallResult<T>>,
    ) -> CallResult<T> {
        let circuit = self.up_to_date(outside, service).await;
        let began = outside.now();
        if !circuit.admits(began) {
            return Err(CallError::Unavailable("its circuit is open".into()));
        }
        let late = || Err(CallError::Unavailable("no answer in time".into()));
        let answer = within(outside, CALL_DEADLINE, work).await.unwrap_or_else(late);
        let is_failure = matches!(&answer, Err(CallError::Unavailable(reason)) if !reason.ends_with(STOPPED));
        circuit.note(is_failure, outside.now());
        answer
    }

    /// The circuit of a service, closed when somebody has started the service again since it was opened.
    async fn up_to_date(&self, outside: &(impl Clock + Tables), service: Service) -> &Circuit {
        let circuit = self.of(service);
        if circuit.state(outside.now()) == State::Open {
            let started = starts::last(outside.tables(), service.id()).await.ok().flatten();
            if started.is_some_and(|at| circuit.is_open_since_before(at, outside.now())) {
                circuit.note(false, outside.now());
            }
        }
        circuit
    }

    /// A whole request. Who sends it sets its own deadline; one that gives up drops this, which counts as nothing.
    pub async fn pass(
        &self,
        outside: &(impl Clock + Tables),
        service: Service,
        sent: impl Future<Output = Result<Response<Body>, SendError>>,
    ) -> Result<Response<Body>, SendError> {
        let circuit = self.up_to_date(outside, service).await;
        let began = outside.now();
        if !circuit.admits(began) {
            return Err(SendError::Unreachable("its circuit is open".into()));
        }
        let answer = sent.await;
        let now = outside.now();
        let is_down =
            |answer: &Response<Body>| answer.status() == StatusCode::SERVICE_UNAVAILABLE && now - began >= QUICK_MICROS;
        circuit.note(answer.as_ref().map_or(true, is_down), now);
        answer
    }
}
