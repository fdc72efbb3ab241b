//! The host's own requests: one file from a URL that the manifest names. No allow-list stands before it; who reads it checks what came.

use crate::tls::ClientTls;
use http::header::LOCATION;
use http::{Request, Response, Uri};
use http_body_util::{BodyExt, Empty, LengthLimitError, Limited};
use hyper::body::{Bytes, Incoming};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use std::time::Duration;

/// A slow line takes minutes for some megabytes; a dead one, for ever.
const PATIENCE: Duration = Duration::from_secs(300);

/// Where releases are kept, a download is a redirection or two away.
const REDIRECTIONS: usize = 5;

pub struct Download<'u> {
    pub url: &'u str,
    pub largest: usize,
}

#[derive(Debug, thiserror::Error)]
pub enum DownloadError {
    #[error("`{0}` is no URL of http or https")]
    Url(String),
    #[error("it leads from one address to the next without end")]
    Redirections,
    #[error("the answer is {0}")]
    Status(http::StatusCode),
    #[error("it is larger than {0} bytes")]
    TooLarge(usize),
    #[error("it took longer than {} s", PATIENCE.as_secs())]
    TooSlow,
    #[error("{0}")]
    Failed(String),
}

type Getter = Client<HttpsConnector<HttpConnector>, Empty<Bytes>>;

impl Download<'_> {
    pub async fn get(&self) -> Result<Bytes, DownloadError> {
        tokio::time::timeout(PATIENCE, self.follow()).await.map_err(|_| DownloadError::TooSlow)?
    }

    async fn follow(&self) -> Result<Bytes, DownloadError> {
        let client = client()?;
        let mut url = checked(self.url)?;
        for _ in 0..=REDIRECTIONS {
            let request = Request::get(url.clone()).header("user-agent", "kobliat").body(Empty::new());
            let request = request.map_err(|error| DownloadError::Failed(error.to_string()))?;
            let answer = client.request(request).await.map_err(|error| DownloadError::Failed(causes(&error)))?;
            if !answer.status().is_redirection() {
                return self.body(answer).await;
            }
            url = next(&url, &answer)?;
        }
        Err(DownloadError::Redirections)
    }

    async fn body(&self, answer: Response<Incoming>) -> Result<Bytes, DownloadError> {
        if !answer.status().is_success() {
            return Err(DownloadError::Status(answer.status()));
        }
        match Limited::new(answer.into_body(), self.largest).collect().await {
            Ok(body) => Ok(body.to_bytes()),
            Err(error) if error.is::<LengthLimitError>() => Err(DownloadError::TooLarge(self.largest)),
            Err(error) => Err(DownloadError::Failed(error.to_string())),
        }
    }
}

fn client() -> Result<Getter, DownloadError> {
    let tls = ClientTls::default().load().map_err(DownloadError::Failed)?;
    let https = HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http().enable_http1();
    Ok(Client::builder(TokioExecutor::new()).build(https.build()))
}

fn checked(url: &str) -> Result<Uri, DownloadError> {
    let uri = url.parse::<Uri>().ok();
    let uri = uri.filter(|uri| uri.authority().is_some() && matches!(uri.scheme_str(), Some("http" | "https")));
    uri.ok_or_else(|| DownloadError::Url(url.to_owned()))
}

/// Where an answer leads: a URL, or a path on the same server.
fn next(from: &Uri, answer: &Response<Incoming>) -> Result<Uri, DownloadError> {
    let status = DownloadError::Status(answer.status());
    let Some(place) = answer.headers().get(LOCATION).and_then(|place| place.to_str().ok()) else { return Err(status) };
    match (place.starts_with('/') && !place.starts_with("//"), from.scheme_str(), from.authority()) {
        (true, Some(scheme), Some(authority)) => checked(&format!("{scheme}://{authority}{place}")),
        _ => checked(place),
    }
}

fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        text = format!("{text}: {next}");
        cause = next.source();
    }
    text
}
