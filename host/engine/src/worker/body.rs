//! The body of a response: when its instance dies before its end, it ends with an error, so that nobody takes half of it for the whole.

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

/// The response with a body that knows of its instance's death.
pub(super) fn guard(response: http::Response<Body>, death: &Death) -> http::Response<Body> {
    response.map(|body| Guarded { body, death: death.clone() }.boxed_unsync())
}

struct Guarded {
    body: Body,
    death: Death,
}

impl HttpBody for Guarded {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        match Pin::new(&mut self.body).poll_frame(context) {
            Poll::Ready(None) if self.death.noted() => Poll::Ready(Some(Err(Error::HttpResponseIncomplete))),
            polled => polled,
        }
    }

    /// A body whose end was told before the death is whole.
    fn is_end_stream(&self) -> bool {
        !self.death.noted() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
