//! HTTP/1.1 and HTTP/2, plain and encrypted, by one listener; and clients that keep a connection for nothing.

mod certificates;

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use certificates::{Authority, client};
use http::{Request, Version};
use http_body_util::{BodyExt, Empty, Full};
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::support::host::{Host, Start, eventually};

/// Asks on a connection of HTTP/2 of its own.
async fn ask_2(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, uri: String, body: &str) -> (u16, String) {
    let (mut sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let request = Request::post(uri).body(Full::new(Bytes::from(body.to_owned()))).unwrap();
    let response = sender.send_request(request).await.unwrap();
    assert_eq!(response.version(), Version::HTTP_2);
    let status = response.status().as_u16();
    (status, String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap())
}

async fn shake(address: SocketAddr, config: Arc<ClientConfig>) -> std::io::Result<TlsStream<TcpStream>> {
    let stream = TcpStream::connect(address).await?;
    TlsConnector::from(config).connect(ServerName::try_from("localhost").unwrap(), stream).await
}

/// The bytes of the certificate that the host shows.
async fn shown(address: SocketAddr, config: &Arc<ClientConfig>) -> Option<Vec<u8>> {
    let stream = shake(address, Arc::clone(config)).await.ok()?;
    Some(stream.get_ref().1.peer_certificates()?.first()?.to_vec())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn http_2_without_encryption_by_prior_knowledge() {
    let host = Host::start("protocols").await;
    let address = host.runtime.address();
    let body = "x".repeat(1 << 20);
    let stream = TcpStream::connect(address).await.unwrap();
    assert_eq!(ask_2(stream, format!("http://{address}/echo"), &body).await, (200, body));
    let stream = TcpStream::connect(address).await.unwrap();
    let (status, report) = ask_2(stream, format!("http://{address}/reporter/x"), "").await;
    assert_eq!(status, 200);
    assert!(report.contains(&format!("spin-full-url: http://{address}/reporter/x\n")), "{report}");
    assert_eq!(host.get("/ok").await.expect(200), "ok", "HTTP/1.1 on the same port");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_of_one_http_2_connection_do_not_wait_for_each_other() {
    let host = Host::start("protocols").await;
    let address = host.runtime.address();
    let stream = TokioIo::new(TcpStream::connect(address).await.unwrap());
    let (mut sender, connection) = http2::handshake(TokioExecutor::new(), stream).await.unwrap();
    tokio::spawn(connection);
    let request = |path: &str| Request::get(format!("http://{address}{path}")).body(Empty::<Bytes>::new()).unwrap();
    let slow = tokio::spawn(sender.send_request(request("/sleep?20000")));
    host.runs(1).await;
    assert_eq!(sender.send_request(request("/ok")).await.unwrap().status(), 200);
    assert!(!slow.is_finished());
    slow.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tls_agrees_on_what_both_speak() {
    let (folder, authority) = (tempfile::tempdir().unwrap(), Authority::new());
    let host = Start::behaviour("protocols").tls(authority.sign("localhost").options(folder.path())).start().await;
    let address = host.runtime.address();

    let stream = shake(address, client(&authority, &[b"h2", b"http/1.1"], None)).await.unwrap();
    let (status, report) = ask_2(stream, "https://localhost/reporter/x".to_owned(), "").await;
    assert_eq!(status, 200);
    assert!(report.contains("spin-full-url: https://localhost/reporter/x\n"), "{report}");

    let stream = shake(address, client(&authority, &[], None)).await.unwrap();
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let request = Request::get("/ok").header("host", "localhost").body(Empty::<Bytes>::new()).unwrap();
    assert_eq!(sender.send_request(request).await.unwrap().status(), 200);

    assert!(shake(address, client(&Authority::new(), &[], None)).await.is_err(), "another authority's client");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn silent_clients_do_not_keep_others_from_shaking_hands() {
    let (folder, authority) = (tempfile::tempdir().unwrap(), Authority::new());
    let host = Start::behaviour("protocols").tls(authority.sign("localhost").options(folder.path())).start().await;
    let address = host.runtime.address();
    let mut silent = Vec::new();
    for _ in 0..20 {
        silent.push(TcpStream::connect(address).await.unwrap());
    }
    let stream = shake(address, client(&authority, &[b"h2"], None)).await.unwrap();
    assert_eq!(ask_2(stream, "https://localhost/ok".to_owned(), "").await, (200, "ok".to_owned()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_renewed_certificate_is_shown_without_a_restart() {
    let (folder, authority) = (tempfile::tempdir().unwrap(), Authority::new());
    let host = Start::behaviour("protocols").tls(authority.sign("localhost").options(folder.path())).start().await;
    let (address, config) = (host.runtime.address(), client(&authority, &[b"h2"], None));
    let first = shown(address, &config).await.expect("a certificate");

    // Half a renewal does not end anything.
    std::fs::write(folder.path().join("certificate.pem"), "not yet").unwrap();
    eventually("the refusal is logged", || crate::support::host::log().contains("the certificate in use stays")).await;
    assert_eq!(shown(address, &config).await.as_ref(), Some(&first));

    authority.sign("localhost").options(folder.path());
    let mut now = Some(first.clone());
    for _ in 0..600 {
        if now.is_some_and(|now| now != first) {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        now = shown(address, &config).await;
    }
    panic!("never: the new certificate");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_show_a_certificate_where_one_is_asked_for() {
    let (folder, authority, clients) = (tempfile::tempdir().unwrap(), Authority::new(), Authority::new());
    let mut options = authority.sign("localhost").options(folder.path());
    options.client_authorities = Some(clients.file(folder.path()));
    let host = Start::behaviour("protocols").tls(options).start().await;
    let address = host.runtime.address();

    let known = client(&authority, &[b"h2"], Some(&clients.sign("client")));
    let stream = shake(address, known).await.unwrap();
    assert_eq!(ask_2(stream, "https://localhost/ok".to_owned(), "").await.0, 200);

    let stranger = Authority::new().sign("client");
    for own in [None, Some(&stranger)] {
        // The client learns it with the first answer: TLS 1.3 lets it speak before its certificate is looked at.
        let Ok(stream) = shake(address, client(&authority, &[], own)).await else { continue };
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        let request = Request::get("/ok").header("host", "localhost").body(Empty::<Bytes>::new()).unwrap();
        assert!(sender.send_request(request).await.is_err());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_port_that_is_taken_is_refused_or_passed_over() {
    let host = Host::start("protocols").await;
    let taken = host.runtime.address();
    let reason = Start::behaviour("protocols").listen(taken).refusal().await;
    assert!(reason.contains("in use by another program"), "{reason}");
    let nearby = Start::behaviour("protocols").listen(taken).find_free_port().start().await;
    let port = nearby.runtime.address().port();
    assert!(port > taken.port() && port < taken.port() + 10, "{port} beside {taken}");
    assert_eq!(nearby.get("/ok").await.expect(200), "ok");
}

#[tokio::test]
async fn certificates_that_can_not_be_used_are_refused_at_start() {
    let (folder, authority) = (tempfile::tempdir().unwrap(), Authority::new());
    let mut options = authority.sign("localhost").options(folder.path());
    let mut other = authority.sign("localhost").options(tempfile::tempdir().unwrap().path());
    other.key = folder.path().join("missing.pem");
    options.key = authority.file(folder.path());
    for (options, expected) in [(options, "the key"), (other, "failed to read")] {
        let reason = Start::behaviour("protocols").tls(options).refusal().await;
        assert!(reason.contains(expected), "{reason}");
    }
}
