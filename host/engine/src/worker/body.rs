//! The body of a response on its way out: it counts as work of its instance until its end, and when the instance dies
//! before that, it ends with an error, so that nobody takes half of it for the whole.

use crate::http_client::Body;
use bytes::Bytes;
use futures::task::AtomicWaker;
use http_body::{Body as HttpBody, Frame, SizeHint};
use http_body_util::BodyExt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Acquire, Ordering::Relaxed, Ordering::Release};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
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

/// How far a body has come.
pub(super) struct Progress {
    base: Instant,
    /// Milliseconds after `base` at which something of it was last taken.
    last_ms: AtomicU64,
    ended: AtomicBool,
    waker: AtomicWaker,
}

impl Progress {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            base: Instant::now(),
            last_ms: AtomicU64::new(0),
            ended: AtomicBool::new(false),
            waker: AtomicWaker::new(),
        })
    }

    fn advance(&self) {
        self.last_ms.store(u64::try_from(self.base.elapsed().as_millis()).unwrap_or(u64::MAX), Relaxed);
    }

    fn end(&self) {
        if !self.ended.swap(true, Release) {
            self.waker.wake();
        }
    }

    /// Neither side has moved it for so long.
    pub fn is_stalled(&self, now: Instant, limit: Duration) -> bool {
        let last = self.base + Duration::from_millis(self.last_ms.load(Relaxed));
        now.saturating_duration_since(last) > limit
    }

    /// Waits until it was taken to its end, or its receiver has gone.
    pub async fn ended(&self) {
        poll_fn(|context| {
            self.waker.register(context.waker());
            if self.ended.load(Acquire) { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }
}

/// The response with a body that knows of its instance's death; with it, how far the body has come, when it has one.
pub(super) fn guard(response: http::Response<Body>, death: &Death) -> (http::Response<Body>, Option<Arc<Progress>>) {
    let progress = (!response.body().is_end_stream()).then(Progress::new);
    let kept = progress.clone();
    (response.map(|body| Guarded { body, death: death.clone(), progress }.boxed_unsync()), kept)
}

struct Guarded {
    body: Body,
    death: Death,
    progress: Option<Arc<Progress>>,
}

impl HttpBody for Guarded {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(context);
        match (&polled, &self.progress) {
            (Poll::Ready(Some(Ok(_))), Some(progress)) => progress.advance(),
            (Poll::Ready(None), _) if self.death.noted() => {
                return Poll::Ready(Some(Err(Error::HttpResponseIncomplete)));
            }
            (Poll::Ready(_), Some(progress)) => progress.end(),
            _ => {}
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

impl Drop for Guarded {
    fn drop(&mut self) {
        if let Some(progress) = &self.progress {
            progress.end();
        }
    }
}
