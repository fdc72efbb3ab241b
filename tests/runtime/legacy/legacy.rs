//! The synchronous interfaces that SDK 5 and other languages import.

use crate::support::host::Host;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_interface_keeps_its_promises() {
    let host = Host::start("legacy").await;
    for interface in ["variables", "config", "sqlite", "llm"] {
        assert_eq!(host.get(&format!("/{interface}")).await.expect(200), "ok");
    }
}
