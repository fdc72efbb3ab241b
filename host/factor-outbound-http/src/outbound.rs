//! Makes the clients: each component its own, with its own connections.

use crate::client::{InstanceClient, NoClient, VirtualHosts};
use crate::connector::Connector;
use crate::tls::ClientTls;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use kobliat_engine::{Allowance, Body, HttpClient, SendError};
use kobliat_manifest::default_port;
use kobliat_outbound_networking::{ConnectionLimits, Policy};
use rustls::ClientConfig;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;
use tracing::warn;

/// An idle connection is worth keeping this long: most servers close at about a minute.
const IDLE: Duration = Duration::from_secs(45);
const IDLE_PER_HOST: usize = 32;

/// What is read of an answer before the guest takes it; its head must fit, too.
pub(crate) const ANSWER_BUFFER: usize = 128 << 10;

/// Makes the clients of instances. A component's instances share connections; components never do, so that what one
/// may reach is no way for another.
pub struct OutboundHttp {
    components: HashMap<String, Arc<Outbound>>,
    hosts: Arc<dyn VirtualHosts>,
}

/// What one component may reach, and how.
#[derive(Default)]
pub struct ComponentHttp {
    pub policy: Policy,
    /// The first entry that names the host rules; hosts that none names trust the usual authorities.
    pub tls: Vec<(Vec<String>, ClientTls)>,
}

/// What all components together may do.
#[derive(Clone)]
pub struct HttpOptions {
    pub limits: ConnectionLimits,
    /// Off opens a connection for each request.
    pub pooling: bool,
}

impl Default for HttpOptions {
    fn default() -> Self {
        Self { limits: ConnectionLimits::default(), pooling: true }
    }
}

type Pooled = Client<HttpsConnector<Connector>, Body>;

/// One component's way out.
pub(crate) struct Outbound {
    pub component: String,
    pub policy: Policy,
    /// A client each TLS configuration: what one has connected, another must not use.
    special: Vec<(Vec<String>, Pooled)>,
    client: Pooled,
    told: AtomicBool,
}

impl OutboundHttp {
    /// `components` has every component; one that is missing reaches nothing. The error names a file of a TLS
    /// configuration that can not be used.
    pub fn new(
        components: HashMap<String, ComponentHttp>,
        options: &HttpOptions,
        hosts: Arc<dyn VirtualHosts>,
    ) -> Result<Self, String> {
        let usual = ClientTls::default().load()?;
        let mut made = HashMap::new();
        for (component, http) in components {
            let outbound = Outbound::new(component.clone(), http, options, &usual)?;
            made.insert(component, Arc::new(outbound));
        }
        Ok(Self { components: made, hosts })
    }

    /// The client of a new instance of `component`; one that is `probing` may ask, and change nothing by it.
    /// `allowance`: what the host may hold for the instance.
    pub fn client(&self, component: &str, allowance: Allowance, probing: bool) -> Box<dyn HttpClient> {
        let hosts = Arc::clone(&self.hosts);
        match self.components.get(component) {
            Some(outbound) => Box::new(InstanceClient { outbound: Arc::clone(outbound), hosts, allowance, probing }),
            None => Box::new(NoClient),
        }
    }
}

impl Outbound {
    fn new(
        component: String,
        http: ComponentHttp,
        options: &HttpOptions,
        usual: &ClientConfig,
    ) -> Result<Self, String> {
        let ComponentHttp { policy, tls } = http;
        let pooled = |tls| pooled(Connector::new(policy.clone(), options.limits.clone()), tls, options.pooling);
        let client = pooled(usual.clone());
        let special = tls.into_iter().map(|(hosts, tls)| Ok((hosts, pooled(tls.load()?))));
        let special = special.collect::<Result<_, String>>()?;
        Ok(Self { component, policy, special, client, told: AtomicBool::new(false) })
    }

    pub fn client_for(&self, host: &str) -> &Pooled {
        let of = self.special.iter().find(|(hosts, _)| hosts.iter().any(|one| one.eq_ignore_ascii_case(host)));
        of.map_or(&self.client, |(_, client)| client)
    }

    /// Says once which line is missing; the guest sees `HTTP-request-denied` each time.
    pub fn deny(&self, scheme: &str, host: &str, port: u16) -> SendError {
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

fn pooled(connector: Connector, tls: ClientConfig, pooling: bool) -> Pooled {
    let https = HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http().enable_http1();
    Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(IDLE)
        .pool_max_idle_per_host(if pooling { IDLE_PER_HOST } else { 0 })
        .http1_max_buf_size(ANSWER_BUFFER)
        .build(https.wrap_connector(connector))
}
