//! The admin surface as its clients see it: who gets in, what they are told, and what a dead host leaves behind.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use bytes::Bytes;
use http::{Method, StatusCode};
use kobliat_admin::{Admin, AdminRequest, Answer, Client, ClientError, Listeners, Reply, RouteGroup, socket_in};
use serde_json::json;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

struct Echo;

impl RouteGroup for Echo {
    fn prefix(&self) -> &'static str {
        "echo"
    }

    fn max_body(&self) -> usize {
        64
    }

    fn handle(&self, request: AdminRequest) -> Answer<'_> {
        Box::pin(async move {
            match request.segments().as_slice() {
                ["said"] => Ok(Reply::json(&json!({ "body": String::from_utf8_lossy(&request.body) }))),
                _ => Err(Reply::unknown()),
            }
        })
    }
}

struct Host {
    stop: CancellationToken,
    served: tokio::task::JoinHandle<()>,
    tcp: Option<std::net::SocketAddr>,
}

async fn host(state: &Path, tcp: bool) -> Host {
    let admin = Arc::new(Admin::default());
    admin.add(Arc::new(Echo));
    let listen = tcp.then(|| "127.0.0.1:0".parse().unwrap());
    let listeners = Listeners::bind(state, listen).await.unwrap();
    let (stop, tcp) = (CancellationToken::new(), listeners.address());
    let served = tokio::spawn(listeners.serve(admin, stop.clone()));
    Host { stop, served, tcp }
}

fn refusal(error: ClientError) -> StatusCode {
    match error {
        ClientError::Refused(problem) => problem.status,
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn the_socket_answers_its_owner_and_goes_with_the_host() {
    let state = tempfile::tempdir().unwrap();
    let host = host(state.path(), false).await;
    let mode = std::fs::metadata(socket_in(state.path())).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let client = Client::in_state_dir(state.path());
    assert_eq!(client.post("/echo/said", "hello").await.unwrap()["body"], "hello");
    assert_eq!(client.get("/").await.unwrap()["groups"], json!(["/echo"]));
    host.stop.cancel();
    host.served.await.unwrap();
    assert!(matches!(client.get("/echo/said").await, Err(ClientError::NotRunning(_))));
}

#[tokio::test]
async fn what_is_wrong_is_a_problem() {
    let state = tempfile::tempdir().unwrap();
    let _host = host(state.path(), false).await;
    let client = Client::in_state_dir(state.path());
    assert_eq!(refusal(client.get("/nothing").await.unwrap_err()), StatusCode::NOT_FOUND);
    assert_eq!(refusal(client.get("/echo/other").await.unwrap_err()), StatusCode::NOT_FOUND);
    assert_eq!(refusal(client.get("/echo/%ff").await.unwrap_err()), StatusCode::BAD_REQUEST);
    let large = client.request(Method::POST, "/echo/said", Bytes::from(vec![b'x'; 65])).await;
    assert_eq!(refusal(large.unwrap_err()), StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn a_dead_hosts_socket_is_replaced_and_a_long_path_works() {
    let state = tempfile::tempdir().unwrap();
    let deep = state.path().join("d".repeat(100)).join("e".repeat(60));
    std::fs::create_dir_all(&deep).unwrap();
    std::fs::write(socket_in(&deep), "left behind").unwrap();
    let _host = host(&deep, false).await;
    assert!(Client::in_state_dir(&deep).get("/").await.is_ok());
}

#[tokio::test]
async fn tcp_needs_the_token() {
    let state = tempfile::tempdir().unwrap();
    let host = host(state.path(), true).await;
    let address = host.tcp.unwrap();
    let mode = std::fs::metadata(state.path().join("admin-token")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let client = Client::at(address, state.path()).unwrap();
    assert!(client.get("/").await.is_ok());
    let other = tempfile::tempdir().unwrap();
    let stranger = Client::at(address, other.path()).unwrap();
    assert_eq!(refusal(stranger.get("/").await.unwrap_err()), StatusCode::UNAUTHORIZED);
}
