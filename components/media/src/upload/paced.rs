//! The body as the form's parser gets it: piece by piece. Left to itself the parser reads all that there is into memory, and looks for
//! the end of a part's head for as long as it takes.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
};

use bytes::Bytes;
use futures::Stream;
use http_body::Body;
use spin_sdk::http::BoxBody;

/// Larger pieces are cut.
const PIECE_BYTES: usize = 64 << 10;
/// What may come without the parser getting anywhere: the head of a part has a few hundred bytes.
const MAX_IDLE_BYTES: usize = 256 << 10;

/// How much the parser was given since it last got somewhere.
#[derive(Clone, Default)]
pub struct Paced(Arc<AtomicUsize>);

/// The parser got nowhere with all it was given.
#[derive(Debug)]
pub struct Endless;

impl std::fmt::Display for Endless {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the head of a part has no end")
    }
}

impl std::error::Error for Endless {}

impl Paced {
    pub fn stream(&self, body: BoxBody) -> impl Stream<Item = Result<Bytes, BoxError>> + Send + 'static {
        Pieces { body, left: Bytes::new(), has_given: false, idle: self.clone() }
    }

    /// The parser has found a part, or some of its bytes.
    pub fn went_on(&self) {
        self.0.store(0, Ordering::Relaxed);
    }
}

type BoxError = Box<dyn std::error::Error + Send + Sync>;

struct Pieces {
    body: BoxBody,
    left: Bytes,
    has_given: bool,
    idle: Paced,
}

impl Stream for Pieces {
    type Item = Result<Bytes, BoxError>;

    fn poll_next(mut self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        // After each piece it is the parser's turn.
        if std::mem::take(&mut self.has_given) {
            task.waker().wake_by_ref();
            return Poll::Pending;
        }
        while self.left.is_empty() {
            match std::task::ready!(Pin::new(&mut self.body).poll_frame(task)) {
                None => return Poll::Ready(None),
                Some(Err(error)) => return Poll::Ready(Some(Err(error.into()))),
                Some(Ok(frame)) => self.left = frame.into_data().unwrap_or_default(),
            }
        }
        let length = self.left.len().min(PIECE_BYTES);
        let piece = self.left.split_to(length);
        if self.idle.0.fetch_add(length, Ordering::Relaxed) > MAX_IDLE_BYTES {
            return Poll::Ready(Some(Err(Box::new(Endless))));
        }
        self.has_given = true;
        Poll::Ready(Some(Ok(piece)))
    }
}
