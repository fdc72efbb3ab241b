//! The beginning of an answer that does not announce its length: whether it is worth the effort shows when it comes.

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use http_body_util::{BodyExt, Full};
use kobliat_engine::Body;
use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use wasmtime_wasi_http::Error;

pub(super) enum Begun {
    /// It ended, or there was no more of it in time.
    Short(Body),
    /// So much of it has come.
    Long(Body),
}

impl Begun {
    pub async fn look(mut body: Body, least: u64, most: Duration) -> Self {
        let mut first = First::default();
        let looked = tokio::time::timeout(most, first.read(&mut body, least)).await;
        let is_long = first.bytes >= least;
        if looked.is_ok() && !is_long && first.is_plain() {
            return Self::Short(first.whole());
        }
        let body = first.before(body).boxed_unsync();
        if is_long { Self::Long(body) } else { Self::Short(body) }
    }
}

#[derive(Default)]
struct First {
    frames: VecDeque<Result<Frame<Bytes>, Error>>,
    bytes: u64,
}

impl First {
    /// Comes back with the end, or with enough.
    async fn read(&mut self, body: &mut Body, least: u64) {
        while self.bytes < least {
            let Some(frame) = body.frame().await else { return };
            self.bytes += frame.as_ref().ok().and_then(Frame::data_ref).map_or(0, |data| data.len() as u64);
            self.frames.push_back(frame);
        }
    }

    /// It is nothing but data.
    fn is_plain(&self) -> bool {
        self.frames.iter().all(|frame| frame.as_ref().is_ok_and(Frame::is_data))
    }

    fn whole(self) -> Body {
        let parts = self.frames.into_iter().filter_map(|frame| frame.ok()?.into_data().ok());
        let parts: Vec<Bytes> = parts.collect();
        let whole = match parts.as_slice() {
            [only] => only.clone(),
            several => Bytes::from(several.concat()),
        };
        Full::new(whole).map_err(|never| match never {}).boxed_unsync()
    }

    fn before(self, rest: Body) -> Resumed {
        Resumed { first: self.frames, rest }
    }
}

/// What was looked at, and what follows it.
struct Resumed {
    first: VecDeque<Result<Frame<Bytes>, Error>>,
    rest: Body,
}

impl HttpBody for Resumed {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        match self.first.pop_front() {
            Some(frame) => Poll::Ready(Some(frame)),
            None => Pin::new(&mut self.rest).poll_frame(context),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.first.is_empty() && self.rest.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::default()
    }
}
