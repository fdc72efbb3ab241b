//! What the admin surface tells and does, by the socket and for a component that is an administrator.

use super::support::{admin, get, post};
use crate::support::host::{Host, application, eventually};
use http::Method;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn components_are_listed_with_what_they_do() {
    let host = Host::start("swap").await;
    host.get("/v/").await.expect(200);
    let list = get(&host, "/components").await;
    let ids: Vec<_> = list["components"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["caller", "reporter", "versioned"]);
    let one = get(&host, "/components/versioned").await;
    assert_eq!(one["state"], "running");
    assert_eq!(one["version"], 1);
    assert_eq!(one["digest"].as_str().unwrap().len(), 64);
    assert_eq!(one["instances"], 1);
    assert!(one["memory_bytes"].as_u64().unwrap() >= 64 << 10, "{one}");
    assert_eq!(one["counts"]["requests"], 1);
    assert!(post(&host, "/components/nobody/stop", Vec::new()).await.unwrap_err().contains("nobody"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stopped_component_finishes_what_runs_and_takes_nothing_new() {
    let host = Host::start("swap").await;
    let running = host.started("/v/?300", 1).await;
    let answer = post(&host, "/components/versioned/stop", Vec::new()).await.unwrap();
    assert_eq!(answer["state"], "stopped");
    assert!(host.get("/v/").await.expect(503).contains("the component is stopped"));
    assert!(host.get("/caller/echo?a").await.expect(502).contains("is stopped"));
    assert_eq!(running.await.unwrap().expect(200), "0001");
    eventually("the old instances are gone", || host.runtime.instances() <= 1).await;
    post(&host, "/components/versioned/start", Vec::new()).await.unwrap();
    assert_eq!(host.get("/v/").await.expect(200), "0001");
    assert_eq!(host.get("/caller/echo?a").await.expect(200), "0001");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_loses_nothing() {
    let host = Host::start("swap").await;
    let running = host.started("/v/?300", 1).await;
    post(&host, "/components/versioned/restart", Vec::new()).await.unwrap();
    assert_eq!(host.get("/v/").await.expect(200), "0001");
    assert_eq!(running.await.unwrap().expect(200), "0001");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn logs_are_read_filtered_and_emptied() {
    let host = Host::start("swap").await;
    host.get("/said/say?ERROR-one").await.expect(200);
    eventually("the line is there", || host.output("reporter_stderr.txt").contains("ERROR-one")).await;
    let all = get(&host, "/components/reporter/logs").await;
    assert_eq!(all["lines"].as_array().unwrap().len(), 2, "{all}");
    let one = get(&host, "/components/reporter/logs?lines=1&filter=error").await;
    assert_eq!(one["lines"][0]["line"], "ERROR-one, to stderr");
    admin(&host).request(Method::DELETE, "/components/reporter/logs", Default::default()).await.unwrap();
    assert_eq!(get(&host, "/components/reporter/logs").await["lines"].as_array().unwrap().len(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_administrator_reaches_the_admin_surface_by_its_host() {
    let host = Host::start("swap").await;
    let answer = host.get("/said/fetch?http://admin.kobliat.internal/components/caller").await.expect(200);
    assert!(answer.starts_with("200") && answer.contains("\"id\":\"caller\""), "{answer}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_half_of_an_administrator_is_refused() {
    let application = |lines: &str| {
        application(&format!(
            "spin_manifest_version = 2\n[application]\nname = \"a\"\n[[trigger.http]]\nroute = \"/...\"\ncomponent = \"a\"\n[component.a]\nsource = \"GUESTS/reporter.wasm\"\n{lines}"
        ))
    };
    let (start, _folder) = application("tool.kobliat.admin = true\n");
    assert!(start.refusal().await.contains("allowed_outbound_hosts"));
    let (start, _folder) = application("allowed_outbound_hosts = [\"http://admin.kobliat.internal\"]\n");
    assert!(start.refusal().await.contains("admin = true"));
}
