//! Who gets which job, without any instance: slots stand for workers.

use super::dispatch::{Dispatch, Refusal};
use super::slot::Slot;
use crate::context::CallContext;
use crate::job::{CallError, Job, Work};
use crate::limits::Limits;
use crate::worker::ComponentSpec;
use futures::task::noop_waker;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::sync::oneshot;
use wasmtime::component::Val;

pub(crate) type Answer = oneshot::Receiver<Result<Vec<Val>, CallError>>;

fn job(depth: usize) -> (Job, Answer) {
    let (reply, answer) = oneshot::channel();
    let context = CallContext { depth, ..CallContext::external(Duration::from_secs(60), "") };
    (Job { context, work: Work::Call { function: 0, params: Vec::new(), reply } }, answer)
}

pub(crate) fn submit(dispatch: &Arc<Dispatch>, depth: usize) -> Answer {
    let (job, answer) = job(depth);
    match dispatch.submit(job) {
        Ok(()) => answer,
        Err(Refusal::Because(error)) => panic!("refused: {error}"),
        Err(Refusal::Closed(_)) => panic!("closed"),
    }
}

fn dispatch(limits: Limits, threads: usize) -> Arc<Dispatch> {
    Dispatch::with_threads(Arc::new(ComponentSpec::without_exports(limits)), threads)
}

/// So many workers that wait for jobs.
fn waiting(dispatch: &Arc<Dispatch>, count: usize) -> Vec<Arc<Slot>> {
    let slots: Vec<Arc<Slot>> = (0..count).map(|_| Arc::default()).collect();
    for slot in &slots {
        let waits = dispatch.poll_job(slot, &mut Context::from_waker(&noop_waker())).is_pending();
        assert!(waits, "there is no job yet");
    }
    slots
}

/// Takes and drops what was delivered, until nothing is left.
fn finish(slots: &[Arc<Slot>]) {
    while filled(slots) > 0 {
        slots.iter().for_each(|slot| drop(slot.take()));
    }
}

fn filled(slots: &[Arc<Slot>]) -> usize {
    slots.iter().filter(|slot| slot.is_filled()).count()
}

#[test]
fn a_job_takes_a_place_in_every_lane_below_its_own() {
    // One place for what comes from outside, and one more at each depth.
    let dispatch = dispatch(Limits { instances: 1, concurrency: 1, ..Limits::some() }, 16);
    let slots = waiting(&dispatch, 8);
    let _deep: Vec<Answer> = (0..4).map(|_| submit(&dispatch, 3)).collect();
    assert_eq!(filled(&slots), 4, "depths 0 to 3 together have four places");
    let _shallow: Vec<Answer> = [1, 2].map(|depth| submit(&dispatch, depth)).into();
    assert_eq!(filled(&slots), 4, "which the four have taken, though nothing of depth 1 or 2 runs");
    let _deeper = submit(&dispatch, 4);
    assert_eq!(filled(&slots), 5, "but what they wait for has a place of its own");
    drop(slots.last().and_then(|first| first.take()));
    assert_eq!((dispatch.running(), dispatch.queued()), (5, 1), "a place that is left goes to one that waits");
    finish(&slots);
}

#[test]
fn as_many_workers_work_as_there_are_threads() {
    let dispatch = dispatch(Limits::some(), 2);
    let slots = waiting(&dispatch, 5);
    let _answers: Vec<Answer> = (0..5).map(|_| submit(&dispatch, 0)).collect();
    assert_eq!((filled(&slots), dispatch.queued()), (2, 3), "two threads run two workers");
    // One of them is run, takes its job, and comes to rest while the job waits for something.
    let at_work = slots.iter().find(|slot| slot.is_filled()).expect("two have a job");
    let turn = dispatch.at_work(at_work);
    let Poll::Ready(Some(_running)) = dispatch.poll_job(at_work, &mut Context::from_waker(&noop_waker())) else {
        panic!("it has a job");
    };
    assert_eq!(filled(&slots), 1);
    drop(turn);
    assert_eq!((filled(&slots), dispatch.queued()), (2, 2), "its thread runs the next");
    finish(&slots);
}

/// A slot must not go back among those that wait between being chosen and being given its job: it would get a second one,
/// and the first would be lost.
#[test]
fn no_job_is_lost_between_threads() {
    const JOBS: usize = 20_000;
    // No instance can be started: the slots are all there is.
    let dispatch = dispatch(Limits { instances: 0, concurrency: 64, queue: JOBS, ..Limits::some() }, 64);
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for slot in waiting(&dispatch, 3) {
            let (dispatch, done) = (&dispatch, &done);
            scope.spawn(move || {
                while !done.load(Relaxed) {
                    let _turn = dispatch.at_work(&slot);
                    let polled = dispatch.poll_job(&slot, &mut Context::from_waker(&noop_waker()));
                    if let Poll::Ready(Some((job, _ticket))) = polled {
                        job.refuse(CallError::Stopped);
                    }
                }
            });
        }
        let answers: Vec<Answer> = (0..JOBS).map(|_| submit(&dispatch, 1)).collect();
        let answered = answers.into_iter().map(Answer::blocking_recv);
        let lost = answered.filter(|answer| !matches!(answer, Ok(Err(CallError::Stopped)))).count();
        done.store(true, Relaxed);
        assert_eq!(lost, 0);
    });
    assert_eq!(dispatch.running(), 0, "every place was given back");
}
