//! One job inside an instance: from the call of the export to the answer.

use super::body::{self, Death};
use super::fresh;
use super::{ComponentSpec, Deadline};
use crate::context::CallContext;
use crate::handler::Handler;
use crate::http_client::Body;
use crate::job::{CallError, CallReply, HttpReply, Job, Work};
use crate::pool::Ticket;
use crate::state::State;
use futures::FutureExt;
use futures::channel::oneshot;
use futures::future::BoxFuture;
use wasmtime::component::{Accessor, Func, GuestTaskId, Val};
use wasmtime::{AsContextMut, Store};
use wasmtime_wasi_http::WasiHttpView;
use wasmtime_wasi_http::handler::{Prepared, Proxy};
use wasmtime_wasi_http::p2::bindings::Proxy as IncomingProxy;
use wasmtime_wasi_http::p3::bindings::Service;

/// Resolves to the job's deadline; an error means that the instance is dead.
pub(super) type InFlight<'a> = BoxFuture<'a, wasmtime::Result<Deadline>>;

/// What the host may call of an instance.
pub(super) struct Exports {
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
    job: Job,
    ticket: Ticket,
) -> wasmtime::Result<InFlight<'a>> {
    let Job { context, work } = job;
    let deadline = context.deadline;
    let (request, reply) = match work {
        Work::Http { request, reply } => (request, reply),
        Work::Call { function, params, reply } => {
            return Ok(async move {
                let _ticket = ticket;
                call(accessor, exports, function, params, reply, context).await?;
                Ok(deadline)
            }
            .boxed());
        }
    };
    if let Some(Proxy::P2(guest)) = &exports.proxy {
        let (task, finish) = fresh::start(accessor, guest, *request, reply, exports.death.clone())?;
        accessor.with(|mut access| access.data_mut().start_alone(task, context));
        return Ok(async move {
            let _ticket = ticket;
            finish.await?;
            Ok(deadline)
        }
        .boxed());
    }
    let (head, answered) = oneshot::channel();
    let prepared = prepare(accessor, exports, *request, head)?;
    let task = task_of(&prepared);
    accessor.with(|mut access| access.data_mut().start_task(task, context));
    Ok(async move {
        let _ticket = ticket;
        prepared.run(accessor, std::future::pending()).await?;
        if let Ok(answer) = answered.await {
            drop(reply.send(answer.map(|response| body::guard(response, &exports.death))));
        }
        accessor.with(|mut access| access.data_mut().finish_task(task));
        Ok(deadline)
    }
    .boxed())
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

async fn call(
    accessor: &Accessor<State>,
    exports: &Exports,
    function: usize,
    params: Vec<Val>,
    reply: CallReply,
    context: CallContext,
) -> wasmtime::Result<()> {
    let Some(&Some(function)) = exports.functions.get(function) else {
        drop(reply.send(Err(CallError::Start("the function is not exported".into()))));
        return Ok(());
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
            return Ok(());
        }
    };
    let task = call.task();
    function.finish_call_concurrent(accessor, call).await?;
    accessor.with(|mut access| access.data_mut().finish_task(task));
    drop(reply.send(Ok(results)));
    Ok(())
}
