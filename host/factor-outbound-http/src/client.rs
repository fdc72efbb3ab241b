//! Decides where a component's request goes: to another component in process, out through its pooled client, or nowhere.

use crate::body::{hold, read_on};
use crate::connector::ConnectError;
use crate::outbound::{ANSWER_BUFFER, Outbound};
use futures::future::BoxFuture;
use http::{HeaderName, HeaderValue, Request, Response, Uri};
use http_body::Body as _;
use http_body_util::BodyExt;
use hyper_util::client::legacy::Error as ClientError;
use kobliat_engine::http_client::BODY_CHUNK;
use kobliat_engine::{
    Allowance, Body, CallContext, Held, HttpClient, HttpFailure, PlatformAnswer, SendError, Sending, pause, trace,
};
use kobliat_manifest::default_port;
use kobliat_telemetry::{Span, Trace};
use std::error::Error as StdError;
use std::sync::Arc;
use std::time::Instant;
use tracing::debug;
use wasmtime_wasi_http::RequestOptions;

/// The suffix of the components' own hosts.
const INTERNAL: &str = ".spin.internal";
/// The suffix of the platform's own hosts.
const PLATFORM: &str = ".kobliat.internal";
/// Which component sends a request to another. Only the host says it.
const CALLER: HeaderName = HeaderName::from_static("kobliat-caller");

/// Answers requests to `<id>.spin.internal` and `<name>.kobliat.internal` without a socket.
pub trait VirtualHosts: Send + Sync + 'static {
    /// `None` when no component of that id serves HTTP.
    fn request(
        &self,
        component: &str,
        caller: CallContext,
        request: Request<Body>,
    ) -> Option<BoxFuture<'static, Result<Response<Body>, HttpFailure>>>;

    /// Asks the application's own public routes.
    fn to_self(
        &self,
        caller: CallContext,
        request: Request<Body>,
    ) -> BoxFuture<'static, Result<Response<Body>, HttpFailure>>;

    /// Asks the platform's host `name` on behalf of `component`; `None` when there is no such host.
    fn platform(
        &self,
        name: &str,
        component: &str,
        caller: CallContext,
        request: Request<Body>,
    ) -> Option<PlatformAnswer>;
}

/// The scheme of a request to the application itself: `http://self.alt/…`, or a URL without a host.
fn to_self(uri: &Uri) -> Option<String> {
    let is_self = uri.host().is_none_or(|host| ["self", "self.alt"].iter().any(|one| host.eq_ignore_ascii_case(one)));
    is_self.then(|| uri.scheme_str().unwrap_or("http").to_owned())
}

/// Whether the request stays in this platform: the application itself, a component, or a host of the platform's own.
fn is_internal(uri: &Uri) -> bool {
    let is_suffixed = |host: String| host.ends_with(INTERNAL) || host.ends_with(PLATFORM);
    to_self(uri).is_some() || uri.host().map(str::to_ascii_lowercase).is_some_and(is_suffixed)
}

/// The client of one instance.
pub(crate) struct InstanceClient {
    pub outbound: Arc<Outbound>,
    pub hosts: Arc<dyn VirtualHosts>,
    /// What the host may hold for the instance.
    pub allowance: Allowance,
    /// It only probes a new version: GET, HEAD and their like are all that it may send.
    pub probing: bool,
}

impl HttpClient for InstanceClient {
    fn send(
        &mut self,
        mut context: CallContext,
        mut request: Request<Body>,
        options: Option<RequestOptions>,
    ) -> Sending {
        request = request.map(read_on);
        if self.probing && !request.method().is_safe() {
            return failed(SendError::HttpRequestDenied);
        }
        let Ok(held) = self.allowance.take(weight(&request)) else { return failed(SendError::ConnectionLimitReached) };
        let span = outgoing(&context.trace, &mut request);
        if !span.is_recorded() {
            return Box::pin(counted(held, self.dispatch(context, request, options)));
        }
        context.trace = span.trace();
        let sending = self.dispatch(context, request, options);
        Box::pin(counted(held, traced(span, sending)))
    }
}

/// What the host holds of an exchange: its head, a piece of its body, and what is read of the answer before the guest takes it.
fn weight(request: &Request<Body>) -> usize {
    let head: usize = request.headers().iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    let body = if request.body().is_end_stream() { 0 } else { BODY_CHUNK };
    head + body + ANSWER_BUFFER
}

/// The exchange counts until the end of its answer.
async fn counted(
    held: Held,
    sending: impl Future<Output = Result<Response<Body>, SendError>>,
) -> Result<Response<Body>, SendError> {
    Ok(sending.await?.map(|body| hold(body, held)))
}

impl InstanceClient {
    fn dispatch(&self, context: CallContext, mut request: Request<Body>, options: Option<RequestOptions>) -> Sending {
        let uri = request.uri();
        if let Some(scheme) = to_self(uri) {
            return self.send_to_self(&scheme, context, request);
        }
        let (Some(scheme), Some(host)) = (uri.scheme_str().map(str::to_owned), uri.host().map(str::to_ascii_lowercase))
        else {
            return failed(SendError::HttpRequestUriInvalid);
        };
        let port = uri.port_u16().or_else(|| default_port(&scheme)).unwrap_or(0);
        if !self.outbound.policy.allowed().allows(&scheme, &host, port) {
            return failed(self.outbound.deny(&scheme, &host, port));
        }
        if let Some(component) = host.strip_suffix(INTERNAL) {
            self.name_caller(&mut request);
            return match self.hosts.request(component, context, request) {
                Some(answer) => Box::pin(async move { answer.await.map_err(internal_error) }),
                None => failed(SendError::DestinationNotFound),
            };
        }
        // The platform's own hosts (events, admin) are not sockets; a name service must not decide what they are.
        if let Some(name) = host.strip_suffix(PLATFORM) {
            return match self.hosts.platform(name, &self.outbound.component, context, request) {
                Some(answer) => Box::pin(async move { answer.await.map_err(internal_error) }),
                None => failed(SendError::DestinationNotFound),
            };
        }
        Box::pin(send_out(Arc::clone(&self.outbound), context, request, options))
    }

    /// So that a component can lend to one caller what it lends to no other.
    fn name_caller(&self, request: &mut Request<Body>) {
        request.headers_mut().remove(CALLER);
        request.headers_mut().extend(HeaderValue::from_str(&self.outbound.component).ok().map(|id| (CALLER, id)));
    }

    fn send_to_self(&self, scheme: &str, context: CallContext, request: Request<Body>) -> Sending {
        if !self.outbound.policy.allowed().allows_self(scheme) {
            return failed(self.outbound.deny(scheme, "self", default_port(scheme).unwrap_or(80)));
        }
        let answer = self.hosts.to_self(context, request);
        Box::pin(async move { answer.await.map_err(internal_error) })
    }
}

/// Neither path nor query: providers put tokens (Telegram) and customers' numbers there.
fn outgoing(trace: &Trace, request: &mut Request<Body>) -> Span {
    let method = request.method().clone();
    let is_internal = is_internal(request.uri());
    let mut span = trace::outgoing(trace, request.headers_mut(), is_internal, || method.to_string());
    if span.is_recorded() {
        let uri = request.uri();
        span.set("http.request.method", method.as_str());
        span.set("server.address", uri.host().unwrap_or("self"));
        if let Some(port) = uri.port_u16().or_else(|| default_port(uri.scheme_str()?)) {
            span.set("server.port", port);
        }
    }
    span
}

async fn traced(mut span: Span, sending: Sending) -> Result<Response<Body>, SendError> {
    let answer = sending.await;
    match &answer {
        Ok(response) => {
            span.set("http.response.status_code", response.status().as_u16());
            if response.status().is_client_error() || response.status().is_server_error() {
                span.fail(response.status());
            }
        }
        Err(error) => span.fail(error),
    }
    answer
}

async fn send_out(
    outbound: Arc<Outbound>,
    context: CallContext,
    mut request: Request<Body>,
    options: Option<RequestOptions>,
) -> Result<Response<Body>, SendError> {
    strip_platform_headers(&mut request);
    let client = outbound.client_for(request.uri().host().unwrap_or_default());
    let deadline = deadline(&context, options.as_ref());
    match pause::timeout_at(deadline, client.request(request)).await {
        Err(_elapsed) => Err(SendError::HttpResponseTimeout),
        Ok(Ok(response)) => Ok(response.map(|body| body.map_err(SendError::from).boxed_unsync())),
        Ok(Err(error)) => {
            let component = &outbound.component;
            debug!(%component, request_id = %context.request_id, "a request of component `{component}` failed: {error}");
            Err(external_error(&error))
        }
    }
}

/// Nobody waits for an answer after the deadline of the request that asked; a guest may want it sooner.
fn deadline(context: &CallContext, options: Option<&RequestOptions>) -> Instant {
    let wanted = options
        .map(|options| options.connect_timeout.unwrap_or_default() + options.first_byte_timeout.unwrap_or_default());
    match wanted.filter(|wanted| !wanted.is_zero()) {
        Some(wanted) => context.deadline.min(pause::now() + wanted),
        None => context.deadline,
    }
}

/// What the gateway found out about a caller is nobody else's business.
fn strip_platform_headers(request: &mut Request<Body>) {
    let ours = |name: &&HeaderName| name.as_str().starts_with("kobliat-");
    let names: Vec<HeaderName> = request.headers().keys().filter(ours).cloned().collect();
    for name in names {
        request.headers_mut().remove(name);
    }
}

fn internal_error(failure: HttpFailure) -> SendError {
    match failure {
        HttpFailure::Overloaded | HttpFailure::Stopped | HttpFailure::Start(_) => SendError::DestinationUnavailable,
        HttpFailure::Timeout => SendError::HttpResponseTimeout,
        HttpFailure::Crashed | HttpFailure::Guest(_) => SendError::HttpResponseIncomplete,
        HttpFailure::TooDeep => SendError::HttpRequestDenied,
        HttpFailure::BodyTooLarge => SendError::HttpRequestBodySize(None),
    }
}

fn external_error(error: &ClientError) -> SendError {
    let mut cause: Option<&(dyn StdError + 'static)> = error.source();
    while let Some(current) = cause {
        if let Some(error) = current.downcast_ref::<ConnectError>() {
            return connect_error(error);
        }
        if current.is::<rustls::Error>() {
            return SendError::TlsProtocolError;
        }
        cause = current.source();
    }
    if error.is_connect() { SendError::ConnectionRefused } else { SendError::HttpProtocolError }
}

fn connect_error(error: &ConnectError) -> SendError {
    match error {
        ConnectError::NoHost => SendError::HttpRequestUriInvalid,
        ConnectError::Resolve { .. } => SendError::DnsError { rcode: None, info_code: None },
        ConnectError::Prohibited { .. } => SendError::DestinationIpProhibited,
        ConnectError::Connect(_) => SendError::ConnectionRefused,
        ConnectError::Timeout => SendError::ConnectionTimeout,
    }
}

/// For a component that the factor does not know: it reaches nothing.
pub(crate) struct NoClient;

impl HttpClient for NoClient {
    fn send(&mut self, _context: CallContext, _request: Request<Body>, _options: Option<RequestOptions>) -> Sending {
        failed(SendError::HttpRequestDenied)
    }
}

fn failed(error: SendError) -> Sending {
    Box::pin(async move { Err(error) })
}
