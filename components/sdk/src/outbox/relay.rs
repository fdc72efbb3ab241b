//! When to flush: after each call that wrote events, once an instance for what others left, and on the tick. At most one
//! flush runs in an instance; what is written meanwhile goes with its next batch.

use std::{
    cell::{Cell, RefCell},
    time::Duration,
};

use super::{
    flush::{Flushed, flush},
    sink::HttpSink,
};
use crate::{
    Clock, Context, Micros, config, ids, log,
    sql::{Database, Spin},
};

/// After the first failure; each further one doubles it. The tick asks all the same.
const FIRST_PAUSE: Micros = 1_000_000;
const LONGEST_PAUSE: Micros = 30_000_000;

/// The variable that names the sink.
const SINK: &str = "event_sink";

/// What an instance knows about sending on.
#[derive(Default)]
struct Relay {
    is_running: Cell<bool>,
    /// Something was written since the flush that runs last looked.
    is_wanted: Cell<bool>,
    has_looked: Cell<bool>,
    failures: Cell<u32>,
    not_before: Cell<Micros>,
    /// The variable that names the sink, when it is not [`SINK`].
    variable: Cell<Option<&'static str>>,
    /// Read once: a deployment's variables outlive its instances.
    sink: RefCell<Option<String>>,
    /// This instance, among those that may hold the lease.
    holder: RefCell<String>,
}

thread_local! {
    /// An instance is one service with one outbox.
    static RELAY: &'static Relay = Box::leak(Box::default());
}

/// This component's own events go where another variable says. For one that services are composed into: they read `event_sink` of
/// the same variables, and must not publish in its name.
pub fn sink_is_in(variable: &'static str) {
    RELAY.with(|relay| relay.variable.set(Some(variable)));
}

/// A call is done. Starts a flush behind the answer when there may be something to send.
pub fn after_call(database: &'static Database<Spin>, clock: &'static dyn Clock, wrote: bool) {
    let relay = RELAY.with(|relay| *relay);
    if !relay.starts(wrote, clock) {
        return;
    }
    wit_bindgen::spawn(async move { relay.run(database, clock).await });
}

/// The tick: sends on what was left, also when the sink failed a moment ago.
pub async fn tick(database: &Database<Spin>, clock: &dyn Clock) {
    let relay = RELAY.with(|relay| *relay);
    relay.has_looked.set(true);
    relay.is_wanted.set(true);
    if !relay.is_running.replace(true) {
        relay.run(database, clock).await;
    }
}

impl Relay {
    /// Whether a flush is to be started now; one that runs is told that there is more.
    fn starts(&self, wrote: bool, clock: &dyn Clock) -> bool {
        let is_first = !self.has_looked.replace(true);
        if !wrote && !is_first {
            return false;
        }
        self.is_wanted.set(true);
        !self.is_running.get() && clock.now() >= self.not_before.get() && !self.is_running.replace(true)
    }

    async fn run(&self, database: &Database<Spin>, clock: &dyn Clock) {
        // An abandoned flush leaves the way free for the next.
        let _running = Running(&self.is_running);
        let Some(sink) = self.sink().await else { return };
        while self.is_wanted.replace(false) {
            match flush(database, &sink, clock, &self.holder()).await {
                Ok(Flushed::Empty | Flushed::Busy) => self.failures.set(0),
                Ok(Flushed::More) => self.is_wanted.set(true),
                Ok(Flushed::Later { reason, after }) => return self.pause(&reason, after, clock),
                Err(error) => return self.pause(&error.to_string(), None, clock),
            }
        }
    }

    fn pause(&self, reason: &str, after: Option<Duration>, clock: &dyn Clock) {
        let pause = pause(self.failures.get(), after);
        self.failures.set(self.failures.get().saturating_add(1));
        self.not_before.set(clock.now().saturating_add(pause));
        log::warn(&Context::default(), "events stay in the outbox for now", &[("reason", &reason)]);
    }

    /// None where a deployment has no sink, and where the service is composed into a caller that has none: its events wait
    /// for the service's own instance.
    async fn sink(&self) -> Option<HttpSink> {
        if let Some(url) = self.sink.borrow().as_ref() {
            return Some(HttpSink(url.clone()));
        }
        let url = config::optional(self.variable.get().unwrap_or(SINK)).await.ok().flatten()?;
        self.sink.replace(Some(url.clone()));
        Some(HttpSink(url))
    }

    fn holder(&self) -> String {
        let mut holder = self.holder.borrow_mut();
        if holder.is_empty() {
            *holder = ids::new();
        }
        holder.clone()
    }
}

/// Ends with the flush, however that ends.
struct Running<'a>(&'a Cell<bool>);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.set(false);
    }
}

fn pause(failures: u32, asked: Option<Duration>) -> Micros {
    let doubled = FIRST_PAUSE.saturating_mul(1 << failures.min(10));
    let asked = asked.map_or(0, |asked| Micros::try_from(asked.as_micros()).unwrap_or(Micros::MAX));
    doubled.max(asked).min(LONGEST_PAUSE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::FixedClock;

    #[test]
    fn starts_once_for_leftovers_then_only_after_writing_and_one_at_a_time() {
        let (relay, clock) = (Relay::default(), FixedClock::at(0));
        assert!(relay.starts(false, &clock), "the first call of an instance looks for what others left");
        assert!(!relay.starts(true, &clock), "a flush is running");
        assert!(relay.is_wanted.get(), "and will go on");
        relay.is_running.set(false);
        assert!(!relay.starts(false, &clock), "nothing was written");
        assert!(relay.starts(true, &clock));
        drop(Running(&relay.is_running));
        relay.pause("down", None, &clock);
        assert!(!relay.starts(true, &clock), "the sink has just failed");
        clock.advance(FIRST_PAUSE);
        assert!(relay.starts(true, &clock));
    }

    #[test]
    fn pauses_longer_each_time_and_as_long_as_asked() {
        assert_eq!([0, 1, 2, 20].map(|n| pause(n, None) / 1_000_000), [1, 2, 4, 30]);
        assert_eq!(pause(0, Some(Duration::from_secs(7))), 7_000_000);
        assert_eq!(pause(0, Some(Duration::from_secs(3600))), LONGEST_PAUSE);
    }
}
