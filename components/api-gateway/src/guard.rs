//! Calls to services with a deadline each, and a circuit breaker: a service that does not answer is left alone for a while, so that
//! nobody waits for it in vain.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};

use crate::clients::{
    Attachments, Body, CallError, CallResult, Conversation, ConversationPage, ConversationQuery, Conversations,
    Customer, Customers, Elsewhere, FoundMessages, Medium, MessagePage, MessageQuery, Messages, Outside, Place,
    Reading, SendError, Settings, Tables, Tasks, Timer, Touch, Upstream,
};
use crate::deadline::within;
use crate::routes::Service;
use sdk::sql::Database;
use sdk::{Clock, Context, Micros};

/// A little longer than the deadline that the callee is told, so that its own answer comes first.
const CALL_DEADLINE: Duration = Duration::from_millis(5_500);
/// Failures one after the other that open the circuit.
const FAILURES: u32 = 5;
/// How long it stays open before one call tries again, in microseconds (5 s).
const OPEN_MICROS: Micros = 5_000_000;

sdk::words!(
    /// `Open`: calls fail at once. `HalfOpen`: the next one tries.
    State { Closed = "closed", HalfOpen = "half-open", Open = "open" }
);

/// One per service and instance.
#[derive(Default)]
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

/// What is outside, with a circuit before each service.
#[derive(Clone)]
pub struct Guarded<B> {
    outside: B,
    circuits: Rc<[(Service, Circuit)]>,
}

impl<B: Outside> Guarded<B> {
    pub fn new(outside: B) -> Self {
        let circuits = Service::ALL.into_iter().map(|service| (service, Circuit::default())).collect();
        Self { outside, circuits }
    }

    pub fn circuit(&self, service: Service) -> &Circuit {
        let found = self.circuits.iter().find(|(one, _)| *one == service);
        found.map(|(_, circuit)| circuit).expect("every service has one")
    }

    async fn call<T>(&self, service: Service, work: impl Future<Output = CallResult<T>>) -> CallResult<T> {
        let circuit = self.circuit(service);
        if !circuit.admits(self.now()) {
            return Err(CallError::Unavailable("its circuit is open".into()));
        }
        let late = || Err(CallError::Unavailable("no answer in time".into()));
        let answer = within(&self.outside, CALL_DEADLINE, work).await.unwrap_or_else(late);
        circuit.note(matches!(answer, Err(CallError::Unavailable(_))), self.now());
        answer
    }
}

impl<B: Outside> Customers for Guarded<B> {
    async fn get_customers(&self, ctx: Context, ids: Vec<String>) -> CallResult<Vec<Customer>> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        self.call(Service::Customer, self.outside.get_customers(ctx, ids)).await
    }

    async fn find_customers(&self, ctx: Context, text: String, limit: u32) -> CallResult<Vec<String>> {
        self.call(Service::Customer, self.outside.find_customers(ctx, text, limit)).await
    }
}

impl<B: Outside> Conversations for Guarded<B> {
    async fn get_conversations(&self, ctx: Context, ids: Vec<String>) -> CallResult<Vec<Conversation>> {
        self.call(Service::Conversation, self.outside.get_conversations(ctx, ids)).await
    }

    async fn list_conversations(
        &self,
        ctx: Context,
        query: ConversationQuery,
        cursor: Option<String>,
        limit: u32,
    ) -> CallResult<ConversationPage> {
        self.call(Service::Conversation, self.outside.list_conversations(ctx, query, cursor, limit)).await
    }

    async fn mark_read(&self, ctx: Context, reading: Reading) -> CallResult<Conversation> {
        self.call(Service::Conversation, self.outside.mark_read(ctx, reading)).await
    }

    async fn touch(&self, ctx: Context, touches: Vec<Touch>) -> CallResult<()> {
        self.call(Service::Conversation, self.outside.touch(ctx, touches)).await
    }
}

impl<B: Outside> Attachments for Guarded<B> {
    async fn get_media(&self, ctx: Context, ids: Vec<String>) -> CallResult<Vec<Medium>> {
        self.call(Service::Media, self.outside.get_media(ctx, ids)).await
    }
}

impl<B: Outside> Messages for Guarded<B> {
    async fn list_messages(
        &self,
        ctx: Context,
        conversation: String,
        cursor: Option<String>,
        after: Option<u64>,
        limit: u32,
    ) -> CallResult<MessagePage> {
        self.call(Service::Messaging, self.outside.list_messages(ctx, conversation, cursor, after, limit)).await
    }

    async fn find_messages(
        &self,
        ctx: Context,
        query: MessageQuery,
        cursor: Option<String>,
        limit: u32,
    ) -> CallResult<FoundMessages> {
        self.call(Service::Messaging, self.outside.find_messages(ctx, query, cursor, limit)).await
    }

    async fn conversations_saying(&self, ctx: Context, text: String, limit: u32) -> CallResult<Vec<String>> {
        self.call(Service::Messaging, self.outside.conversations_saying(ctx, text, limit)).await
    }

    async fn place_of(&self, ctx: Context, message: String) -> CallResult<Place> {
        self.call(Service::Messaging, self.outside.place_of(ctx, message)).await
    }
}

impl<B: Outside> Upstream for Guarded<B> {
    async fn send(&self, service: Service, request: Request<Bytes>) -> Result<Response<Body>, SendError> {
        self.pass(service, self.outside.send(service, request)).await
    }

    async fn stream(&self, service: Service, request: Request<Body>) -> Result<Response<Body>, SendError> {
        self.pass(service, self.outside.stream(service, request)).await
    }
}

impl<B: Outside> Guarded<B> {
    /// Who sends sets its own deadline; one that gives up drops this, which counts as nothing.
    async fn pass(
        &self,
        service: Service,
        sent: impl Future<Output = Result<Response<Body>, SendError>>,
    ) -> Result<Response<Body>, SendError> {
        let circuit = self.circuit(service);
        if !circuit.admits(self.now()) {
            return Err(SendError::Unreachable("its circuit is open".into()));
        }
        let answer = sent.await;
        let is_down = |answer: &Response<Body>| answer.status() == StatusCode::SERVICE_UNAVAILABLE;
        circuit.note(answer.as_ref().map_or(true, is_down), self.now());
        answer
    }
}

impl<B: Outside> Elsewhere for Guarded<B> {
    async fn fetch(&self, request: Request<Bytes>) -> Result<Response<Body>, SendError> {
        self.outside.fetch(request).await
    }
}

impl<B: Outside> Tables for Guarded<B> {
    type Driver = B::Driver;

    fn tables(&self) -> &Database<B::Driver> {
        self.outside.tables()
    }
}

impl<B: Outside> Settings for Guarded<B> {
    async fn variable(&self, name: &'static str) -> Option<String> {
        self.outside.variable(name).await
    }
}

impl<B: Outside> Tasks for Guarded<B> {
    fn spawn(&self, work: impl Future<Output = ()> + 'static) {
        self.outside.spawn(work);
    }
}

impl<B: Outside> Timer for Guarded<B> {
    async fn sleep(&self, duration: Duration) {
        self.outside.sleep(duration).await;
    }
}

impl<B: Outside> Clock for Guarded<B> {
    fn now(&self) -> Micros {
        self.outside.now()
    }
}
