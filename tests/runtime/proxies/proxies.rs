//! For whom a request was sent: the peer's word counts where the deployment trusts the peer, and nowhere else.

use http::Method;

use crate::support::host::{Start, application};

const APPLICATION: &str = "spin_manifest_version = 2\n[application]\nname = \"proxies\"\n\
    [[trigger.http]]\nroute = \"/...\"\ncomponent = \"reporter\"\n\
    [component.reporter]\nsource = \"GUESTS/reporter.wasm\"\n";

fn behind(kobliat_toml: &str) -> (Start, tempfile::TempDir) {
    let (start, folder) = application(APPLICATION);
    std::fs::write(folder.path().join("kobliat.toml"), kobliat_toml).unwrap();
    (start, folder)
}

/// The client's address as a component is told it.
async fn told(start: Start, headers: &[(&str, &str)]) -> String {
    let host = start.start().await;
    let report = host.request(Method::GET, "/x", headers).await.expect(200);
    let line = report.lines().find_map(|line| line.strip_prefix("spin-client-addr: ")).unwrap_or_default();
    line.to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_trusted_proxy_names_its_client() {
    let (start, _folder) = behind("[http]\ntrusted_proxies = [\"127.0.0.0/8\", \"10.0.0.0/8\"]\n");
    let client = told(start, &[("x-forwarded-for", "6.6.6.6, 203.0.113.7, 10.1.2.3")]).await;
    assert_eq!(client, "203.0.113.7:0", "what is left of it is the client's own word");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_proxy_that_writes_the_standard_header_is_believed_in_no_other() {
    let (start, _folder) = behind("[http]\ntrusted_proxies = [\"127.0.0.1\"]\nforwarded_header = \"forwarded\"\n");
    let headers = [("x-forwarded-for", "6.6.6.6"), ("forwarded", "for=\"[2001:db8::7]:4711\";proto=https")];
    assert_eq!(told(start, &headers).await, "[2001:db8::7]:4711");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everybody_else_is_not_believed() {
    for trusted in ["", "[http]\ntrusted_proxies = [\"10.0.0.0/8\"]\n"] {
        let (start, _folder) = behind(trusted);
        let client = told(start, &[("x-forwarded-for", "203.0.113.7"), ("forwarded", "for=203.0.113.7")]).await;
        assert!(client.starts_with("127.0.0.1:"), "{client}");
    }
}
