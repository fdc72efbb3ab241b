//! The parts of the file about the way out: blocked networks, connections, TLS.

use super::RuntimeConfig;
use super::file::ClientTls as Entry;
use crate::error::StartError;
use kobliat_factor_outbound_http::{ClientTls, HttpOptions};
use kobliat_outbound_networking::{BlockedNetworks, ConnectionLimits};
use std::sync::Arc;

impl RuntimeConfig {
    pub fn blocked_networks(&self) -> Result<Arc<BlockedNetworks>, StartError> {
        let entries = &self.file.outbound_networking.block_networks;
        let blocked = BlockedNetworks::parse(entries);
        blocked
            .map(Arc::new)
            .map_err(|reason| StartError::new(format!("[outbound_networking] `block_networks`: {reason}")))
    }

    /// Connections are pooled unless the file says otherwise. (Spin does not pool where the table exists and does not say.)
    pub fn http_options(&self) -> HttpOptions {
        let http = &self.file.outbound_http;
        let requests = http.max_concurrent_requests.map(|count| count.saturating_add(1));
        let total = ConnectionLimits::total(self.file.outbound_networking.max_total_connections);
        HttpOptions {
            limits: ConnectionLimits::new(http.max_connections.or(requests), total),
            pooling: http.connection_pooling.unwrap_or(true),
        }
    }

    /// The TLS configurations of a component, each for its hosts, in the order of the file.
    pub fn client_tls(&self, component: &str) -> Vec<(Vec<String>, ClientTls)> {
        let about = |entry: &&Entry| entry.component_ids.iter().any(|id| id == component);
        self.file.client_tls.iter().filter(about).map(|entry| (entry.hosts.clone(), self.tls(entry))).collect()
    }

    /// Without a word on roots: the machine's, unless a file of roots takes their place.
    fn tls(&self, entry: &Entry) -> ClientTls {
        let at = |path: &Option<std::path::PathBuf>| path.as_ref().map(|path| self.base.join(path));
        let says = entry.ca_use_platform_roots.is_some() || entry.ca_use_webpki_roots.is_some();
        ClientTls {
            platform_roots: entry.ca_use_platform_roots.unwrap_or(!says && entry.ca_roots_file.is_none()),
            webpki_roots: entry.ca_use_webpki_roots.unwrap_or(false),
            roots_file: at(&entry.ca_roots_file),
            identity: at(&entry.client_cert_file).zip(at(&entry.client_private_key_file)),
        }
    }
}
