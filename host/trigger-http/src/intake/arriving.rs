//! The body of a request as its component reads it: what has arrived, then what still comes, as long as its client sends.

use super::Arrived;
use crate::drain::Drained;
use crate::places::Hold;
use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use http_body_util::{BodyExt, Empty};
use kobliat_engine::Body;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use wasmtime_wasi_http::Error as BodyError;

pub(crate) struct Arriving {
    arrived: Arrived,
    hold: Arc<Hold>,
}

impl Arriving {
    pub fn body(arrived: Arrived, hold: &Arc<Hold>) -> Body {
        if arrived.is_whole() && arrived.first.is_empty() && arrived.trailers.is_none() {
            return Empty::new().map_err(|never| match never {}).boxed_unsync();
        }
        Self { arrived, hold: Arc::clone(hold) }.boxed_unsync()
    }

    fn poll_rest(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let Some(rest) = &mut self.arrived.rest else {
            return Poll::Ready(self.arrived.trailers.take().map(|trailers| Ok(Frame::trailers(trailers))));
        };
        match Pin::new(rest).poll_frame(context) {
            Poll::Pending => {
                self.hold.awaits_body(context.waker());
                // It may have been cut since it was looked at.
                if self.hold.is_cut() { self.break_off() } else { Poll::Pending }
            }
            Poll::Ready(frame) => {
                let bytes = frame.as_ref().and_then(|frame| frame.as_ref().ok()?.data_ref()).map_or(0, Bytes::len);
                self.hold.body_moved(bytes);
                Poll::Ready(frame.map(|frame| frame.map_err(BodyError::from)))
            }
        }
    }

    fn break_off(&mut self) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        if let Some(rest) = self.arrived.rest.take() {
            rest.abandon();
        }
        Poll::Ready(Some(Err(BodyError::ConnectionReadTimeout)))
    }
}

impl Arrived {
    fn is_whole(&self) -> bool {
        self.rest.as_ref().is_none_or(Drained::is_end_stream)
    }
}

impl HttpBody for Arriving {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let first = std::mem::take(&mut self.arrived.first);
        if !first.is_empty() {
            // From here on it is the component's, which has a limit of its own.
            self.arrived.lease = None;
            return Poll::Ready(Some(Ok(Frame::data(first))));
        }
        if self.hold.is_cut() && self.arrived.rest.is_some() {
            return self.break_off();
        }
        self.poll_rest(context)
    }

    fn is_end_stream(&self) -> bool {
        self.arrived.first.is_empty() && self.arrived.trailers.is_none() && self.arrived.is_whole()
    }

    fn size_hint(&self) -> SizeHint {
        let arrived = self.arrived.first.len() as u64;
        let mut hint = self.arrived.rest.as_ref().map_or_else(|| SizeHint::with_exact(0), HttpBody::size_hint);
        if let Some(upper) = hint.upper() {
            hint.set_upper(upper.saturating_add(arrived));
        }
        hint.set_lower(hint.lower().saturating_add(arrived));
        hint
    }
}

/// A body that is no longer read is not awaited.
impl Drop for Arriving {
    fn drop(&mut self) {
        self.hold.body_moved(0);
    }
}
