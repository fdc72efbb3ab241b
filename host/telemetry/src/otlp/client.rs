//! One request to the collector, tried again where OTLP says that it may be.

use super::settings::Destination;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, Request, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use std::time::Duration;

/// With the first; what does not get through then is lost, because the next is due.
const ATTEMPTS: u32 = 3;

/// Before the second attempt; doubled before the third.
const FIRST_DELAY: Duration = Duration::from_millis(500);

/// A collector that wants more time than this gets the next batch, not this one.
const LONGEST_DELAY: Duration = Duration::from_secs(5);

/// An answer that is longer is not read on.
const MAX_ANSWER: usize = 64 << 10;

#[derive(Clone)]
pub(crate) struct Client(legacy::Client<HttpsConnector<HttpConnector>, Full<Bytes>>);

enum Failure {
    Final(String),
    Again(String, Option<Duration>),
}

impl Client {
    pub fn new(tls: rustls::ClientConfig) -> Self {
        let connector = HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http().enable_http1().build();
        Self(legacy::Client::builder(TokioExecutor::new()).build(connector))
    }

    /// The error says why the collector does not have it.
    pub async fn post(&self, to: &Destination, message: Bytes) -> Result<(), String> {
        let mut delay = FIRST_DELAY;
        for attempt in 1.. {
            let why = match self.attempt(to, message.clone()).await {
                Ok(()) => return Ok(()),
                Err(Failure::Final(why)) => return Err(why),
                Err(Failure::Again(why, asked)) => {
                    delay = asked.unwrap_or(delay);
                    why
                }
            };
            if attempt == ATTEMPTS || delay > LONGEST_DELAY {
                return Err(why);
            }
            tokio::time::sleep(delay).await;
            delay *= 2;
        }
        Ok(())
    }

    async fn attempt(&self, to: &Destination, message: Bytes) -> Result<(), Failure> {
        let mut request = Request::new(Full::new(message));
        *request.method_mut() = http::Method::POST;
        *request.uri_mut() = to.uri.clone();
        request.headers_mut().extend(to.headers.clone());
        request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/x-protobuf"));
        let exchange = async {
            let response = self.0.request(request).await.map_err(|error| error.to_string())?;
            let (head, body) = response.into_parts();
            // Read to its end, so that the connection can be used again.
            let _ = Limited::new(body, MAX_ANSWER).collect().await;
            Ok(head)
        };
        let head = match tokio::time::timeout(to.timeout, exchange).await {
            Ok(Ok(head)) => head,
            Ok(Err(why)) => return Err(Failure::Again(why, None)),
            Err(_elapsed) => {
                return Err(Failure::Again(format!("no answer within {} ms", to.timeout.as_millis()), None));
            }
        };
        if head.status.is_success() {
            return Ok(());
        }
        let why = format!("it answered {}", head.status);
        let asked = head.headers.get(RETRY_AFTER).and_then(|after| after.to_str().ok()?.trim().parse().ok());
        match head.status {
            StatusCode::TOO_MANY_REQUESTS
            | StatusCode::BAD_GATEWAY
            | StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::GATEWAY_TIMEOUT => Err(Failure::Again(why, asked.map(Duration::from_secs))),
            _ => Err(Failure::Final(why)),
        }
    }
}
