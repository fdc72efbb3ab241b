//! A service's entry points: what its handlers work with, and the wiring that makes the crate a component.

mod wiring;

use std::ops::Deref;

use crate::{
    Clock, Router, SystemClock,
    http::{BODY_LIMIT_BYTES, serve},
    sql::{Database, Migration, Spin},
};

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
pub trait Service: Sized + 'static {
    /// The largest body that its routes read.
    const BODY_LIMIT_BYTES: usize = BODY_LIMIT_BYTES;

    /// Something was asked of it and has been done; nobody waits for what this starts.
    fn after_call(&'static self) {}
}

impl<S: 'static> Service for App<S> {}

/// A service while it does what one caller asked.
pub struct Call<A: Service>(&'static A);

impl<A: Service> Call<A> {
    pub fn to(service: &'static A) -> Self {
        Self(service)
    }
}

impl<A: Service> Deref for Call<A> {
    type Target = A;

    fn deref(&self) -> &A {
        self.0
    }
}

impl<A: Service> Drop for Call<A> {
    fn drop(&mut self) {
        self.0.after_call();
    }
}

/// What the component lends to its typed interface: `impl<E: Exported> Guest for E where E::Store: Store`.
pub trait Exported: 'static {
    type Store: 'static;

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
        serve(request, A::BODY_LIMIT_BYTES, async |request| self.router.handle(&call, request).await).await
    }
}
