//! What counts for whom.

use super::*;
use crate::budget::thread_time::{Reading, used};
use std::future::poll_fn;
use std::pin::pin;
use std::sync::mpsc;
use std::thread;

const BUDGET: Duration = Duration::from_millis(40);

/// Computes for so long, by the thread's own clock.
fn compute(time: Duration) {
    let start = Instant::now();
    let reading = Reading::fresh(start);
    while used(reading, start, Instant::now()).0 < time {
        std::hint::spin_loop();
    }
}

/// Has the thread, and computes nothing: another thread does, for so long.
fn wait(time: Duration) {
    let (done, waits) = mpsc::channel::<()>();
    let other = thread::spawn(move || {
        compute(time);
        drop(done);
    });
    let _ = waits.recv();
    other.join().unwrap();
}

fn poll(clock: &PollClock, mut work: impl FnMut()) {
    let future = pin!(poll_fn(|_context| {
        work();
        Poll::<()>::Pending
    }));
    assert!(clock.poll(future, &mut Context::from_waker(std::task::Waker::noop())).is_pending());
}

fn clock() -> Arc<PollClock> {
    PollClock::new(PoolMetrics::unregistered(), BUDGET)
}

#[test]
fn waiting_is_not_computing() {
    let clock = clock();
    for _ in 0..3 {
        poll(&clock, || wait(BUDGET));
    }
    assert_eq!(clock.over_budget(), None);
    assert!(clock.meter().spent(None) < BUDGET / 2, "{:?}", clock.meter().spent(None));
    poll(&clock, || compute(BUDGET * 2));
    assert!(clock.over_budget().is_some());
}

#[test]
fn many_short_polls_add_up() {
    let clock = clock();
    let mut polls = 0;
    while clock.over_budget().is_none() {
        poll(&clock, || compute(Duration::from_millis(1)));
        polls += 1;
    }
    assert!((20..=41).contains(&polls), "{polls} of a millisecond each");
}

/// With numbers instead of tasks, which only wasmtime can make.
fn meter() -> Meter<u32> {
    let mut meter = Meter::alone(0);
    meter.poll_begins(Instant::now());
    meter.begin(1, Instant::now());
    meter
}

const STEP: Duration = Duration::from_millis(5);

#[test]
fn a_task_of_the_same_name_begins_with_nothing() {
    let mut meter = meter();
    for _ in 0..20 {
        meter.begin(1, Instant::now());
        compute(STEP);
        meter.charge(Instant::now());
        assert_eq!(meter.above(STEP * 3), None);
    }
    assert!(meter.spent(1) >= STEP - STEP / 5, "{:?}", meter.spent(1));
}

#[test]
fn tasks_that_take_turns_pay_for_their_own() {
    let mut meter = meter();
    meter.set_alone(false, Instant::now());
    for (task, time) in [(1, STEP), (2, STEP * 3), (1, STEP), (3, Duration::ZERO)] {
        meter.next_work(Instant::now());
        meter.runs(task, Instant::now());
        compute(time);
    }
    meter.charge(Instant::now());
    let [first, second, third] = [1, 2, 3].map(|task| meter.spent(task));
    let near = |spent: Duration, time: Duration| spent + STEP / 5 >= time && spent <= time + STEP;
    assert!(near(first, STEP * 2) && near(second, STEP * 3), "{first:?}, {second:?}");
    assert!(third < STEP / 2, "{third:?}");
    assert_eq!(meter.above(STEP * 2 + STEP / 2), Some(2));
}
