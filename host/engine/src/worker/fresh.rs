//! One request in an instance of WASI 0.2.
//!
//! Such a guest blocks its instance while it writes its body, so the head of the answer must leave from within its call:
//! nothing else of this instance is polled until then.

use super::body::{self, Death};
use crate::http_client::Body;
use crate::job::{HttpFailure, HttpReply};
use crate::state::State;
use futures::FutureExt;
use futures::future::{BoxFuture, Either, select};
use std::future::poll_fn;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use wasmtime::AsContextMut;
use wasmtime::component::{Accessor, GuestTaskId};
use wasmtime_wasi_http::WasiHttpView;
use wasmtime_wasi_http::p2::bindings::Proxy;
use wasmtime_wasi_http::p2::bindings::http::types::Scheme;

/// Calls the guest's handler. The future resolves when it returns; by then the reply was sent, by the guest or for it.
/// False: whoever asked has gone before there was an answer.
pub(super) fn start<'a>(
    accessor: &'a Accessor<State>,
    guest: &'a Proxy,
    request: http::Request<Body>,
    reply: HttpReply,
    death: Death,
) -> wasmtime::Result<(GuestTaskId, BoxFuture<'a, wasmtime::Result<bool>>)> {
    let reply = Arc::new(Mutex::new(Some(reply)));
    let from_within = Arc::clone(&reply);
    let call = accessor.with(|mut access| {
        let mut store = access.as_context_mut();
        let request = store.data_mut().http().new_incoming_request(Scheme::Http, request)?;
        let out = store.data_mut().http().new_response_outparam_from_callback(move |answer| {
            let answer = answer.map(|response| body::guard(response, &death, None));
            send(&from_within, answer.map_err(Into::into));
        })?;
        guest.wasi_http_incoming_handler().func_handle().start_call_concurrent(store, (request, out))
    })?;
    let task = call.task();
    let finish = async move {
        let mut gone = pin!(poll_fn(|context| poll_gone(&reply, context)));
        let handler = guest.wasi_http_incoming_handler().func_handle();
        let returned = match select(pin!(handler.finish_call_concurrent(accessor, call)), gone.as_mut()).await {
            Either::Left((returned, _)) => returned,
            Either::Right(((), _)) => return Ok(false),
        };
        let failure = match &returned {
            Ok(()) => HttpFailure::Guest("the handler set no response".to_owned()),
            Err(_trap) => HttpFailure::Crashed,
        };
        send(&reply, Err(failure.into()));
        returned.map(|()| true)
    };
    Ok((task, finish.boxed()))
}

/// Ready when nobody waits for the answer. Once that is sent, the guest learns by its body that nobody reads on.
fn poll_gone(reply: &Mutex<Option<HttpReply>>, context: &mut Context<'_>) -> Poll<()> {
    match reply.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
        Some(reply) => reply.poll_canceled(context),
        None => Poll::Pending,
    }
}

/// The first answer counts.
fn send(reply: &Mutex<Option<HttpReply>>, answer: wasmtime::Result<http::Response<Body>>) {
    if let Some(reply) = reply.lock().unwrap_or_else(PoisonError::into_inner).take() {
        drop(reply.send(answer));
    }
}
