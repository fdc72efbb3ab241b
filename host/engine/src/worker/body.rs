//! The body of a response on its way out: when its instance dies before its end, it ends with an error, so that nobody takes
//! half of it for the whole.

use super::streams::Stream;
use crate::http_client::Body;
use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use http_body_util::BodyExt;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Acquire, Ordering::Release};
use std::task::{Context, Poll};
use wasmtime_wasi_http::Error;

/// Whether an instance died. Noted before its store is dropped: the drop ends its bodies, in a way that looks regular.
#[derive(Clone, Default)]
pub(super) struct Death(Arc<AtomicBool>);

impl Death {
    pub fn note(&self) {
        self.0.store(true, Release);
    }

    fn noted(&self) -> bool {
        self.0.load(Acquire)
    }
}

/// The response with a body that knows of its instance's death, and says how far it has come where that counts.
pub(super) fn guard(response: http::Response<Body>, death: &Death, stream: Option<Stream>) -> http::Response<Body> {
    response.map(|body| Guarded { body, death: death.clone(), stream }.boxed_unsync())
}

struct Guarded {
    body: Body,
    death: Death,
    /// `None` once it has ended.
    stream: Option<Stream>,
}

impl HttpBody for Guarded {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(context);
        match &polled {
            Poll::Ready(Some(Ok(_))) => {
                if let Some(stream) = &self.stream {
                    stream.advance();
                }
            }
            Poll::Ready(None) if self.death.noted() => {
                return Poll::Ready(Some(Err(Error::HttpResponseIncomplete)));
            }
            Poll::Ready(_) => self.stream = None,
            Poll::Pending => {}
        }
        polled
    }

    /// A body whose end was told before the death is whole.
    fn is_end_stream(&self) -> bool {
        !self.death.noted() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
