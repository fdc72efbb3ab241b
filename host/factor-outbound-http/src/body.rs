//! What a guest is still sending when its request has come to an end: it goes nowhere, and the guest hears of the end by
//! the answer instead of a body that breaks off. (A JavaScript engine takes the latter for a crash of its own.)

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Buf, Bytes};
use http_body::{Body as _, Frame, SizeHint};
use http_body_util::BodyExt;
use kobliat_engine::{Body, Held, SendError};
use tokio::runtime::Handle;

/// As much as is taken from a guest for nothing: several of the pieces that guests write at once.
const DISCARDED: usize = 64 * 1024;

/// The body of a request on its way out; what is left of it when it is dropped is read and thrown away.
pub(crate) fn read_on(body: Body) -> Body {
    if body.is_end_stream() { body } else { ReadOn { unread: Some(body) }.boxed_unsync() }
}

struct ReadOn {
    /// Nothing once it has ended.
    unread: Option<Body>,
}

impl http_body::Body for ReadOn {
    type Data = Bytes;
    type Error = SendError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, SendError>>> {
        let Some(body) = &mut self.unread else { return Poll::Ready(None) };
        let polled = Pin::new(body).poll_frame(context);
        if matches!(polled, Poll::Ready(None | Some(Err(_)))) {
            self.unread = None;
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.unread.as_ref().is_none_or(http_body::Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.unread.as_ref().map_or_else(|| SizeHint::with_exact(0), http_body::Body::size_hint)
    }
}

impl Drop for ReadOn {
    /// Reading ends with the body, which ends with the instance that sends it.
    fn drop(&mut self) {
        let Some(body) = self.unread.take().filter(|body| !body.is_end_stream()) else { return };
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(discard(body));
        }
    }
}

/// The body of an answer: it counts until it has ended or nobody wants it.
pub(crate) fn hold(body: Body, held: Held) -> Body {
    if body.is_end_stream() { body } else { Counted { body, held: Some(held) }.boxed_unsync() }
}

struct Counted {
    body: Body,
    held: Option<Held>,
}

impl http_body::Body for Counted {
    type Data = Bytes;
    type Error = SendError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, SendError>>> {
        let polled = Pin::new(&mut self.body).poll_frame(context);
        if matches!(polled, Poll::Ready(None | Some(Err(_)))) {
            self.held = None;
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

async fn discard(mut body: Body) {
    let mut left = DISCARDED;
    while let Some(Ok(frame)) = body.frame().await {
        let length = frame.data_ref().map_or(0, Buf::remaining);
        if length >= left {
            return;
        }
        left -= length;
    }
}

#[cfg(test)]
mod tests {
    use futures::channel::mpsc;
    use http_body_util::StreamBody;

    use super::*;

    type Frames = mpsc::Sender<Result<Frame<Bytes>, SendError>>;

    /// A body as a guest writes it: piece by piece, waiting until the piece before was taken.
    fn written() -> (Frames, Body) {
        let (writer, frames) = mpsc::channel(0);
        (writer, read_on(StreamBody::new(frames).boxed_unsync()))
    }

    async fn writes(writer: &mut Frames, length: usize) -> bool {
        let piece = Frame::data(Bytes::from(vec![0; length]));
        futures::SinkExt::send(writer, Ok(piece)).await.is_ok()
    }

    #[tokio::test]
    async fn who_is_not_read_any_more_may_write_on() {
        let (mut writer, body) = written();
        drop(body);
        for _ in 0..4 {
            assert!(writes(&mut writer, 4096).await);
        }
    }

    #[tokio::test]
    async fn nobody_writes_for_ever_to_no_one() {
        let (mut writer, body) = written();
        drop(body);
        let mut pieces = 0;
        while writes(&mut writer, 4096).await {
            pieces += 1;
            assert!(pieces < 100, "it is read without end");
        }
    }

    #[tokio::test]
    async fn an_answer_counts_until_it_was_read() {
        let allowance = kobliat_engine::Allowance::new(100);
        let (mut writer, body) = written();
        let body = hold(body, allowance.take(60).unwrap());
        let empty = hold(
            http_body_util::Empty::new().map_err(|never| match never {}).boxed_unsync(),
            allowance.take(40).unwrap(),
        );
        assert_eq!(allowance.used(), 60, "nothing is held of an empty one");
        drop(empty);
        let writing = async move { assert!(writes(&mut writer, 10_000).await) };
        let (read, ()) = futures::join!(body.collect(), writing);
        assert_eq!((read.unwrap().to_bytes().len(), allowance.used()), (10_000, 0));
    }

    #[tokio::test]
    async fn what_is_read_is_what_was_written() {
        let (mut writer, body) = written();
        let writing = async move { assert!(writes(&mut writer, 10_000).await) };
        let (read, ()) = futures::join!(body.collect(), writing);
        assert_eq!(read.unwrap().to_bytes().len(), 10_000);
    }
}
