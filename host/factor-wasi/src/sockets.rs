//! Raw sockets by allow-list: entries of the schemes `tcp` and `udp`, and of `*`.
//!
//! A guest connects to addresses, the list has names, too: a name of the list is resolved here when an address is not listed
//! itself. Nobody listens: what a component serves goes through the host's own listener.

use std::future::ready;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use kobliat_outbound_networking::Policy;
use wasmtime_wasi::WasiCtxBuilder;
use wasmtime_wasi::sockets::SocketAddrUse;

const TCP: &str = "tcp";
const UDP: &str = "udp";

/// What one component may do with sockets.
#[derive(Clone)]
pub struct Sockets(Arc<Shared>);

struct Shared {
    component: String,
    policy: Policy,
    told: AtomicBool,
}

impl Sockets {
    pub fn new(component: &str, policy: Policy) -> Self {
        Self(Arc::new(Shared { component: component.to_owned(), policy, told: AtomicBool::new(false) }))
    }

    /// Names may be looked up by a component that may use sockets at all: without that, it could not reach a listed name.
    pub(crate) fn configure(&self, wasi: &mut WasiCtxBuilder) {
        let [tcp, udp] = [TCP, UDP].map(|scheme| self.0.policy.allowed().has_scheme(scheme));
        wasi.allow_tcp(tcp).allow_udp(udp).allow_ip_name_lookup(tcp || udp);
        if tcp || udp {
            let shared = Arc::clone(&self.0);
            wasi.socket_addr_check(move |address, usage| Arc::clone(&shared).check(address, usage));
        }
    }
}

/// What WASI waits for.
type Checking = Pin<Box<dyn Future<Output = bool> + Send + Sync>>;

impl Shared {
    /// Ready at once where no name has to be looked up: a datagram that is refused later would look sent.
    fn check(self: Arc<Self>, address: SocketAddr, usage: SocketAddrUse) -> Checking {
        let scheme = match usage {
            // Any free port of any interface: what the system does itself before it connects or sends.
            SocketAddrUse::TcpBind | SocketAddrUse::UdpBind => {
                return Box::pin(ready(address.ip().is_unspecified() && address.port() == 0));
            }
            SocketAddrUse::TcpListen | SocketAddrUse::TcpAccept => return Box::pin(ready(false)),
            SocketAddrUse::TcpConnect => TCP,
            SocketAddrUse::UdpSend | SocketAddrUse::UdpReceive => UDP,
        };
        let address = SocketAddr::new(address.ip().to_canonical(), address.port());
        if self.lists(scheme, address) {
            return Box::pin(ready(true));
        }
        if self.policy.allowed().names(scheme, address.port()).next().is_none() {
            self.tell(scheme, address);
            return Box::pin(ready(false));
        }
        // On a task of its own, because the check must be `Sync` and a look-up is not.
        let looking = tokio::spawn(async move { self.names(scheme, address).await });
        Box::pin(async move { looking.await.unwrap_or(false) })
    }

    fn lists(&self, scheme: &str, address: SocketAddr) -> bool {
        let (ip, port) = (address.ip(), address.port());
        let text = ip.to_string();
        self.policy.allowed().allows(scheme, &text, port) && self.policy.permits(scheme, &text, ip, port)
    }

    /// Whether a listed name has this address.
    async fn names(&self, scheme: &str, address: SocketAddr) -> bool {
        let (ip, port) = (address.ip(), address.port());
        for name in self.policy.allowed().names(scheme, port) {
            let found = tokio::net::lookup_host((name, port)).await;
            let is_it = found.is_ok_and(|mut addresses| addresses.any(|found| found.ip().to_canonical() == ip));
            if is_it && self.policy.permits(scheme, name, ip, port) {
                return true;
            }
        }
        self.tell(scheme, address);
        false
    }

    /// Says once which line is missing; the guest sees `access-denied` each time.
    fn tell(&self, scheme: &str, address: SocketAddr) {
        let component = &self.component;
        if !self.told.swap(true, Relaxed) {
            tracing::warn!(%component, "component `{component}` may not reach `{scheme}://{address}`: add \"{scheme}://{address}\" to allowed_outbound_hosts of [component.{component}] in spin.toml");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kobliat_manifest::{AllowedHosts, Template};

    fn sockets(entries: &[&str]) -> Arc<Shared> {
        let entries: Vec<_> = entries.iter().map(|entry| Template::parse(entry).unwrap()).collect();
        let allowed = AllowedHosts::resolve(&entries, |entry| Ok::<_, String>(entry.literal().unwrap().to_owned()));
        Sockets::new("one", Policy::new(allowed.unwrap(), Arc::default())).0
    }

    async fn may(sockets: &Arc<Shared>, address: &str, usage: SocketAddrUse) -> bool {
        Arc::clone(sockets).check(address.parse().unwrap(), usage).await
    }

    #[tokio::test]
    async fn addresses_ports_and_schemes_must_be_listed() {
        let sockets = sockets(&["tcp://127.0.0.1:6000..6010", "udp://[::1]:53"]);
        assert!(may(&sockets, "127.0.0.1:6009", SocketAddrUse::TcpConnect).await);
        assert!(may(&sockets, "[::ffff:127.0.0.1]:6000", SocketAddrUse::TcpConnect).await);
        assert!(may(&sockets, "[::1]:53", SocketAddrUse::UdpSend).await);
        for (address, usage) in [
            ("127.0.0.1:6010", SocketAddrUse::TcpConnect),
            ("127.0.0.2:6000", SocketAddrUse::TcpConnect),
            ("127.0.0.1:6000", SocketAddrUse::UdpSend),
            ("[::1]:53", SocketAddrUse::TcpConnect),
        ] {
            assert!(!may(&sockets, address, usage).await, "{address} {usage:?}");
        }
    }

    #[tokio::test]
    async fn a_listed_name_opens_the_addresses_that_it_has() {
        let sockets = sockets(&["tcp://localhost:6000"]);
        assert!(may(&sockets, "127.0.0.1:6000", SocketAddrUse::TcpConnect).await);
        assert!(!may(&sockets, "127.0.0.1:6001", SocketAddrUse::TcpConnect).await);
        assert!(!may(&sockets, "10.0.0.1:6000", SocketAddrUse::TcpConnect).await);
    }

    #[tokio::test]
    async fn a_wildcard_leads_to_the_internet_only() {
        let sockets = sockets(&["*://*:*"]);
        assert!(may(&sockets, "8.8.8.8:53", SocketAddrUse::UdpSend).await);
        assert!(!may(&sockets, "127.0.0.1:53", SocketAddrUse::UdpSend).await);
        assert!(!may(&sockets, "169.254.169.254:80", SocketAddrUse::TcpConnect).await);
    }

    #[tokio::test]
    async fn nobody_listens() {
        let sockets = sockets(&["*://*:*", "tcp://127.0.0.1:*"]);
        assert!(may(&sockets, "0.0.0.0:0", SocketAddrUse::TcpBind).await, "implied by a connect");
        assert!(!may(&sockets, "127.0.0.1:8080", SocketAddrUse::TcpBind).await);
        assert!(!may(&sockets, "0.0.0.0:8080", SocketAddrUse::UdpBind).await);
        assert!(!may(&sockets, "127.0.0.1:8080", SocketAddrUse::TcpListen).await);
        assert!(!may(&sockets, "127.0.0.1:8080", SocketAddrUse::TcpAccept).await);
    }
}
