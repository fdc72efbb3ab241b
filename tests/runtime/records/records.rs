//! What the benchmarks measure of stores and databases also works: each record is the one that was asked for.

use crate::support::host::Host;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_is_the_one_that_was_asked_for() {
    let host = Host::start("records").await;
    assert_eq!(host.get("/setup").await.expect(200), "ready");
    for path in ["/kv/get", "/sql/read"] {
        let body = host.get(&format!("{path}?1007")).await.expect(200);
        assert!(body.len() == 512 && body.trim_start_matches('0') == "7", "{path}: {body}");
    }
    assert_eq!(host.get("/kv/set?1007").await.expect(200), "set");
    assert!(host.get("/kv/get?7").await.expect(200).ends_with("01007"));
    assert_eq!(host.get("/sql/insert?5000").await.expect(200), "inserted");
}
