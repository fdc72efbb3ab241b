//! What the services' native tests run on: the real SQL in memory, a clock that is set, and an executor that interleaves.

mod instance;
mod memory;
mod plan;

use std::{
    cell::Cell,
    pin::pin,
    task::{Context as TaskContext, Poll, Waker},
};

use ::http::{HeaderMap, HeaderValue, Method};

pub use instance::Instance;
pub use memory::{Memory, yield_once};

#[doc(inline)]
pub use crate::component_for_tests as component;
pub use plan::assert_uses_indexes;

use crate::{Clock, Micros, Request, Response, context};

/// A clock that stands still until it is moved.
#[derive(Debug)]
pub struct FixedClock(Cell<Micros>);

impl FixedClock {
    pub fn at(now: Micros) -> Self {
        Self(Cell::new(now))
    }

    pub fn advance(&self, by: Micros) {
        self.0.set(self.0.get() + by);
    }
}

impl Clock for FixedClock {
    fn now(&self) -> Micros {
        self.0.get()
    }
}

/// Runs a future that waits for nothing outside itself; panics when it makes no end, as two transactions in one task do.
pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    let mut task = TaskContext::from_waker(Waker::noop());
    for _ in 0..10_000_000 {
        if let Poll::Ready(value) = future.as_mut().poll(&mut task) {
            return value;
        }
    }
    panic!("the future waits for something that never comes");
}

/// Runs both, changing between them at every statement.
pub async fn both<A, B>(a: impl Future<Output = A>, b: impl Future<Output = B>) -> (A, B) {
    let (mut a, mut b) = (pin!(a), pin!(b));
    let (mut a_done, mut b_done) = (None, None);
    std::future::poll_fn(move |task| {
        if a_done.is_none()
            && let Poll::Ready(value) = a.as_mut().poll(task)
        {
            a_done = Some(value);
        }
        if b_done.is_none()
            && let Poll::Ready(value) = b.as_mut().poll(task)
        {
            b_done = Some(value);
        }
        match (a_done.take(), b_done.take()) {
            (Some(a), Some(b)) => Poll::Ready((a, b)),
            (a, b) => {
                (a_done, b_done) = (a, b);
                Poll::Pending
            }
        }
    })
    .await
}

/// A request as the gateway forwards it: tenant `default`, every right.
pub fn request(method: Method, path_and_query: &str, body: impl Into<Vec<u8>>) -> Request {
    let (path, query) = path_and_query.split_once('?').unwrap_or((path_and_query, ""));
    let mut headers = HeaderMap::new();
    for (name, value) in [(context::TENANT, "default"), (context::PRINCIPAL, "key:test"), (context::SCOPES, "*")] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    let (path, raw_query) = (path.to_owned(), query.to_owned());
    Request { method, path, raw_query, headers, body: body.into(), ..Request::default() }
}

/// An event of tenant `default`, as the platform delivers it.
pub fn event(id: &str, kind: &str, subject: &str, data: &serde_json::Value) -> Request {
    let mut headers = HeaderMap::new();
    let attributes = [
        ("ce-specversion", "1.0"),
        ("ce-id", id),
        ("ce-source", "/components/test"),
        ("ce-type", kind),
        ("ce-subject", subject),
        ("ce-tenant", "default"),
        ("ce-time", "2025-06-08T20:59:43.000Z"),
    ];
    for (name, value) in attributes {
        headers.insert(name, HeaderValue::from_str(value).expect("an attribute is plain text"));
    }
    let body = data.to_string().into_bytes();
    Request { method: Method::POST, path: "/events".to_owned(), headers, body, ..Request::default() }
}

/// The JSON in an answer.
pub fn json(response: &Response) -> serde_json::Value {
    serde_json::from_slice(response.body()).expect("the answer is JSON")
}
