//! Outbound HTTP as the engine sees it: a guest's request leaves with the context of the request that caused it.

use crate::context::CallContext;
use crate::state::{State, current_context};
use http::HeaderName;
use std::pin::Pin;
use std::sync::{Arc, LazyLock};
use wasmtime::AsContextMut;
use wasmtime::component::{Accessor, Linker, Resource};
use wasmtime_wasi_http::p3::bindings::http::client::HostWithStore;
use wasmtime_wasi_http::p3::bindings::http::types;
use wasmtime_wasi_http::p3::{Request, Response};
use wasmtime_wasi_http::{
    DEFAULT_FORBIDDEN_HEADERS, ForbiddenHeaderFilter, RequestOptions, WasiBody, WasiHttp, WasiHttpHooks, WasiHttpView,
};

/// The body of a request or response, streamed.
pub type Body = WasiBody;

/// Why a guest's request failed; becomes the `error-code` that the guest sees.
pub type SendError = wasmtime_wasi_http::Error;

/// The answer to a guest's request, some time later.
pub type Sending = Pin<Box<dyn Future<Output = Result<http::Response<Body>, SendError>> + Send>>;

/// Sends the requests of one instance; what the outbound-HTTP factor implements.
pub trait HttpClient: Send + Sync {
    fn send(&mut self, context: CallContext, request: http::Request<Body>, options: Option<RequestOptions>) -> Sending;
}

/// The most that the host takes at once of a body that a guest writes, and so what it holds of each.
pub const BODY_CHUNK: usize = 256 << 10;

type ProcessingError = Box<dyn Future<Output = Result<(), SendError>> + Send>;

/// Where `wasi:http` hands over a request: it knows the instance, and [`send`] has just told it the request's context.
pub(crate) struct Hooks {
    client: Box<dyn HttpClient>,
    current: Option<CallContext>,
    /// The context of the one request of a WASI 0.2 instance, whose requests do not pass through [`send`].
    only: Option<CallContext>,
    /// The instance holds too much already: its header fields take nothing more.
    full: bool,
}

impl Hooks {
    pub(crate) fn new(client: Box<dyn HttpClient>) -> Self {
        Self { client, current: None, only: None, full: false }
    }

    pub(crate) fn refuse_fields(&mut self) {
        self.full = true;
    }

    pub(crate) fn serve_only(&mut self, context: CallContext) {
        self.only = Some(context);
    }
}

/// Wasmtime's own list, made once: its default makes the list anew for every header of every request and answer.
static FORBIDDEN: LazyLock<ForbiddenHeaderFilter> = LazyLock::new(|| {
    let names = DEFAULT_FORBIDDEN_HEADERS;
    Arc::new(move |name| names.contains(name))
});

impl WasiHttpHooks for Hooks {
    fn is_forbidden_header(&mut self, name: &HeaderName) -> bool {
        self.full || FORBIDDEN(name)
    }

    /// What waits for the reader of a body that a guest writes.
    fn p2_outgoing_body_chunk_size(&mut self) -> usize {
        BODY_CHUNK
    }

    fn p3_outgoing_body_chunk_size(&mut self) -> usize {
        BODY_CHUNK
    }

    fn forbidden_header_filter(&mut self) -> ForbiddenHeaderFilter {
        Arc::clone(&FORBIDDEN)
    }

    fn send_request(
        &mut self,
        request: http::Request<Body>,
        options: Option<RequestOptions>,
        _processing_error: ProcessingError,
    ) -> Box<dyn Future<Output = wasmtime_wasi_http::Result<(http::Response<Body>, ProcessingError)>> + Send> {
        let context = self.current.take().or_else(|| self.only.clone()).unwrap_or_else(CallContext::detached);
        let sending = self.client.send(context, request, options);
        Box::new(async move { Ok((sending.await?, Box::new(async { Ok(()) }) as ProcessingError)) })
    }
}

/// Adds `wasi:http/types` and the client's interface of both WASI generations to the linker.
pub(crate) fn add_to_linker(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    wasmtime_wasi_http::p2::add_only_http_to_linker_async(linker)?;
    types::add_to_linker::<_, WasiHttp>(linker, State::http)?;
    linker.instance("wasi:http/client@0.3.0")?.func_wrap_concurrent(
        "send",
        |accessor: &Accessor<State>, (request,): (Resource<Request>,)| {
            Box::pin(async move { Ok((send(accessor, request).await?,)) })
        },
    )
}

/// `wasi:http/client.send`, which first notes for whom: the request is handed to [`Hooks`] within the same poll.
async fn send(
    accessor: &Accessor<State>,
    request: Resource<Request>,
) -> wasmtime::Result<Result<Resource<Response>, types::ErrorCode>> {
    accessor.with(|mut access| {
        let context = current_context(access.as_context_mut());
        access.data_mut().hooks().current = Some(context);
    });
    let accessor = accessor.with_getter::<WasiHttp>(State::http);
    match <WasiHttp as HostWithStore<State>>::send(&accessor, request).await {
        Ok(response) => Ok(Ok(response)),
        Err(error) => Ok(Err(error.downcast()?)),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Sends nothing.
    pub(crate) struct Nobody;

    impl HttpClient for Nobody {
        fn send(&mut self, _: CallContext, _: http::Request<Body>, _: Option<RequestOptions>) -> Sending {
            Box::pin(async { Err(SendError::HttpRequestDenied) })
        }
    }

    #[test]
    fn who_holds_too_much_gets_no_more_fields() {
        let mut hooks = Hooks::new(Box::new(Nobody));
        assert!(!hooks.is_forbidden_header(&http::header::ACCEPT));
        assert!(hooks.is_forbidden_header(&http::header::CONNECTION));
        hooks.refuse_fields();
        assert!(hooks.is_forbidden_header(&http::header::ACCEPT));
    }
}
