//! What the benchmarks measure also works: a service of the platform answers who calls it directly, typed and by HTTP.

use crate::support::host::Start;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_answers_who_calls_it_directly() {
    let host = Start::behaviour("reads").start().await;
    for path in ["/none", "/typed?30", "/http?30"] {
        assert_eq!(host.get(path).await.expect(200), "ok\n", "{path}");
    }
}
