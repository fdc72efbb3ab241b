//! A broker with native subscribers that note when, and in which order, they were called.

use std::path::Path;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::future::BoxFuture;
use hdrhistogram::Histogram;
use http::{Request, Response};
use kobliat_events::clock::Clock;
use kobliat_events::engine::Engine;
use kobliat_events::{Broker, Handler, Interest, Options, Schedule, SqliteEngine, Subscription, Undelivered};
use kobliat_manifest::EventPattern;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Events in one publication: what an outbox sends at a time under load.
const BATCH: usize = 100;

/// Keys, as in [`super::event`].
const KEYS: usize = 1000;

/// Events whose times can be noted; later ones are only counted.
const TIMED: usize = 1 << 20;

/// Far beyond any slot.
const PATIENCE: Duration = Duration::from_secs(120);

pub struct Bus {
    broker: Arc<Broker>,
    engine: Arc<dyn Engine>,
    notes: Arc<Notes>,
    tasks: TaskTracker,
    stop: CancellationToken,
    subscribers: usize,
    published: usize,
}

/// What the subscribers noted.
pub struct Notes {
    began: Instant,
    handled: AtomicUsize,
    violations: AtomicUsize,
    /// The last event of each key at each subscriber, plus one.
    last: Vec<AtomicUsize>,
    /// When each event was to be published, in microseconds since `began`.
    scheduled: Vec<AtomicU64>,
    latency: Mutex<Histogram<u64>>,
}

impl Handler for Notes {
    fn deliver<'a>(
        &'a self,
        component: &'a str,
        request: Request<Bytes>,
    ) -> BoxFuture<'a, Result<Response<Bytes>, Undelivered>> {
        self.note(component, &request);
        Box::pin(async { Ok(Response::new(Bytes::new())) })
    }
}

impl Notes {
    /// `timed`: the times of so many events are noted.
    pub fn new(subscribers: usize, timed: usize) -> anyhow::Result<Arc<Notes>> {
        Ok(Arc::new(Notes {
            began: Instant::now(),
            handled: AtomicUsize::new(0),
            violations: AtomicUsize::new(0),
            last: (0..subscribers * KEYS).map(|_| AtomicUsize::new(0)).collect(),
            scheduled: (0..timed).map(|_| AtomicU64::new(0)).collect(),
            latency: Mutex::new(Histogram::new_with_bounds(1, 60_000_000, 3)?),
        }))
    }

    fn note(&self, component: &str, request: &Request<Bytes>) {
        let id = request.headers().get("ce-id").and_then(|id| id.to_str().ok()?.parse::<usize>().ok());
        let (Some(id), Ok(subscriber)) = (id, component.parse::<usize>()) else { return };
        if let Some(last) = self.last.get(subscriber * KEYS + id % KEYS)
            && last.swap(id + 1, Relaxed) > id
        {
            self.violations.fetch_add(1, Relaxed);
        }
        if let Some(scheduled) = self.scheduled.get(id).map(|at| at.load(Relaxed)).filter(|at| *at > 0) {
            let now = u64::try_from(self.began.elapsed().as_micros()).unwrap_or(u64::MAX);
            if let Ok(mut latency) = self.latency.lock() {
                latency.saturating_record(now.saturating_sub(scheduled).max(1));
            }
        }
        self.handled.fetch_add(1, Relaxed);
    }
}

impl Bus {
    pub async fn start(state: &Path, subscribers: usize) -> anyhow::Result<Bus> {
        Self::open(&state.join("events.db"), subscribers, Notes::new(subscribers, TIMED)?).await
    }

    pub async fn open(file: &Path, subscribers: usize, notes: Arc<Notes>) -> anyhow::Result<Bus> {
        let clock = Clock::start();
        let engine: Arc<dyn Engine> = Arc::new(SqliteEngine::open(file, clock.now()).await?);
        let pattern = EventPattern::parse("*").map_err(anyhow::Error::msg)?;
        let interest = Interest { pattern, schedule: Schedule::from_first(Duration::from_secs(10)) };
        let subscription = |n: usize| Subscription { component: n.to_string(), interests: vec![interest.clone()] };
        let subscriptions = (0..subscribers).map(subscription).collect();
        let broker = Broker::new(Arc::clone(&engine), clock, subscriptions, Options::default()).await?;
        let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
        let handler: Arc<dyn Handler> = Arc::clone(&notes) as Arc<dyn Handler>;
        broker.run(&handler, &tasks, &stop);
        Ok(Bus { broker, engine, notes, tasks, stop, subscribers, published: 0 })
    }

    /// Publishes so many as fast as it can, and waits until all are handled and settled.
    pub async fn flood(&mut self, events: usize) -> anyhow::Result<Duration> {
        let began = Instant::now();
        while self.published < events {
            self.publish(BATCH).await?;
        }
        self.handled(events * self.subscribers).await?;
        while self.engine.backlog() > 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        Ok(began.elapsed())
    }

    /// Publishes at a fixed rate, as an outbox does: one publication after the other, each with all that fell due meanwhile. Latency
    /// counts from when an event fell due.
    pub async fn steady(&mut self, per_second: f64, length: Duration) -> anyhow::Result<Histogram<u64>> {
        let (began, last) = (Instant::now(), (per_second * length.as_secs_f64()) as usize);
        let offset = began.duration_since(self.notes.began);
        let due_at = |id: usize| Duration::from_secs_f64(id as f64 / per_second);
        for (id, scheduled) in self.notes.scheduled.iter().enumerate().take(last) {
            scheduled.store(u64::try_from((offset + due_at(id)).as_micros())?.max(1), Relaxed);
        }
        while self.published < last {
            tokio::time::sleep_until((began + due_at(self.published)).into()).await;
            let due = ((began.elapsed().as_secs_f64() * per_second) as usize + 1).min(last);
            self.publish(due.saturating_sub(self.published).clamp(1, BATCH)).await?;
        }
        self.handled(self.published * self.subscribers).await?;
        self.notes.latency.lock().map(|latency| latency.clone()).map_err(|_| anyhow::anyhow!("a subscriber panicked"))
    }

    async fn publish(&mut self, count: usize) -> anyhow::Result<()> {
        let events = (self.published..self.published + count).map(super::event).collect::<Result<_, _>>()?;
        self.published += count;
        let published = self.broker.publish("bench", events).await;
        published.map(drop).map_err(|refused| anyhow::anyhow!("the broker refused: {refused:?}"))
    }

    /// Waits until so many deliveries were handled.
    pub async fn handled(&mut self, count: usize) -> anyhow::Result<()> {
        let began = Instant::now();
        while self.notes.handled.load(Relaxed) < count {
            anyhow::ensure!(began.elapsed() < PATIENCE, "only {} were handled", self.notes.handled.load(Relaxed));
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        Ok(())
    }

    pub fn violations(&self) -> usize {
        self.notes.violations.load(Relaxed)
    }

    pub async fn stop(self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
        self.engine.close().await;
    }
}
