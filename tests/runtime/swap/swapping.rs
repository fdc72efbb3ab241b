//! New versions: taken without losing a request, or refused with the reason.

use super::support::{get, post, swap, version};
use crate::support::host::{Host, Start, application, eventually};
use crate::support::wit;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_swap_reaches_routes_and_links_and_is_taken_back() {
    let host = Host::start("swap").await;
    assert_eq!(host.get("/caller/echo?a").await.expect(200), "0001");
    let answer = swap(&host, version(2, "good")).await.unwrap();
    assert_eq!(answer["outcome"], "switched");
    assert_eq!(answer["version"], 2);
    assert_eq!(host.get("/v/").await.expect(200), "0002");
    assert_eq!(host.get("/caller/echo?a").await.expect(200), "0002");
    swap(&host, version(3, "good")).await.unwrap();
    for before in ["0002", "0001"] {
        post(&host, "/components/versioned/rollback", Vec::new()).await.unwrap();
        assert_eq!(host.get("/v/").await.expect(200), before);
        assert_eq!(host.get("/caller/echo?a").await.expect(200), before);
    }
    let refusal = post(&host, "/components/versioned/rollback", Vec::new()).await.unwrap_err();
    assert!(refusal.contains("no earlier version"), "{refusal}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_instance_of_the_new_version_is_up_before_its_first_request_where_the_old_one_has_some() {
    let host = Host::start("swap").await;
    assert_eq!(swap(&host, version(2, "good")).await.unwrap()["instances"], 0, "nobody has asked for it");
    assert_eq!(host.get("/v/").await.expect(200), "0002");
    let answer = swap(&host, version(3, "good")).await.unwrap();
    assert_eq!((&answer["instances"], &answer["counts"]["requests"]), (&1.into(), &0.into()), "{answer}");
    assert_eq!(host.get("/caller/echo?a").await.expect(200), "0003");
    let answer = post(&host, "/components/versioned/rollback", Vec::new()).await.unwrap();
    assert_eq!((&answer["instances"], &answer["counts"]["requests"]), (&2.into(), &0.into()), "{answer}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_runs_finishes_on_the_version_where_it_began() {
    let host = Host::start("swap").await;
    let request = host.started("/v/?400", 1).await;
    let call = host.started("/caller/sleep?400", 3).await;
    swap(&host, version(2, "good")).await.unwrap();
    assert_eq!(host.get("/v/").await.expect(200), "0002");
    assert_eq!(request.await.unwrap().expect(200), "0001");
    assert_eq!(call.await.unwrap().expect(200), "0001");
    eventually("the old version is gone", || host.runtime.lifecycle().slot("versioned").unwrap().retiring.count() == 0)
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_swap_survives_a_restart_until_it_is_reset() {
    let host = Host::start("swap").await;
    swap(&host, version(2, "good")).await.unwrap();
    let host = host.restart(Start::behaviour("swap")).await;
    assert_eq!(host.get("/v/").await.expect(200), "0002");
    assert_eq!(host.runtime.swapped_in(), ["versioned"]);
    let host = host.restart(Start::behaviour("swap").reset()).await;
    assert_eq!(host.get("/v/").await.expect(200), "0001");
    assert!(host.runtime.swapped_in().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_can_not_take_the_old_ones_place_is_refused_and_the_old_one_serves() {
    let host = Host::start("swap").await;
    let breaking = "record context { tenant: string } variant error { unavailable(string), other(string) } \
                    perform: async func(ctx: context, action: u32) -> result<string, error>;";
    let cases = [
        (b"no component at all".to_vec(), "not a valid component"),
        (
            std::fs::read(crate::support::guests::folder().join("hello.wasm")).unwrap(),
            "component `caller` is linked to it",
        ),
        (
            wit::package(
                "kobliat:link-test@0.1.0",
                &format!("interface calls {{ {breaking} }} world one {{ export calls; }}"),
            ),
            "calls@0.1.0#perform",
        ),
        (version(2, "sick"), "its probe `GET /health` was answered with 503"),
        (version(2, "migr"), "its probe `GET /health` was answered with 500"),
    ];
    for (wasm, reason) in cases {
        let refusal = swap(&host, wasm).await.unwrap_err();
        assert!(refusal.contains(reason), "{refusal}");
        assert_eq!(host.get("/v/").await.expect(200), "0001");
        assert_eq!(host.get("/caller/echo?a").await.expect(200), "0001");
    }
    let one = get(&host, "/components/versioned").await;
    assert_eq!(one["last_swap"]["outcome"], "refused");
    assert_eq!(one["version"], 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_version_that_traps_or_fails_is_taken_back_by_itself() {
    let host = Host::start("swap").await;
    for behaviour in ["trap", "fail"] {
        swap(&host, version(2, behaviour)).await.unwrap();
        while host.get("/v/").await.status != 200 {}
        assert_eq!(host.get("/v/").await.expect(200), "0001");
        assert_eq!(host.get("/caller/echo?a").await.expect(200), "0001");
        let last = &get(&host, "/components/versioned").await["last_swap"];
        assert_eq!(last["outcome"], "rolled-back", "{last}");
        assert!(last["reason"].as_str().unwrap().contains(if behaviour == "trap" { "died" } else { "failed" }));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_share_of_the_tenants_tries_a_version_until_it_is_everybodys() {
    let host = Host::start("swap").await;
    let canary = post(&host, "/components/versioned/swap?percent=30", version(2, "good")).await.unwrap();
    assert_eq!(canary["canary"]["percent"], 30);
    let mut new = 0;
    for key in 0..60 {
        let key = format!("key-{key}");
        let ask = async || host.request(http::Method::GET, "/v/", &[("x-api-key", &key)]).await.expect(200);
        let first = ask().await;
        assert_eq!(first, ask().await, "a tenant stays on its side");
        new += usize::from(first == "0002");
    }
    assert!((6..32).contains(&new), "{new} of 60");
    let one = get(&host, "/components/versioned").await;
    assert_eq!(one["canary"]["counts"]["requests"].as_u64().unwrap(), new as u64 * 2);
    assert!(swap(&host, version(3, "good")).await.unwrap_err().contains("on trial"));
    post(&host, "/components/versioned/promote", Vec::new()).await.unwrap();
    assert_eq!(host.get("/v/").await.expect(200), "0002");
    post(&host, "/components/versioned/swap?percent=99", version(3, "good")).await.unwrap();
    post(&host, "/components/versioned/withdraw", Vec::new()).await.unwrap();
    assert_eq!(host.get("/v/").await.expect(200), "0002");
    assert_eq!(host.get("/caller/echo?a").await.expect(200), "0002");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_component_that_is_composed_into_another_is_not_swapped_alone() {
    let host = Start::behaviour("swap").links(false).start().await;
    let refusal = swap(&host, version(2, "good")).await.unwrap_err();
    assert!(refusal.contains("composed into caller"), "{refusal}");
}

/// Beside the version, somebody who wants to know.
const TOLD: &str = r#"
    spin_manifest_version = 2
    [application]
    name = "told"
    [[trigger.http]]
    route = "/v/..."
    component = "versioned"
    [[trigger.http]]
    route = "/test/..."
    component = "subscriber"
    [component.versioned]
    source = "GUESTS/versioned.wasm"
    [component.subscriber]
    source = "GUESTS/subscriber.wasm"
    sqlite_databases = ["default"]
    [component.subscriber.tool.kobliat]
    subscribe = ["com.kobliat.platform.component.*"]
"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn that_a_version_was_taken_back_is_told_as_an_event() {
    let (start, _folder) = application(TOLD);
    let host = start.start().await;
    swap(&host, version(2, "trap")).await.unwrap();
    while host.get("/v/").await.status != 200 {}
    let began = std::time::Instant::now();
    let seen = loop {
        let seen = host.get("/test/seen").await.expect(200);
        if !seen.is_empty() {
            break seen;
        }
        assert!(began.elapsed() < crate::support::client::PATIENCE, "never told");
    };
    // Its id, its key, and which attempt it was.
    assert!(seen.trim_end().ends_with(" versioned 1"), "{seen}");
}

/// An operator who is told "switched" finds the new version after a restart, too.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_swap_whose_record_can_not_be_written_is_none() {
    let host = Host::start("swap").await;
    assert_eq!(host.get("/caller/echo?a").await.expect(200), "0001");
    let record = host.runtime.state_dir().join("components/versions.json");
    let before = std::fs::read(&record).unwrap();
    // A file can not take the place of a directory.
    std::fs::remove_file(&record).unwrap();
    std::fs::create_dir_all(record.join("in-the-way")).unwrap();
    let refusal = swap(&host, version(2, "good")).await.unwrap_err();
    assert!(refusal.contains("versions.json") && refusal.contains("stays"), "{refusal}");
    assert_eq!(host.get("/v/").await.expect(200), "0001");
    assert_eq!(host.get("/caller/echo?a").await.expect(200), "0001");
    let shown = get(&host, "/components/versioned").await;
    assert_eq!((&shown["version"], &shown["last_swap"]["outcome"]), (&1.into(), &"failed".into()), "{shown}");
    post(&host, "/components/versioned/swap?percent=50", version(2, "good")).await.unwrap();
    let refusal = post(&host, "/components/versioned/promote", Vec::new()).await.unwrap_err();
    assert!(refusal.contains("versions.json"), "{refusal}");
    post(&host, "/components/versioned/withdraw", Vec::new()).await.unwrap();

    std::fs::remove_dir_all(&record).unwrap();
    std::fs::write(&record, before).unwrap();
    assert_eq!(swap(&host, version(2, "good")).await.unwrap()["outcome"], "switched");
    let host = host.restart(Start::behaviour("swap")).await;
    assert_eq!(host.get("/v/").await.expect(200), "0002");
}
