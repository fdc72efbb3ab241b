//! The broker: what was published is stored, the subscribers concerned are woken, and each gets its events by its own
//! dispatcher.

use crate::attempt::Handler;
use crate::clock::{Clock, micros};
use crate::dispatch;
use crate::engine::{Engine, EngineError, Expired, Publication, Published};
use crate::event::{Event, Micros};
use crate::published::PublishedTypes;
use crate::subscription::Subscription;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{debug, warn};

/// How often old ids are forgotten and dead letters that nobody came for are given up. Each time all of it goes, so this
/// bounds what a fast publisher adds meanwhile.
const FORGET_EVERY: Duration = Duration::from_secs(60);

/// How often the backlog is looked at for metrics.
const OBSERVE_EVERY: Duration = Duration::from_secs(5);

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

#[derive(Clone, Debug)]
pub struct Options {
    /// Deliveries that may wait before publishers are sent away.
    pub max_backlog: u64,
    /// How long an event's id is remembered, so that a second copy of it is recognised.
    pub retention: Duration,
    /// Deliveries under way at once, per subscription.
    pub parallel: usize,
    /// How long a dead letter waits for an operator.
    pub dead_letter_retention: Duration,
    /// Dead letters that are kept; beyond them the oldest are given up.
    pub max_dead_letters: u64,
}

impl Default for Options {
    /// Two million waiting deliveries are about 1 GiB; a week is longer than any outbox keeps an event; 64 keep two cores busy
    /// while each waits for its commit. A dead letter that nobody missed for three months is not missed; 100,000 are more
    /// than anybody looks at, and at most some 100 MiB of usual events.
    fn default() -> Self {
        Self {
            max_backlog: 2_000_000,
            retention: 7 * DAY,
            parallel: 64,
            dead_letter_retention: 90 * DAY,
            max_dead_letters: 100_000,
        }
    }
}

pub struct Broker {
    pub(crate) engine: Arc<dyn Engine>,
    pub(crate) clock: Clock,
    pub(crate) subscribers: Vec<Arc<Subscriber>>,
    pub(crate) options: Options,
    backlog: Mutex<Vec<Backlog>>,
    published: PublishedTypes,
}

/// What waits for one subscription, for metrics.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backlog {
    pub subscription: String,
    pub waiting: u64,
    pub dead: u64,
    /// How long the oldest event has waited.
    pub oldest: Duration,
    /// Since the start of the host.
    pub delivered: u64,
    pub retried: u64,
    pub dead_lettered: u64,
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
        let broker = Arc::new(Self {
            engine,
            clock,
            subscribers,
            options,
            backlog: Mutex::default(),
            published: PublishedTypes::default(),
        });
        broker.tell_orphans().await?;
        Ok(broker)
    }

    /// Delivers until `stop`; what is under way then is finished.
    pub fn run(self: &Arc<Self>, handler: &Arc<dyn Handler>, tasks: &TaskTracker, stop: &CancellationToken) {
        for subscriber in &self.subscribers {
            tasks.spawn(dispatch::run(Arc::clone(self), Arc::clone(subscriber), Arc::clone(handler), stop.clone()));
        }
        tasks.spawn(forget_old(Arc::clone(self), stop.clone()));
        tasks.spawn(keep_observing(Arc::clone(self), stop.clone()));
    }

    /// As it was at the last look.
    pub fn backlog(&self) -> Vec<Backlog> {
        self.backlog.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How many events of each type were stored since the start of the host.
    pub fn published(&self) -> Vec<(String, u64)> {
        self.published.counts()
    }

    /// Looks at what waits.
    pub async fn observe(&self) -> Result<(), EngineError> {
        let (counts, oldest) = (self.engine.counts().await?, self.engine.oldest().await?);
        let now = self.clock.now();
        let seen = counts.into_iter().map(|count| {
            let published = oldest.iter().find(|(name, _)| *name == count.subscription).map_or(now, |(_, at)| *at);
            let subscriber = self.subscribers.iter().find(|one| one.subscription.component == count.subscription);
            let tally = |of: fn(&Tally) -> &AtomicU64| subscriber.map_or(0, |one| of(&one.tally).load(Relaxed));
            Backlog {
                oldest: Duration::from_micros(u64::try_from(now.saturating_sub(published)).unwrap_or(0)),
                delivered: tally(|tally| &tally.delivered),
                retried: tally(|tally| &tally.retried),
                dead_lettered: tally(|tally| &tally.dead),
                subscription: count.subscription,
                waiting: count.waiting,
                dead: count.dead,
            }
        });
        *self.backlog.lock().unwrap_or_else(PoisonError::into_inner) = seen.collect();
        Ok(())
    }

    /// Forgets old ids, and gives up what nobody came for.
    async fn sweep(&self) -> Result<(), EngineError> {
        let ago = |retention| self.clock.now().saturating_sub(micros(retention));
        let forgotten = self.engine.forget(ago(self.options.retention)).await?;
        if forgotten > 0 {
            debug!("forgot {forgotten} events that were published long ago");
        }
        let dead_before = ago(self.options.dead_letter_retention);
        let Expired { dead_letters, orphans } = self.engine.expire(dead_before, self.options.max_dead_letters).await?;
        if dead_letters > 0 {
            warn!("gave up {dead_letters} dead letters: older or more than `[events]` in kobliat.toml keeps");
        }
        if orphans > 0 {
            warn!("gave up {orphans} events that waited for components that do not subscribe any more");
        }
        Ok(())
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
        let types: Vec<String> = batch.iter().map(|one| one.event.kind().to_owned()).collect();
        let concerned: Vec<String> = batch.iter().flat_map(|one| one.subscriptions.iter().cloned()).collect();
        let published = self.engine.publish(self.clock.now(), batch).await.map_err(Refused::Engine)?;
        self.published.count(&types, &published.known);
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
        if let Err(error) = broker.sweep().await {
            warn!("old events could not be forgotten: {error}");
        }
    }
}

async fn keep_observing(broker: Arc<Broker>, stop: CancellationToken) {
    let mut interval = tokio::time::interval(OBSERVE_EVERY);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = interval.tick() => {}
        }
        if let Err(error) = broker.observe().await {
            debug!("the backlog could not be looked at: {error}");
        }
    }
}

impl Subscriber {
    pub fn is_paused(&self) -> bool {
        self.paused.load(Relaxed)
    }
}
