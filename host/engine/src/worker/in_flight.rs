//! One job inside an instance: from the call of the export to the answer.

use super::body::{self, Death};
use super::fresh;
use super::streams::Stream;
use super::watch::Watch;
use super::{ComponentSpec, Deadline};
use crate::context::CallContext;
use crate::handler::Handler;
use crate::http_client::Body;
use crate::job::{CallError, CallReply, HttpReply, Job, Work};
use crate::pool::Ticket;
use crate::state::State;
use futures::FutureExt;
use futures::channel::oneshot;
use futures::future::{BoxFuture, Either, select};
use http_body::Body as _;
use kobliat_telemetry::{Span, SpanKind};
use std::pin::pin;
use std::sync::Arc;
use wasmtime::component::{Accessor, Func, GuestTaskId, Val};
use wasmtime::{AsContextMut, Store};
use wasmtime_wasi_http::WasiHttpView;
use wasmtime_wasi_http::handler::{Prepared, Proxy};
use wasmtime_wasi_http::p2::bindings::Proxy as IncomingProxy;
use wasmtime_wasi_http::p3::bindings::Service;

/// Resolves when the job is done, but for the body of its answer; an error means that the instance is dead.
pub(super) type InFlight<'a> = BoxFuture<'a, wasmtime::Result<Ended>>;

/// How a job left the instance.
pub(super) enum Ended {
    /// It was answered; the answer's body may still be on its way.
    Answered,
    /// Nobody waits for the answer any more, and the guest still works on it.
    Abandoned,
}

/// What the host may call of an instance.
pub(super) struct Exports {
    component: Arc<str>,
    proxy: Option<Proxy>,
    functions: Vec<Option<Func>>,
    any: Func,
    death: Death,
}

impl Exports {
    pub async fn instantiate(spec: &ComponentSpec, store: &mut Store<State>) -> wasmtime::Result<Self> {
        let instance = spec.pre.instantiate_async(&mut *store).await?;
        let mut functions = Vec::with_capacity(spec.functions.len());
        for index in &spec.functions {
            let function = index.as_ref().and_then(|index| instance.get_func(&mut *store, index));
            functions.push(function);
        }
        let proxy = match spec.handler {
            Some(Handler::Wasi03) => Some(Proxy::P3(Service::new(&mut *store, &instance)?)),
            Some(Handler::Wasi02) => Some(Proxy::P2(IncomingProxy::new(&mut *store, &instance)?)),
            None => None,
        };
        let any = proxy.as_ref().map(handler_of).or_else(|| functions.iter().flatten().next().copied());
        Ok(Self {
            component: Arc::clone(&spec.id),
            any: any.ok_or_else(|| wasmtime::format_err!("exports nothing to call"))?,
            proxy,
            functions,
            death: Death::default(),
        })
    }

    /// The instance is dead; say so before its store is dropped.
    pub fn note_death(&self) {
        self.death.note();
    }

    pub fn any_function(&self) -> Func {
        self.any
    }
}

/// Starts the job in the instance. An error means that the instance can not go on.
pub(super) fn start<'a>(
    accessor: &'a Accessor<State>,
    exports: &'a Exports,
    watch: &'a Watch,
    job: Job,
    ticket: Ticket,
) -> wasmtime::Result<InFlight<'a>> {
    let Job { mut context, work } = job;
    let span = execution(exports, &mut context);
    watch.started(context.deadline);
    let running = Running { watch, deadline: context.deadline, span, ticket };
    match (work, &exports.proxy) {
        (Work::Call { function, params, reply }, _) => {
            Ok(call(accessor, exports, Call { function, params, reply, context }, running).boxed())
        }
        (Work::Http { request, reply }, Some(Proxy::P2(guest))) => {
            let (task, finish) = fresh::start(accessor, guest, *request, reply, exports.death.clone())?;
            accessor.with(|mut access| access.data_mut().start_alone(task, context));
            Ok(async move { Ok(running.end(finish.await?)) }.boxed())
        }
        (Work::Http { request, reply }, _) => {
            let (head, answered) = oneshot::channel();
            let prepared = prepare(accessor, exports, *request, head)?;
            let task = task_of(&prepared);
            accessor.with(|mut access| access.data_mut().start_task(task, context));
            Ok(http(accessor, exports, Prepare { prepared, task, answered, reply }, running).boxed())
        }
    }
}

/// The span of what the component does, as Spin calls it.
fn execution(exports: &Exports, context: &mut CallContext) -> Span {
    let component = &exports.component;
    let mut span = context.trace.span(SpanKind::Internal, || format!("execute_wasm_component {component}"));
    if span.is_recorded() {
        span.set("kobliat.component", &**component);
        span.fail("the instance died, or its request was given up");
        context.trace = span.trace();
    }
    span
}

/// What a job holds while it runs: its place, its deadline and its span.
struct Running<'a> {
    watch: &'a Watch,
    deadline: Deadline,
    span: Span,
    ticket: Ticket,
}

impl Running<'_> {
    /// From now on only the body of its answer is on its way.
    fn stream(self) -> Stream {
        let stream = self.watch.streams().begin(self.span, self.ticket);
        self.watch.finished(self.deadline);
        stream
    }

    fn end(mut self, answered: bool) -> Ended {
        self.watch.finished(self.deadline);
        if answered {
            self.span.succeed();
            Ended::Answered
        } else {
            Ended::Abandoned
        }
    }
}

struct Prepare<'a> {
    prepared: Prepared<'a, State>,
    task: GuestTaskId,
    answered: oneshot::Receiver<wasmtime::Result<http::Response<Body>>>,
    reply: HttpReply,
}

async fn http(
    accessor: &Accessor<State>,
    exports: &Exports,
    request: Prepare<'_>,
    running: Running<'_>,
) -> wasmtime::Result<Ended> {
    let Prepare { prepared, task, answered, mut reply } = request;
    if !prepared.run(accessor, reply.cancellation()).await? {
        return Ok(running.end(false));
    }
    accessor.with(|mut access| access.data_mut().finish_task(task));
    let Ok(answer) = answered.await else { return Ok(running.end(true)) };
    // One whose client has gone is dropped here, and its body with it.
    match answer {
        Ok(response) if !response.body().is_end_stream() => {
            let stream = running.stream();
            drop(reply.send(Ok(body::guard(response, &exports.death, Some(stream)))));
            Ok(Ended::Answered)
        }
        answer => {
            drop(reply.send(answer.map(|response| body::guard(response, &exports.death, None))));
            Ok(running.end(true))
        }
    }
}

fn handler_of(proxy: &Proxy) -> Func {
    match proxy {
        Proxy::P2(proxy) => *proxy.wasi_http_incoming_handler().func_handle().func(),
        Proxy::P3(service) => *service.wasi_http_handler().func_handle().func(),
    }
}

fn prepare<'a>(
    accessor: &Accessor<State>,
    exports: &'a Exports,
    request: http::Request<Body>,
    reply: HttpReply,
) -> wasmtime::Result<Prepared<'a, State>> {
    let proxy = exports.proxy.as_ref().ok_or_else(|| wasmtime::format_err!("the component serves no HTTP"))?;
    accessor.with(|mut access| Prepared::new(access.as_context_mut(), proxy, request, State::http, reply))
}

/// `Prepared::task` is private in wasmtime 48, its parts are not.
fn task_of(prepared: &Prepared<'_, State>) -> GuestTaskId {
    match prepared {
        Prepared::P2 { call, .. } => call.task(),
        Prepared::P3 { call, .. } => call.task(),
    }
}

struct Call {
    function: usize,
    params: Vec<Val>,
    reply: CallReply,
    context: CallContext,
}

async fn call(
    accessor: &Accessor<State>,
    exports: &Exports,
    call: Call,
    running: Running<'_>,
) -> wasmtime::Result<Ended> {
    let Call { function, params, mut reply, context } = call;
    let Some(&Some(function)) = exports.functions.get(function) else {
        drop(reply.send(Err(CallError::Start("the function is not exported".into()))));
        return Ok(running.end(true));
    };
    // Every function of a typed interface has one result.
    let mut results = vec![Val::Bool(false)];
    let started = accessor.with(|mut access| {
        let call = function.start_call_concurrent(access.as_context_mut(), &params, &mut results)?;
        access.data_mut().start_task(call.task(), context);
        wasmtime::error::Ok(call)
    });
    let call = match started {
        Ok(call) => call,
        // The parameters do not fit the function: nothing has run yet.
        Err(error) => {
            drop(reply.send(Err(CallError::Start(format!("{error:#}")))));
            return Ok(running.end(true));
        }
    };
    let task = call.task();
    let finished = {
        let finish = pin!(function.finish_call_concurrent(accessor, call));
        match select(finish, pin!(reply.closed())).await {
            Either::Left((finished, _)) => Some(finished),
            Either::Right(((), _)) => None,
        }
    };
    let Some(finished) = finished else { return Ok(running.end(false)) };
    finished?;
    accessor.with(|mut access| access.data_mut().finish_task(task));
    drop(reply.send(Ok(results)));
    Ok(running.end(true))
}
