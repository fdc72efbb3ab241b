//! Where events go: the application variable `event_sink`, by HTTP.

use std::time::Duration;

use ::http::{Method, header};

use crate::outgoing::{self, Outgoing};

/// Longer than a healthy sink takes, shorter than the lease under which it is asked.
pub const TIMEOUT: Duration = Duration::from_secs(8);
/// Enough of a problem to log.
const ANSWER_LIMIT_BYTES: usize = 16 << 10;

/// What the sink said to a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// Every event is durably stored there.
    Stored,
    /// Nothing is; worth another try, not before this long.
    Later { reason: String, after: Option<Duration> },
    /// Nothing is, and the same batch never will be.
    Refused(String),
}

/// Takes batches of events; a real one is [`HttpSink`].
pub trait Sink {
    /// `batch` is a JSON array of CloudEvents.
    #[expect(async_fn_in_trait, reason = "a guest is single-threaded: no bound is needed")]
    async fn send(&self, batch: String) -> Said;
}

/// The sink at this URL.
#[derive(Clone, Debug)]
pub struct HttpSink(pub String);

impl Sink for HttpSink {
    async fn send(&self, batch: String) -> Said {
        let mut request = Outgoing::new(Method::POST, &self.0, batch.into_bytes());
        request.header(header::CONTENT_TYPE, "application/cloudevents-batch+json");
        match outgoing::send(request, TIMEOUT, ANSWER_LIMIT_BYTES).await {
            Ok(answer) => said(answer.status().as_u16(), answer.headers(), answer.body()),
            Err(failure) => Said::Later { reason: failure.to_string(), after: None },
        }
    }
}

/// 400, 413 and 422 tell of the events; everything else of the sink or of the way to it.
fn said(status: u16, headers: &::http::HeaderMap, body: &[u8]) -> Said {
    let reason = || format!("{status}: {}", String::from_utf8_lossy(body).chars().take(500).collect::<String>());
    match status {
        200..=299 => Said::Stored,
        400 | 413 | 422 => Said::Refused(reason()),
        _ => Said::Later { reason: format!("the sink answered {status}"), after: outgoing::retry_after(headers) },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_a_bad_event_from_a_bad_moment() {
        let headers = ::http::HeaderMap::new();
        assert_eq!(said(202, &headers, b""), Said::Stored);
        assert!(matches!(said(400, &headers, b"no type"), Said::Refused(reason) if reason.contains("no type")));
        for status in [302, 401, 404, 408, 429, 500, 503] {
            assert!(matches!(said(status, &headers, b""), Said::Later { .. }), "{status}");
        }
    }
}
