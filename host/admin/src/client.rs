//! The CLI's side: finds the running host by its state directory, asks, and tells its refusals apart from its absence.

use crate::problem::Problem;
use crate::socket::{short, socket_in};
use crate::token::{Token, token_file};
use bytes::Bytes;
use http::header::{AUTHORIZATION, HOST};
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};

#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    #[error(
        "no host runs on the state directory `{}`; start one with `kobliat up`, or name another with `--state-dir`",
        .0.display()
    )]
    NotRunning(PathBuf),
    #[error("failed to ask the host: {0}")]
    Failed(String),
    /// The host's own sentence.
    #[error("{}", .0.detail)]
    Refused(Problem),
}

/// Asks the admin surface of one host.
pub struct Client {
    state_dir: PathBuf,
    tcp: Option<(SocketAddr, String)>,
}

impl Client {
    /// By the unix socket.
    pub fn in_state_dir(state_dir: impl Into<PathBuf>) -> Self {
        Self { state_dir: state_dir.into(), tcp: None }
    }

    /// By TCP, with the token in the state directory.
    pub fn at(address: SocketAddr, state_dir: &Path) -> Result<Self, ClientError> {
        let missing =
            |error| ClientError::Failed(format!("failed to read {}: {error}", token_file(state_dir).display()));
        let token = Token::in_state_dir(state_dir).map_err(missing)?;
        Ok(Self { state_dir: state_dir.to_owned(), tcp: Some((address, token.header())) })
    }

    pub async fn get(&self, path: &str) -> Result<Value, ClientError> {
        self.request(Method::GET, path, Bytes::new()).await
    }

    pub async fn post(&self, path: &str, body: impl Into<Bytes>) -> Result<Value, ClientError> {
        self.request(Method::POST, path, body.into()).await
    }

    /// The answer's JSON, `null` where it has none.
    pub async fn request(&self, method: Method, path: &str, body: Bytes) -> Result<Value, ClientError> {
        let (status, body) = self.send(method, path, body).await?;
        let value: Value = serde_json::from_slice(&body).unwrap_or(Value::Null);
        if status.is_success() {
            return Ok(value);
        }
        let detail = value.get("detail").and_then(Value::as_str).map(str::to_owned);
        let detail = detail.unwrap_or_else(|| format!("the host answered {status}"));
        Err(ClientError::Refused(Problem { status, detail }))
    }

    /// The answer as text, where it is no JSON (`/metrics`).
    pub async fn text(&self, path: &str) -> Result<String, ClientError> {
        let (_, body) = self.send(Method::GET, path, Bytes::new()).await?;
        Ok(String::from_utf8_lossy(&body).into_owned())
    }

    async fn send(&self, method: Method, path: &str, body: Bytes) -> Result<(StatusCode, Bytes), ClientError> {
        let mut request = Request::builder().method(method).uri(path).header(HOST, "admin.kobliat.internal");
        if let Some((_, token)) = &self.tcp {
            request = request.header(AUTHORIZATION, token);
        }
        let request = request.body(Full::new(body)).map_err(|error| ClientError::Failed(error.to_string()))?;
        match &self.tcp {
            Some((address, _)) => {
                let stream = TcpStream::connect(address).await;
                exchange(stream.map_err(|error| ClientError::Failed(format!("{address}: {error}")))?, request).await
            }
            None => exchange(self.connect().await?, request).await,
        }
    }

    async fn connect(&self) -> Result<UnixStream, ClientError> {
        let absent = |_| ClientError::NotRunning(self.state_dir.clone());
        let (address, _directory) = short(&socket_in(&self.state_dir)).map_err(absent)?;
        match UnixStream::connect(address).await {
            Ok(stream) => Ok(stream),
            Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => {
                Err(ClientError::Failed("only the user that runs the host may use its socket".to_owned()))
            }
            Err(error) => Err(absent(error)),
        }
    }
}

/// One request, one connection.
async fn exchange<S>(stream: S, request: Request<Full<Bytes>>) -> Result<(StatusCode, Bytes), ClientError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let failed = |error: hyper::Error| ClientError::Failed(error.to_string());
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(failed)?;
    let connection = tokio::spawn(connection);
    let response = sender.send_request(request).await.map_err(failed)?;
    let status = response.status();
    let body = response.into_body().collect().await.map_err(failed)?.to_bytes();
    connection.abort();
    Ok((status, body))
}
