//! What of a request's body arrives before the request takes a place of its component.
//!
//! A client that does not send holds nobody's place, and not for long. A body that announces its length is there whole, or
//! with its first 64 KiB; one that does not is there with its first part, because its component may want to answer that
//! before there is more. Where the manifest says `buffer`, every body is there whole or with so much of it.

mod arriving;
mod table;

use crate::drain::Drained;
use crate::memory::{Lease, Memory, Owner};
use crate::rules::Rules;
use crate::sockets::Socket;
use crate::wait::{self, Wait};
pub(crate) use arriving::Arriving;
use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http_body::{Body as HttpBody, Frame};
use kobliat_engine::Room;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;
pub(crate) use table::Table;

/// Of a body that announces its length.
const BUFFER: usize = 64 << 10;

/// What a request costs that waits for its body, beside its head and its body: a task, its future, its place in tables.
const WAITING: usize = 2 << 10;

/// Why a request got no further than here.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The body came too slowly.
    TooSlow,
    /// Others needed the memory, and this was the oldest of those that wait.
    NoRoom,
    /// It announces more than its component takes.
    TooLarge,
    /// The client broke off.
    Broken,
}

/// How a request's body is read.
pub(crate) struct Plan<'a> {
    pub table: &'a Arc<Table>,
    pub memory: &'a Arc<Memory>,
    pub rules: &'a Rules,
    pub socket: &'a Arc<Socket>,
    pub room: &'a Room,
    pub owner: Owner,
    /// Bytes of the request's head.
    pub head: usize,
    /// The client sends its body when it is told to (`Expect: 100-continue`), which its component decides.
    pub client_waits: bool,
}

/// As much of a body as had to be there.
#[derive(Default)]
pub(crate) struct Arrived {
    pub first: Bytes,
    pub trailers: Option<HeaderMap>,
    /// What has not come yet.
    pub rest: Option<Drained>,
    /// What `first` counts as.
    pub lease: Option<Lease>,
}

impl Plan<'_> {
    /// So much has to be there.
    fn least(&self, body: &Drained) -> usize {
        if self.client_waits || body.is_end_stream() {
            return 0;
        }
        let announced = body.size_hint().exact().map(|length| usize::try_from(length).unwrap_or(usize::MAX));
        match (announced, self.room.buffer) {
            (Some(length), buffer) => length.min(buffer.unwrap_or(BUFFER)),
            (None, Some(buffer)) => buffer,
            (None, None) => 1,
        }
    }
}

pub(crate) async fn read(body: Drained, plan: &Plan<'_>) -> Result<Arrived, Failure> {
    if plan.room.body.is_some_and(|most| body.size_hint().lower() > most) {
        return Err(Failure::TooLarge);
    }
    let least = plan.least(&body);
    let mut part = Part::default();
    let mut body = Some(body);
    // What is there already needs neither a place in the table nor a timer.
    while !part.is_enough(least) && body.is_some() {
        let polled = poll_fn(|context| Poll::Ready(poll(&mut body, context))).await;
        match polled {
            Poll::Ready(Ok(frame)) => part.add(frame),
            Poll::Ready(Err(failure)) => return Err(failure),
            Poll::Pending => return await_more(body, part, least, plan).await,
        }
    }
    let lease = match part.len {
        0 => None,
        bytes => Some(plan.table.lease(plan.memory.lease(plan.owner.clone()), bytes)?),
    };
    Ok(part.arrived(body, lease))
}

/// The body's next part; where it has ended, there is none left.
fn poll(
    body: &mut Option<Drained>,
    context: &mut std::task::Context<'_>,
) -> Poll<Result<Option<Frame<Bytes>>, Failure>> {
    let Some(arriving) = body else { return Poll::Ready(Ok(None)) };
    let polled = Pin::new(&mut *arriving).poll_frame(context);
    if matches!(&polled, Poll::Ready(None)) || arriving.is_end_stream() {
        *body = None;
    }
    polled.map(|frame| frame.transpose().map_err(|_| Failure::Broken))
}

/// Slow bodies are in a table, in which the oldest makes room when there are too many.
async fn await_more(mut body: Option<Drained>, part: Part, least: usize, plan: &Plan<'_>) -> Result<Arrived, Failure> {
    let lease = plan.memory.lease(plan.owner.clone());
    let entry = plan.table.enter(lease, part, plan.head.saturating_add(WAITING))?;
    let slowness = Wait::new(plan.rules.rate);
    slowness.begin();
    let mut timer = std::pin::pin!(tokio::time::sleep(plan.rules.body_wait));
    let outcome = poll_fn(|context| {
        loop {
            if !entry.is_here(context.waker()) {
                return Poll::Ready(Err(Failure::NoRoom));
            }
            if body.is_none() || entry.is_enough(least) {
                return Poll::Ready(Ok(()));
            }
            match poll(&mut body, context) {
                Poll::Ready(Ok(frame)) => {
                    slowness.end();
                    slowness.moved(frame.as_ref().and_then(Frame::data_ref).map_or(0, Bytes::len));
                    slowness.begin();
                    entry.add(frame)?;
                }
                Poll::Ready(Err(failure)) => return Poll::Ready(Err(failure)),
                Poll::Pending => break,
            }
            plan.socket.moved();
        }
        while timer.as_mut().poll(context).is_ready() {
            let behind = Duration::from_millis(slowness.behind(wait::now()));
            let Some(left) = plan.rules.body_wait.checked_sub(behind).filter(|left| !left.is_zero()) else {
                return Poll::Ready(Err(Failure::TooSlow));
            };
            timer.as_mut().reset(tokio::time::Instant::now() + left);
        }
        Poll::Pending
    })
    .await;
    match outcome {
        Ok(()) => entry.take().map(|(part, lease)| part.arrived(body, Some(lease))).ok_or(Failure::NoRoom),
        Err(failure) => {
            if let Some(body) = body {
                body.abandon();
            }
            Err(failure)
        }
    }
}

/// What has arrived so far. One piece stays as it came; several are copied together, because each might hold a large
/// buffer of the connection's for a few bytes.
#[derive(Default)]
pub(crate) struct Part {
    only: Bytes,
    several: BytesMut,
    trailers: Option<HeaderMap>,
    len: usize,
}

impl Part {
    fn add(&mut self, frame: Option<Frame<Bytes>>) {
        let Some(frame) = frame else { return };
        match frame.into_data() {
            Ok(data) => self.add_data(data),
            Err(frame) => self.trailers = frame.into_trailers().ok(),
        }
    }

    fn add_data(&mut self, data: Bytes) {
        if self.len == 0 {
            self.len = data.len();
            self.only = data;
            return;
        }
        let only = std::mem::take(&mut self.only);
        self.several.extend_from_slice(&only);
        self.several.extend_from_slice(&data);
        self.len = self.several.len();
    }

    /// A client may take long from here on: its first piece must not hold more than itself.
    fn detach(&mut self) {
        let only = std::mem::take(&mut self.only);
        self.several.extend_from_slice(&only);
    }

    fn is_enough(&self, least: usize) -> bool {
        self.len >= least
    }

    fn arrived(self, rest: Option<Drained>, lease: Option<Lease>) -> Arrived {
        let first = if self.several.is_empty() { self.only } else { self.several.freeze() };
        Arrived { first, trailers: self.trailers, rest, lease }
    }
}
