//! An answer on its way to its client. While the client reads, the body goes straight through; when it does not, what the
//! component still has to say is taken from it, up to a bound, so that the component is free although its client is slow.

use crate::memory::Lease;
use crate::places::Claim;
use crate::rules::Rules;
use crate::sockets::Socket;
use crate::wait::Wait;
use bytes::Bytes;
use http::Response;
use http_body::{Body as HttpBody, Frame, SizeHint};
use http_body_util::BodyExt;
use kobliat_engine::Body;
use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use wasmtime_wasi_http::Error as BodyError;

/// The most that is taken of one answer for a client that does not read it.
const MOST: usize = 256 << 10;

/// A client that has not come for more by then is not reading.
const UNREAD_MS: u64 = 100;

pub(crate) struct Answer {
    state: Mutex<State>,
    /// For the client to come for more.
    unread: Wait,
    socket: Arc<Socket>,
}

struct State {
    /// The component's end; `None` when it has said everything, or was given up.
    body: Option<Body>,
    claim: Option<Claim>,
    /// What was taken for a client that did not read.
    taken: VecDeque<Frame<Bytes>>,
    taken_bytes: usize,
    lease: Lease,
    failure: Option<BodyError>,
    reader: Option<Waker>,
    taking: bool,
    /// There is no room to take more.
    full: bool,
}

/// The response with a body that gives the place back when its component has said everything.
pub(crate) fn hold(response: Response<Body>, claim: Claim, lease: Lease) -> Response<Body> {
    if response.body().is_end_stream() {
        return response;
    }
    let hold = Arc::clone(claim.hold());
    response.map(|body| {
        let state = State {
            body: Some(body),
            claim: Some(claim),
            taken: VecDeque::new(),
            taken_bytes: 0,
            lease,
            failure: None,
            reader: None,
            taking: false,
            full: false,
        };
        let answer =
            Answer { state: Mutex::new(state), unread: Wait::new(hold.rate()), socket: Arc::clone(hold.socket()) };
        answer.unread.begin();
        answer.socket.begin_answer();
        let answer = Arc::new(answer);
        hold.answers(Arc::downgrade(&answer));
        Outgoing(answer).boxed_unsync()
    })
}

impl Answer {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives the component up: its client hears that the answer is not whole.
    pub fn abort(&self) {
        let ended = {
            let mut state = self.state();
            if state.body.is_none() && state.taken.is_empty() {
                return;
            }
            state.failure = Some(BodyError::ConnectionWriteTimeout);
            state.taken.clear();
            let bytes = std::mem::take(&mut state.taken_bytes);
            state.lease.shrink(bytes);
            (state.end(), state.reader.take())
        };
        if let Some(reader) = ended.1 {
            reader.wake();
        }
    }

    /// Starts to take the body where its client does not.
    pub fn take_over(self: &Arc<Self>, now: u64) {
        if self.unread.lasts(now) < UNREAD_MS {
            return;
        }
        let mut state = self.state();
        if state.body.is_none() || state.taking || state.has_no_room() {
            return;
        }
        state.taking = true;
        drop(state);
        let answer = Arc::clone(self);
        tokio::spawn(async move { poll_fn(|context| answer.poll_take(context)).await });
    }

    /// Ready when there is nothing to take, no room for it, or somebody who reads.
    fn poll_take(&self, context: &mut Context<'_>) -> Poll<()> {
        loop {
            let mut state = self.state();
            if state.body.is_none() || state.reader.is_some() || state.has_no_room() {
                state.taking = false;
                return Poll::Ready(());
            }
            let Some(polled) = state.poll_body(context) else { continue };
            let ended = match polled {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Some(Ok(frame))) => {
                    let bytes = frame.data_ref().map_or(0, Bytes::len);
                    state.lease.force(bytes);
                    state.taken_bytes += bytes;
                    state.taken.push_back(frame);
                    None
                }
                Poll::Ready(Some(Err(error))) => {
                    state.failure = Some(error);
                    Some(state.end())
                }
                Poll::Ready(None) => Some(state.end()),
            };
            drop(state);
            // Both have locks of their own.
            drop(ended);
        }
    }

    /// For how long the component has waited for the client alone.
    pub fn stalls_for(&self, now: u64) -> u64 {
        let state = self.state();
        if state.body.is_some() && state.full { self.unread.lasts(now) } else { 0 }
    }

    pub fn is_overdue(&self, now: u64, rules: &Rules) -> bool {
        let is_full = self.state().full;
        is_full && self.unread.is_overdue(now, rules.reader_wait)
    }

    fn poll_read(&self, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        self.unread.end();
        let mut state = self.state();
        state.reader = None;
        if let Some(frame) = state.taken.pop_front() {
            let bytes = frame.data_ref().map_or(0, Bytes::len);
            state.taken_bytes -= bytes;
            state.full = false;
            state.lease.shrink(bytes);
            return self.hand_out(frame);
        }
        if let Some(failure) = state.failure.take() {
            return Poll::Ready(Some(Err(failure)));
        }
        let Some(polled) = state.poll_body(context) else { return Poll::Ready(None) };
        let ended = match &polled {
            Poll::Pending => {
                state.reader = Some(context.waker().clone());
                None
            }
            Poll::Ready(Some(Ok(_))) if !state.has_ended() => None,
            Poll::Ready(_) => Some(state.end()),
        };
        drop(state);
        drop(ended);
        match polled {
            Poll::Ready(Some(Ok(frame))) => self.hand_out(frame),
            other => other,
        }
    }

    fn hand_out(&self, frame: Frame<Bytes>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        self.unread.moved(frame.data_ref().map_or(0, Bytes::len));
        self.unread.begin();
        self.socket.moved();
        Poll::Ready(Some(Ok(frame)))
    }
}

/// The next piece of a body; nothing at its end.
type Polled = Option<Result<Frame<Bytes>, BodyError>>;

impl State {
    fn poll_body(&mut self, context: &mut Context<'_>) -> Option<Poll<Polled>> {
        self.body.as_mut().map(|body| Pin::new(body).poll_frame(context))
    }

    fn has_ended(&self) -> bool {
        self.body.as_ref().is_none_or(HttpBody::is_end_stream)
    }

    /// Drop what is returned where nothing is locked.
    fn end(&mut self) -> (Option<Body>, Option<Claim>) {
        (self.body.take(), self.claim.take())
    }

    fn has_no_room(&mut self) -> bool {
        self.full = self.taken_bytes >= MOST || !self.lease.has_room(1);
        self.full
    }
}

/// What hyper sends.
struct Outgoing(Arc<Answer>);

impl HttpBody for Outgoing {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        self.0.poll_read(context)
    }

    fn is_end_stream(&self) -> bool {
        let state = self.0.state();
        state.taken.is_empty() && state.failure.is_none() && state.has_ended()
    }

    fn size_hint(&self) -> SizeHint {
        let state = self.0.state();
        let taken = state.taken_bytes as u64;
        let mut hint = state.body.as_ref().map_or_else(|| SizeHint::with_exact(0), HttpBody::size_hint);
        if let Some(upper) = hint.upper() {
            hint.set_upper(upper.saturating_add(taken));
        }
        hint.set_lower(hint.lower().saturating_add(taken));
        hint
    }
}

/// Nobody reads any more: the component's end is dropped now, not with whoever looks at the answer at the moment.
impl Drop for Outgoing {
    fn drop(&mut self) {
        let ended = {
            let mut state = self.0.state();
            state.taken.clear();
            state.end()
        };
        drop(ended);
        self.0.socket.end_answer();
    }
}
