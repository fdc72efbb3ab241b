//! Request bodies that nobody read to their end: read away, so that the client gets its answer.
//!
//! A connection that is closed while the client still sends is reset, and the reset overtakes the answer (a 413, say).

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::runtime::Handle;

/// A client that sends more than this after its answer is cut off.
const MOST_BYTES: usize = 16 << 20;

/// So is one that takes longer.
const LONGEST: Duration = Duration::from_secs(5);

/// A request's body; what is left of it when it is dropped is read away.
pub struct Drained {
    /// `None` once it is on its way out.
    body: Option<Incoming>,
    /// A client that waits for the word to send (`Expect: 100-continue`) has sent nothing yet, and must not be told to.
    drain: bool,
}

impl Drained {
    pub fn new(body: Incoming, client_waits: bool) -> Self {
        Self { body: Some(body), drain: !client_waits }
    }

    /// Drops it: its client has had all the time that it gets.
    pub fn abandon(mut self) {
        self.drain = false;
    }
}

impl Body for Drained {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        // Who reads has told the client to send.
        self.drain = true;
        match &mut self.body {
            Some(body) => Pin::new(body).poll_frame(context),
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or_else(|| SizeHint::with_exact(0), Body::size_hint)
    }
}

impl Drop for Drained {
    fn drop(&mut self) {
        let rest = self.body.take().filter(|body| self.drain && !body.is_end_stream());
        if let (Some(rest), Ok(runtime)) = (rest, Handle::try_current()) {
            runtime.spawn(tokio::time::timeout(LONGEST, drain(rest)));
        }
    }
}

async fn drain(mut body: Incoming) {
    let mut bytes = 0;
    while let Some(Ok(frame)) = body.frame().await {
        bytes += frame.data_ref().map_or(0, Bytes::len);
        if bytes > MOST_BYTES {
            return;
        }
    }
}
