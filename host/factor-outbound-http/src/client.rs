//! Decides where a component's request goes: to another component in process, out through its pooled client, or nowhere.

use crate::connector::{ConnectError, Connector};
use crate::networks::SpecialNetworks;
use futures::future::BoxFuture;
use http::{HeaderName, Request, Response};
use http_body_util::BodyExt;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::{Client, Error as ClientError};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use kobliat_engine::{Body, CallContext, HttpClient, HttpFailure, PlatformAnswer, SendError, Sending};
use kobliat_manifest::{AllowedHosts, default_port};
use std::collections::HashMap;
use std::error::Error as StdError;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};
use tracing::{debug, warn};
use wasmtime_wasi_http::RequestOptions;

/// The suffix of the components' own hosts.
const INTERNAL: &str = ".spin.internal";
/// The suffix of the platform's own hosts.
const PLATFORM: &str = ".kobliat.internal";

/// An idle connection is worth keeping this long: most servers close at about a minute.
const IDLE: Duration = Duration::from_secs(45);
const IDLE_PER_HOST: usize = 32;

/// Answers requests to `<id>.spin.internal` and `<name>.kobliat.internal` without a socket.
pub trait VirtualHosts: Send + Sync + 'static {
    /// `None` when no component of that id serves HTTP.
    fn request(
        &self,
        component: &str,
        caller: CallContext,
        request: Request<Body>,
    ) -> Option<BoxFuture<'static, Result<Response<Body>, HttpFailure>>>;

    /// Asks the platform's host `name` on behalf of `component`; `None` when there is no such host.
    fn platform(
        &self,
        name: &str,
        component: &str,
        caller: CallContext,
        request: Request<Body>,
    ) -> Option<PlatformAnswer>;
}

/// Makes the clients of instances. A component's instances share connections; components never do, so that what one
/// may reach is no way for another.
pub struct OutboundHttp {
    components: HashMap<String, Arc<Outbound>>,
    hosts: Arc<dyn VirtualHosts>,
}

struct Outbound {
    component: String,
    allowed: Arc<AllowedHosts>,
    client: Client<HttpsConnector<Connector>, Body>,
    told: AtomicBool,
}

impl OutboundHttp {
    /// `allowed` has every component; one that is missing reaches nothing.
    pub fn new(allowed: HashMap<String, AllowedHosts>, hosts: Arc<dyn VirtualHosts>) -> Self {
        let special = Arc::new(SpecialNetworks::default());
        let components = allowed.into_iter().map(|(component, allowed)| {
            let outbound = Outbound::new(component.clone(), Arc::new(allowed), Arc::clone(&special));
            (component, Arc::new(outbound))
        });
        Self { components: components.collect(), hosts }
    }

    /// The client of a new instance of `component`.
    pub fn client(&self, component: &str) -> Box<dyn HttpClient> {
        match self.components.get(component) {
            Some(outbound) => {
                Box::new(InstanceClient { outbound: Arc::clone(outbound), hosts: Arc::clone(&self.hosts) })
            }
            None => Box::new(NoClient),
        }
    }
}

impl Outbound {
    fn new(component: String, allowed: Arc<AllowedHosts>, special: Arc<SpecialNetworks>) -> Self {
        let connector = Connector::new(Arc::clone(&allowed), special);
        let https = HttpsConnectorBuilder::new().with_webpki_roots().https_or_http().enable_http1();
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .pool_max_idle_per_host(IDLE_PER_HOST)
            .build(https.wrap_connector(connector));
        Self { component, allowed, client, told: AtomicBool::new(false) }
    }

    /// Says once which line is missing; the guest sees `HTTP-request-denied` each time.
    fn deny(&self, scheme: &str, host: &str, port: u16) -> SendError {
        let url = if default_port(scheme) == Some(port) {
            format!("{scheme}://{host}")
        } else {
            format!("{scheme}://{host}:{port}")
        };
        let component = &self.component;
        if !self.told.swap(true, Relaxed) {
            warn!(%component, "component `{component}` may not reach `{url}`: add \"{url}\" to allowed_outbound_hosts of [component.{component}] in spin.toml");
        }
        SendError::HttpRequestDenied
    }
}

struct InstanceClient {
    outbound: Arc<Outbound>,
    hosts: Arc<dyn VirtualHosts>,
}

impl HttpClient for InstanceClient {
    fn send(&mut self, context: CallContext, request: Request<Body>, options: Option<RequestOptions>) -> Sending {
        let uri = request.uri();
        let (Some(scheme), Some(host)) = (uri.scheme_str().map(str::to_owned), uri.host().map(str::to_ascii_lowercase))
        else {
            return failed(SendError::HttpRequestUriInvalid);
        };
        let port = uri.port_u16().or_else(|| default_port(&scheme)).unwrap_or(0);
        if !self.outbound.allowed.allows(&scheme, &host, port) {
            return failed(self.outbound.deny(&scheme, &host, port));
        }
        if let Some(component) = host.strip_suffix(INTERNAL) {
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
}

async fn send_out(
    outbound: Arc<Outbound>,
    context: CallContext,
    mut request: Request<Body>,
    options: Option<RequestOptions>,
) -> Result<Response<Body>, SendError> {
    strip_platform_headers(&mut request);
    let deadline = deadline(&context, options.as_ref());
    match tokio::time::timeout_at(deadline.into(), outbound.client.request(request)).await {
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
        Some(wanted) => context.deadline.min(Instant::now() + wanted),
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
struct NoClient;

impl HttpClient for NoClient {
    fn send(&mut self, _context: CallContext, _request: Request<Body>, _options: Option<RequestOptions>) -> Sending {
        failed(SendError::HttpRequestDenied)
    }
}

fn failed(error: SendError) -> Sending {
    Box::pin(async move { Err(error) })
}
