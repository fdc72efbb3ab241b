//! One request that a component works for, as its client's behaviour is judged: what it waits for, and since when.

use super::Whose;
use crate::outgoing::Answer;
use crate::rules::Rules;
use crate::sockets::Socket;
use crate::wait::Wait;
use futures::task::AtomicWaker;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, OnceLock, Weak};
use std::task::Waker;

pub(crate) struct Hold {
    whose: Whose,
    socket: Arc<Socket>,
    /// Bytes a second that are fast enough.
    rate: u64,
    /// For the rest of its body.
    upload: Wait,
    uploader: AtomicWaker,
    cut: AtomicBool,
    answer: OnceLock<Weak<Answer>>,
}

impl Hold {
    pub fn new(whose: Whose, socket: Arc<Socket>, rate: u64) -> Self {
        socket.begin_work();
        Self {
            whose,
            socket,
            rate,
            upload: Wait::new(rate),
            uploader: AtomicWaker::new(),
            cut: AtomicBool::new(false),
            answer: OnceLock::new(),
        }
    }

    pub fn whose(&self) -> &Whose {
        &self.whose
    }

    pub fn socket(&self) -> &Arc<Socket> {
        &self.socket
    }

    pub fn rate(&self) -> u64 {
        self.rate
    }

    /// The component reads its request, and the client has sent no more.
    pub fn awaits_body(&self, waker: &Waker) {
        self.upload.begin();
        self.uploader.register(waker);
    }

    pub fn body_moved(&self, bytes: usize) {
        self.upload.end();
        self.upload.moved(bytes);
        self.socket.moved();
    }

    /// From now on the client is judged by how it reads.
    pub fn answers(&self, answer: Weak<Answer>) {
        drop(self.answer.set(answer));
    }

    fn answer(&self) -> Option<Arc<Answer>> {
        self.answer.get().and_then(Weak::upgrade)
    }

    /// It was given up: its client kept it waiting.
    pub fn is_cut(&self) -> bool {
        self.cut.load(Relaxed)
    }

    /// Ends it, as far as its client is concerned: its body breaks off, and its answer.
    pub fn cut(&self) {
        self.cut.store(true, Relaxed);
        self.uploader.wake();
        if let Some(answer) = self.answer() {
            answer.abort();
        }
    }

    /// Takes what the component has for a client that does not come for it.
    pub fn take_over(&self, now: u64) {
        if let Some(answer) = self.answer() {
            answer.take_over(now);
        }
    }

    /// For how long its component has waited for nothing but the client, in milliseconds.
    pub fn stalls_for(&self, now: u64) -> u64 {
        let unread = self.answer().map_or(0, |answer| answer.stalls_for(now));
        self.upload.lasts(now).max(unread)
    }

    /// The client is slower than anybody may be. A body may take its time once there is an answer: then both sides
    /// talk, and only the component knows who is to speak next.
    pub fn is_overdue(&self, now: u64, rules: &Rules) -> bool {
        match self.answer.get() {
            None => self.upload.is_overdue(now, rules.body_wait),
            Some(answer) => answer.upgrade().is_some_and(|answer| answer.is_overdue(now, rules)),
        }
    }
}
