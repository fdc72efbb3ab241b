//! Raw sockets: what is listed is reached, by address or by name; nobody listens; by WASI 0.2 and 0.3.

use crate::support::host::{Host, Start, log};
use crate::support::server::Server;

async fn start(server: &Server) -> Host {
    Start::behaviour("sockets").variable("port", server.address.port()).start().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_listed_is_reached_and_nothing_else() {
    let (server, other) = (Server::start().await, Server::start().await);
    let host = start(&server).await;
    let (listed, unlisted) = (server.address, other.address);
    for path in ["", "/named"] {
        assert!(host.get(&format!("{path}/connect?{listed}")).await.expect(200).ends_with(" bytes"), "{path}");
        assert_eq!(host.get(&format!("{path}/connect-p3?{listed}")).await.expect(200), "connected", "{path}");
    }
    assert_eq!(host.get(&format!("/send?{listed}")).await.expect(200), "5 bytes");
    for path in ["/connect", "/connect-p3", "/named/connect", "/named/connect-p3", "/send"] {
        let answer = host.get(&format!("{path}?{unlisted}")).await.expect(200);
        assert!(answer.starts_with("error: "), "{path}: {answer}");
    }
    for path in ["/none/connect", "/none/connect-p3", "/none/send", "/named/send"] {
        let answer = host.get(&format!("{path}?{listed}")).await.expect(200);
        assert!(answer.starts_with("error: "), "{path}: {answer}");
    }
    assert_eq!(other.connections(), 0);
    let line = format!("add \"tcp://{unlisted}\" to allowed_outbound_hosts of [component.visitor] in spin.toml");
    assert!(log().contains(&line), "the log says which line is missing");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_listens() {
    let server = Server::start().await;
    let host = start(&server).await;
    for path in ["/listen", "/listen-p3"] {
        let answer = host.get(&format!("{path}?127.0.0.1:0")).await.expect(200);
        assert!(answer.starts_with("error: "), "{path}: {answer}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn names_are_looked_up_for_those_who_may_connect() {
    let server = Server::start().await;
    let host = start(&server).await;
    for resolve in ["resolve", "resolve-p3"] {
        assert!(host.get(&format!("/named/{resolve}?localhost")).await.expect(200).ends_with(" found"));
        assert!(host.get(&format!("/none/{resolve}?localhost")).await.expect(200).starts_with("error: "));
    }
}
