//! What the benchmarks measure also works: many calls one after the other, typed, composed and by HTTP.

use crate::support::host::Start;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_calls_get_their_own_answers() {
    for links in [true, false] {
        let host = Start::behaviour("pings").links(links).start().await;
        for path in ["/none", "/typed?300", "/http?300"] {
            assert_eq!(host.get(path).await.expect(200), "ok\n", "{path}, links: {links}");
        }
        assert!(host.get("/hello").await.expect(200).to_lowercase().contains("hello"));
    }
}
