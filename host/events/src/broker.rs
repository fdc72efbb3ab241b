//! The broker: what was published is stored, the subscribers concerned are woken, and each gets its events by its own
//! dispatcher.

use crate::attempt::Handler;
use crate::clock::{Clock, micros};
use crate::dispatch;
use crate::engine::{Engine, EngineError, Publication, Published};
use crate::event::{Event, Micros};
use crate::subscription::Subscription;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::Duration;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{debug, warn};

/// How often old ids are forgotten.
const FORGET_EVERY: Duration = Duration::from_secs(60 * 60);

#[derive(Clone, Debug)]
pub struct Options {
    /// Deliveries that may wait before publishers are sent away.
    pub max_backlog: u64,
    /// How long an event's id is remembered, so that a second copy of it is recognised.
    pub retention: Duration,
    /// Deliveries under way at once, per subscription.
    pub parallel: usize,
}

impl Default for Options {
    /// Two million waiting deliveries are about 1 GiB; a week is longer than any outbox keeps an event; 64 keep two cores busy
    /// while each waits for its commit.
    fn default() -> Self {
        Self { max_backlog: 2_000_000, retention: Duration::from_secs(7 * 24 * 60 * 60), parallel: 64 }
    }
}

pub struct Broker {
    pub(crate) engine: Arc<dyn Engine>,
    pub(crate) clock: Clock,
    pub(crate) subscribers: Vec<Arc<Subscriber>>,
    pub(crate) options: Options,
}

/// A subscription at work.
pub struct Subscriber {
    pub subscription: Subscription,
    /// Something may be due.
    pub(crate) wake: Notify,
    /// Its component is stopped or being replaced.
    pub(crate) paused: AtomicBool,
    pub(crate) tally: Tally,
}

/// Since the start of the host, for metrics.
#[derive(Default)]
pub(crate) struct Tally {
    pub in_flight: AtomicU64,
    pub delivered: AtomicU64,
    pub retried: AtomicU64,
    pub dead: AtomicU64,
}

/// Why a publication was not stored.
#[derive(Debug)]
pub enum Refused {
    /// Too much waits already.
    Backlog,
    Engine(EngineError),
}

impl Broker {
    /// Makes the subscriptions known; nothing is delivered before [`Broker::run`].
    pub async fn new(
        engine: Arc<dyn Engine>,
        clock: Clock,
        subscriptions: Vec<Subscription>,
        options: Options,
    ) -> Result<Arc<Self>, EngineError> {
        engine.declare(subscriptions.iter().map(|one| one.component.clone()).collect()).await?;
        let subscriber = |subscription| {
            Arc::new(Subscriber {
                subscription,
                wake: Notify::new(),
                paused: AtomicBool::new(false),
                tally: Tally::default(),
            })
        };
        let subscribers = subscriptions.into_iter().map(subscriber).collect();
        let broker = Arc::new(Self { engine, clock, subscribers, options });
        broker.tell_orphans().await?;
        Ok(broker)
    }

    /// Delivers until `stop`; what is under way then is finished.
    pub fn run(self: &Arc<Self>, handler: &Arc<dyn Handler>, tasks: &TaskTracker, stop: &CancellationToken) {
        for subscriber in &self.subscribers {
            tasks.spawn(dispatch::run(Arc::clone(self), Arc::clone(subscriber), Arc::clone(handler), stop.clone()));
        }
        tasks.spawn(forget_old(Arc::clone(self), stop.clone()));
    }

    /// Now, by the broker's clock.
    pub fn now(&self) -> Micros {
        self.clock.now()
    }

    pub fn subscribers(&self) -> &[Arc<Subscriber>] {
        &self.subscribers
    }

    /// Stores the events in the name of the component `from`; when this answers `Ok`, they are durable.
    pub async fn publish(&self, from: &str, events: Vec<Event>) -> Result<Published, Refused> {
        let source = format!("/components/{from}");
        let batch: Vec<_> = events.into_iter().map(|event| self.route(event.from_source(&source))).collect();
        let wanted: usize = batch.iter().map(|publication| publication.subscriptions.len()).sum();
        if wanted > 0 && self.engine.backlog() + wanted as u64 > self.options.max_backlog {
            return Err(Refused::Backlog);
        }
        let concerned: Vec<String> = batch.iter().flat_map(|one| one.subscriptions.iter().cloned()).collect();
        let published = self.engine.publish(self.clock.now(), batch).await.map_err(Refused::Engine)?;
        if published.stored > 0 {
            self.wake(|subscriber| concerned.contains(&subscriber.subscription.component));
        }
        Ok(published)
    }

    pub(crate) fn route(&self, event: Event) -> Publication {
        let wanting = self.subscribers.iter().filter(|subscriber| subscriber.subscription.wants(&event));
        let subscriptions = wanting.map(|subscriber| subscriber.subscription.component.clone()).collect();
        Publication { event, subscriptions }
    }

    pub(crate) fn wake(&self, which: impl Fn(&Subscriber) -> bool) {
        self.subscribers.iter().filter(|subscriber| which(subscriber)).for_each(|one| one.wake.notify_one());
    }

    /// Ends the store, after the dispatchers have ended.
    pub async fn close(&self) {
        self.engine.close().await;
    }

    /// A component that subscribes no more leaves its events behind; an operator should know.
    async fn tell_orphans(&self) -> Result<(), EngineError> {
        for count in self.engine.counts().await? {
            let name = &count.subscription;
            if count.waiting > 0 && !self.is_subscribed(name) {
                warn!(component = %name, "{} events wait for component `{name}`, which does not subscribe any more", count.waiting);
            }
        }
        Ok(())
    }

    pub(crate) fn is_subscribed(&self, name: &str) -> bool {
        self.subscribers.iter().any(|subscriber| subscriber.subscription.component == name)
    }
}

async fn forget_old(broker: Arc<Broker>, stop: CancellationToken) {
    let mut interval = tokio::time::interval(FORGET_EVERY);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = interval.tick() => {}
        }
        let before = broker.clock.now().saturating_sub(micros(broker.options.retention));
        match broker.engine.forget(before).await {
            Ok(0) => {}
            Ok(count) => debug!("forgot {count} events that were published long ago"),
            Err(error) => warn!("old events could not be forgotten: {error}"),
        }
    }
}

impl Subscriber {
    pub fn is_paused(&self) -> bool {
        self.paused.load(Relaxed)
    }
}
