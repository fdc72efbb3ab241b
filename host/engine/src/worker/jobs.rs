//! The jobs of one instance, and the decision to take another.

use super::in_flight::{self, Ended, Exports, InFlight};
use super::watch::Watch;
use crate::budget::PollClock;
use crate::job::Job;
use crate::limits::Share;
use crate::pool::{Ticket, WorkerGuard};
use crate::state::State;
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use std::task::{Context, Poll};
use tracing::debug;
use wasmtime::AsContextMut;
use wasmtime::component::Accessor;

pub(super) struct Jobs<'a> {
    accessor: &'a Accessor<State>,
    exports: &'a Exports,
    guard: &'a WorkerGuard,
    watch: &'a Watch,
    clock: &'a PollClock,
    share: Share,
    running: FuturesUnordered<InFlight<'a>>,
    served: usize,
    /// Nothing but the job that was taken last is under way, no work after an earlier answer either.
    alone: bool,
}

impl<'a> Jobs<'a> {
    pub fn new(
        accessor: &'a Accessor<State>,
        exports: &'a Exports,
        guard: &'a WorkerGuard,
        watch: &'a Watch,
        clock: &'a PollClock,
        share: Share,
    ) -> Self {
        Self { accessor, exports, guard, watch, clock, share, running: FuturesUnordered::new(), served: 0, alone: true }
    }

    /// Ready when the instance has done what it will do.
    pub fn poll(&mut self, context: &mut Context<'_>) -> Poll<wasmtime::Result<()>> {
        let polled = self.poll_jobs(context);
        // The event loop polls this before each piece of work.
        if self.clock.next_work() {
            self.accessor.with(|mut access| access.as_context_mut().set_epoch_deadline(0));
        }
        polled
    }

    fn poll_jobs(&mut self, context: &mut Context<'_>) -> Poll<wasmtime::Result<()>> {
        loop {
            match self.running.poll_next_unpin(context) {
                Poll::Ready(Some(done)) => {
                    match done? {
                        Ended::Answered => continue,
                        // The guest can not be told to stop (wasmtime #11833). Where it does nothing else, its instance goes;
                        // else that takes no more jobs, and goes when the others are done.
                        Ended::Abandoned if self.alone => return Poll::Ready(Ok(())),
                        Ended::Abandoned => self.watch.abandoned(),
                    }
                    continue;
                }
                Poll::Ready(None) | Poll::Pending => {}
            }
            match self.poll_next_job(context) {
                Next::Job(job, ticket) => self.accept(job, ticket, context)?,
                Next::None => return Poll::Pending,
                Next::Leave if !self.running.is_empty() || self.watch.streams().poll_len(context) > 0 => {
                    return Poll::Pending;
                }
                Next::Leave => {
                    // Work after the last answer goes on until it ends or the watch has seen enough.
                    if self.accessor.poll_no_interesting_tasks(context).is_pending() {
                        return Poll::Pending;
                    }
                    return Poll::Ready(Ok(()));
                }
            }
        }
    }

    fn poll_next_job(&mut self, context: &mut Context<'_>) -> Next {
        let Share { concurrency, reuse, .. } = self.share;
        let leaving = self.watch.is_retired() || self.served >= reuse;
        let ready = self.accessor.poll_ready_for_concurrent_call(self.exports.any_function(), context).is_ready();
        if leaving || !ready || !self.has_room(concurrency, context) {
            return match self.guard.dispatch().withdraw(self.guard.slot()) {
                Some((job, ticket)) => Next::Job(job, ticket),
                None if leaving => Next::Leave,
                None => Next::None,
            };
        }
        match self.guard.dispatch().poll_job(self.guard.slot(), context) {
            Poll::Ready(Some((job, ticket))) => Next::Job(job, ticket),
            Poll::Ready(None) => Next::Leave,
            Poll::Pending => Next::None,
        }
    }

    /// Answers on their way take the room of what they answer.
    fn has_room(&self, concurrency: usize, context: &mut Context<'_>) -> bool {
        let streaming = self.watch.streams().len();
        match self.running.len() + streaming {
            0 => true,
            busy if busy < concurrency => self.watch.is_settled(),
            // The worker is woken when one of them ends, which may have happened meanwhile.
            _ => streaming > 0 && self.watch.is_settled() && self.watch.streams().poll_len(context) < streaming,
        }
    }

    fn accept(&mut self, job: Job, ticket: Ticket, context: &mut Context<'_>) -> wasmtime::Result<()> {
        if job.is_abandoned() {
            debug!(component = %self.guard.dispatch().spec.id, "skipped a job that nobody waits for");
            return Ok(());
        }
        self.served += 1;
        self.alone = self.running.is_empty()
            && self.watch.streams().len() == 0
            && self.accessor.poll_no_interesting_tasks(context).is_ready();
        self.clock.set_alone(self.alone);
        self.running.push(in_flight::start(self.accessor, self.exports, self.watch, job, ticket)?);
        Ok(())
    }
}

enum Next {
    Job(Job, Ticket),
    /// Nothing now; the task is woken when that changes.
    None,
    /// Nothing ever: the instance has served enough, or its pool is closed.
    Leave,
}
