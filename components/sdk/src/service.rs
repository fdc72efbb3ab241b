//! A service's entry points: what its handlers work with, and the wiring that makes the crate a component.

mod wiring;

use std::ops::Deref;

use ::http::Method;

use crate::{
    Clock, Request, Response, Router, SystemClock,
    http::{BODY_LIMIT_BYTES, serve},
    outbox, response,
    sql::{Database, Migration, Spin},
};

/// Where the host sends the platform's tick.
const TICK: &str = "/internal/tick";

/// What a handler works with. A service with more to it brings an own type and implements [`Service`].
pub struct App<S> {
    pub store: S,
    pub clock: Box<dyn Clock>,
}

impl<S> App<S> {
    pub fn new(store: S, clock: impl Clock + 'static) -> Self {
        Self { store, clock: Box::new(clock) }
    }
}

impl App<Database<Spin>> {
    /// On the host's database of this label and the host's clock.
    pub fn live(label: &'static str, migrations: &'static [Migration]) -> Self {
        Self::new(Database::new(Spin::new(label), migrations), SystemClock)
    }
}

/// What an instance holds for its life.
#[expect(async_fn_in_trait, reason = "a guest is single-threaded: no bound is needed")]
pub trait Service: Sized + 'static {
    /// The largest body that its routes read.
    const BODY_LIMIT_BYTES: usize = BODY_LIMIT_BYTES;

    /// Something was asked of it and has been done (`wrote`: and events were written meanwhile). Nobody waits for what this starts.
    fn after_call(&'static self, _wrote: bool) {}

    /// The platform's tick; false when the router is to answer it. A router that has a route for it is asked in any case.
    async fn tick(&'static self) -> bool {
        false
    }
}

/// A store that has work of its own, beside what it is asked.
#[expect(async_fn_in_trait, reason = "a guest is single-threaded: no bound is needed")]
pub trait Background: Sized + 'static {
    fn after_call(_app: &'static App<Self>, _wrote: bool) {}

    async fn tick(_app: &'static App<Self>) -> bool {
        false
    }
}

impl<S: Background> Service for App<S> {
    fn after_call(&'static self, wrote: bool) {
        S::after_call(self, wrote);
    }

    async fn tick(&'static self) -> bool {
        S::tick(self).await
    }
}

/// With an outbox among its tables, it sends on what is in it.
impl Background for Database<Spin> {
    fn after_call(app: &'static App<Self>, wrote: bool) {
        if app.store.has(outbox::RELAY_MIGRATION) {
            outbox::relay::after_call(&app.store, &*app.clock, wrote);
        }
    }

    async fn tick(app: &'static App<Self>) -> bool {
        let publishes = app.store.has(outbox::RELAY_MIGRATION);
        if publishes {
            outbox::relay::tick(&app.store, &*app.clock).await;
        }
        publishes
    }
}

/// In tests nothing goes on behind an answer.
#[cfg(all(feature = "testing", not(target_arch = "wasm32")))]
impl Background for Database<crate::testing::Memory> {}

/// A service while it does what one caller asked.
pub struct Call<A: Service> {
    service: &'static A,
    written: u64,
}

impl<A: Service> Call<A> {
    pub fn to(service: &'static A) -> Self {
        Self { service, written: outbox::written() }
    }
}

impl<A: Service> Deref for Call<A> {
    type Target = A;

    fn deref(&self) -> &A {
        self.service
    }
}

impl<A: Service> Drop for Call<A> {
    fn drop(&mut self) {
        self.service.after_call(outbox::written() != self.written);
    }
}

/// What the component lends to its typed interface: `impl<E: Exported> Guest for E where E::Store: Store`.
pub trait Exported: 'static {
    type Store: Background;

    fn app() -> Call<App<Self::Store>>;
}

/// A service and its routes: one for all requests of an instance, so that its connections stay open.
pub struct Running<A: Service> {
    pub service: &'static A,
    router: &'static Router<A>,
}

impl<A: Service> Clone for Running<A> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<A: Service> Copy for Running<A> {}

impl<A: Service> Running<A> {
    /// For the life of the instance: what it holds is never freed.
    pub fn start(service: A, router: Router<A>) -> Self {
        Self { service: Box::leak(Box::new(service)), router: Box::leak(Box::new(router)) }
    }

    pub async fn serve(self, request: spin_sdk::http::Request) -> ::http::Response<http_body_util::Full<bytes::Bytes>> {
        let call = Call::to(self.service);
        serve(request, A::BODY_LIMIT_BYTES, async |request| self.answer(&call, request).await).await
    }

    async fn answer(self, call: &Call<A>, request: Request) -> Response {
        // No public route leads there: the host refuses to start otherwise.
        let is_tick = request.path == TICK && request.method == Method::POST;
        if is_tick && self.service.tick().await && !self.router.has_platform(TICK) {
            return response::no_content().unwrap_or_default();
        }
        self.router.handle(call, request).await
    }
}
