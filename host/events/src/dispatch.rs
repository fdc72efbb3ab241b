//! One subscription's deliveries: claims what is due, hands it to the component, and settles what came of it.
//!
//! Claims, deliveries and settlements overlap. A partition is claimed until its settlement is on disk, so its next event
//! leaves only then; other partitions do not wait for it.

use crate::attempt::{self, Handler};
use crate::broker::{Broker, Subscriber};
use crate::clock::micros;
use crate::engine::{Claimed, Delivery, EngineError, Failure, Outcome, Receipt, Room, Settled};
use crate::event::{DEAD_LETTERED, Event, Micros};
use crate::verdict::{Verdict, verdict};
use bytes::Bytes;
use futures::future::BoxFuture;
use serde_json::json;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};
use tokio::task::{Id, JoinError, JoinSet};
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};
use uuid::Uuid;

/// How often a stopped component is looked at, and how soon a full one is tried again.
const REST: Duration = Duration::from_millis(200);

/// How soon the store is tried again after it failed.
const STORE_REST: Duration = Duration::from_millis(500);

/// Contents of events in memory, per claim.
const CLAIM_BYTES: usize = 4 << 20;

/// Settlements under way, as a multiple of the deliveries: a slow disk shall not keep a fast component idle, nor let what
/// is unsettled grow without bound.
const UNSETTLED: usize = 4;

/// What a settlement comes to; on an error, what is to be settled again.
type Settlement = Result<Vec<Settled>, (Vec<Settled>, EngineError)>;

struct Dispatcher {
    broker: Arc<Broker>,
    subscriber: Arc<Subscriber>,
    handler: Arc<dyn Handler>,
    running: JoinSet<(Delivery, Verdict)>,
    /// By task, so that even a task that panics gives its claim back.
    receipts: HashMap<Id, Receipt>,
    unsettled: Vec<Settled>,
    settling: Option<BoxFuture<'static, Settlement>>,
    settling_count: usize,
    /// Something may be due that is not claimed.
    look: bool,
    next_due: Option<Micros>,
    rest_until: Option<Instant>,
    stopping: bool,
    store_failed: bool,
}

pub async fn run(broker: Arc<Broker>, subscriber: Arc<Subscriber>, handler: Arc<dyn Handler>, stop: CancellationToken) {
    let mut dispatcher = Dispatcher {
        broker,
        subscriber,
        handler,
        running: JoinSet::new(),
        receipts: HashMap::new(),
        unsettled: Vec::new(),
        settling: None,
        settling_count: 0,
        look: true,
        next_due: None,
        rest_until: None,
        stopping: false,
        store_failed: false,
    };
    while dispatcher.step(&stop).await {}
}

impl Dispatcher {
    /// Waits for the next thing and does it. False when all is done.
    async fn step(&mut self, stop: &CancellationToken) -> bool {
        self.start_settling();
        if self.may_claim() {
            self.claim().await;
        }
        if self.stopping && self.running.is_empty() && self.settling.is_none() && self.unsettled.is_empty() {
            return false;
        }
        let subscriber = Arc::clone(&self.subscriber);
        let alarm = self.alarm();
        tokio::select! {
            Some(ended) = self.running.join_next_with_id() => self.ended(ended),
            settlement = settled(&mut self.settling) => self.settlement(settlement),
            () = subscriber.wake.notified(), if !self.stopping => self.look = true,
            () = ring(alarm), if !self.stopping && alarm.is_some() => (self.look, self.rest_until) = (true, None),
            () = stop.cancelled(), if !self.stopping => self.stopping = true,
        }
        // What else has ended meanwhile shares the next settlement.
        while let Some(ended) = self.running.try_join_next_with_id() {
            self.ended(ended);
        }
        self.subscriber.tally.in_flight.store(self.running.len() as u64, Relaxed);
        true
    }

    /// Claims come in batches, unless there is nothing else to do.
    fn may_claim(&self) -> bool {
        let parallel = self.broker.options.parallel;
        let room = parallel.saturating_sub(self.running.len());
        let unsettled = self.unsettled.len() + self.settling_count;
        self.look
            && !self.stopping
            && self.rest_until.is_none_or(|until| until <= Instant::now())
            && room >= parallel.div_ceil(4)
            && unsettled < parallel * UNSETTLED
    }

    async fn claim(&mut self) {
        let room =
            Room { deliveries: self.broker.options.parallel.saturating_sub(self.running.len()), bytes: CLAIM_BYTES };
        let (broker, subscriber) = (Arc::clone(&self.broker), Arc::clone(&self.subscriber));
        let component = &subscriber.subscription.component;
        match broker.engine.claim(component, broker.clock.now(), room).await {
            Ok(Claimed { deliveries, more, next_due }) => {
                (self.look, self.next_due) = (more, next_due);
                deliveries.into_iter().for_each(|delivery| self.deliver(delivery));
            }
            Err(error) => {
                self.tell_store(&error);
                self.rest_until = Some(Instant::now() + STORE_REST);
            }
        }
    }

    fn deliver(&mut self, delivery: Delivery) {
        let receipt = delivery.receipt;
        let (handler, subscriber) = (Arc::clone(&self.handler), Arc::clone(&self.subscriber));
        let task = self.running.spawn(async move {
            let component = &subscriber.subscription.component;
            let answer = handler.deliver(component, attempt::request(component, &delivery)).await;
            (delivery, verdict(answer))
        });
        self.receipts.insert(task.id(), receipt);
    }

    fn ended(&mut self, ended: Result<(Id, (Delivery, Verdict)), JoinError>) {
        match ended {
            Ok((id, (delivery, verdict))) => {
                self.receipts.remove(&id);
                let outcome = self.outcome(&delivery, verdict);
                self.unsettled.push(Settled { receipt: delivery.receipt, outcome });
            }
            Err(panicked) => {
                let Some(receipt) = self.receipts.remove(&panicked.id()) else { return };
                let failure = Failure { status: None, reason: "the delivery failed inside the host".to_owned() };
                let at = self.broker.clock.now().saturating_add(micros(STORE_REST));
                self.unsettled.push(Settled { receipt, outcome: Outcome::Retry { at, failure } });
            }
        }
    }

    fn outcome(&mut self, delivery: &Delivery, verdict: Verdict) -> Outcome {
        let tally = &self.subscriber.tally;
        self.subscriber.paused.store(verdict == Verdict::Paused, Relaxed);
        match verdict {
            Verdict::Done => {
                tally.delivered.fetch_add(1, Relaxed);
                Outcome::Done
            }
            Verdict::Paused | Verdict::Busy => {
                self.rest_until = Some(Instant::now() + REST);
                Outcome::Released
            }
            Verdict::Dead(failure) => self.dead(delivery, failure),
            Verdict::Retry { failure, asked } => {
                let schedule = self.subscriber.subscription.schedule(&delivery.event);
                let delay = schedule.and_then(|one| one.delay(delivery.attempts + 1, rand::random(), asked));
                let Some(delay) = delay else { return self.dead(delivery, failure) };
                tally.retried.fetch_add(1, Relaxed);
                let component = &self.subscriber.subscription.component;
                debug!(%component, event.id = delivery.event.id(), "event `{}` to component `{component}` failed, again in {delay:?}: {}", delivery.event.id(), for_the_log(&failure));
                Outcome::Retry { at: self.broker.clock.now().saturating_add(micros(delay)), failure }
            }
        }
    }

    fn dead(&self, delivery: &Delivery, failure: Failure) -> Outcome {
        self.subscriber.tally.dead.fetch_add(1, Relaxed);
        let (component, event, id) =
            (&self.subscriber.subscription.component, &delivery.event, Uuid::now_v7().to_string());
        warn!(%component, event.id = event.id(), "event `{}` ({}) to component `{component}` is the dead letter `{id}` after {} attempts: {}; `kobliat events show {id}` has the reason", event.id(), event.kind(), delivery.attempts + 1, for_the_log(&failure));
        let told = if event.kind() == DEAD_LETTERED { None } else { announcement(&id, component, delivery, &failure) };
        let announcement = told.map(|event| Box::new(self.broker.route(event)));
        Outcome::Dead { id, failure, announcement }
    }

    fn start_settling(&mut self) {
        if self.settling.is_some() || self.unsettled.is_empty() {
            return;
        }
        let settled = std::mem::take(&mut self.unsettled);
        self.settling_count = settled.len();
        let (broker, subscriber) = (Arc::clone(&self.broker), Arc::clone(&self.subscriber));
        self.settling = Some(Box::pin(async move {
            let component = &subscriber.subscription.component;
            match broker.engine.settle(component, broker.clock.now(), settled.clone()).await {
                Ok(()) => Ok(settled),
                Err(error) => {
                    tokio::time::sleep(STORE_REST).await;
                    Err((settled, error))
                }
            }
        }));
    }

    fn settlement(&mut self, settlement: Settlement) {
        (self.settling, self.settling_count) = (None, 0);
        match settlement {
            Ok(settled) => {
                (self.look, self.store_failed) = (true, false);
                if settled.iter().any(|one| matches!(one.outcome, Outcome::Dead { announcement: Some(_), .. })) {
                    self.broker.wake(|_| true);
                }
            }
            Err((settled, error)) => {
                self.tell_store(&error);
                // When the host stops, nobody waits for a disk that is full: what is not settled is delivered again.
                if !self.stopping {
                    self.unsettled.extend(settled);
                }
            }
        }
    }

    /// Once per outage.
    fn tell_store(&mut self, error: &EngineError) {
        if !std::mem::replace(&mut self.store_failed, true) {
            let component = &self.subscriber.subscription.component;
            warn!(%component, "deliveries to component `{component}` wait for the events' store: {error}");
        }
    }

    fn alarm(&self) -> Option<Instant> {
        let due = self.next_due.filter(|_| !self.look).map(|at| self.broker.clock.instant(at));
        [due, self.rest_until].into_iter().flatten().min()
    }
}

async fn ring(alarm: Option<Instant>) {
    match alarm {
        Some(at) => tokio::time::sleep_until(at.into()).await,
        None => std::future::pending().await,
    }
}

async fn settled(settling: &mut Option<BoxFuture<'static, Settlement>>) -> Settlement {
    match settling {
        Some(settling) => settling.await,
        None => std::future::pending().await,
    }
}

/// What the subscriber said of it may name people, so that the log has its status alone.
fn for_the_log(failure: &Failure) -> String {
    failure.status.map_or_else(|| failure.reason.clone(), |status| format!("answered {status}"))
}

/// `com.kobliat.platform.event.dead-lettered.v1`: somebody should look.
fn announcement(id: &str, component: &str, delivery: &Delivery, failure: &Failure) -> Option<Event> {
    let event = &delivery.event;
    let told = json!({
        "dead_letter_id": id,
        "subscription": component,
        "attempts": delivery.attempts + 1,
        "last_status": failure.status,
        "reason": failure.reason,
        "event": { "id": event.id(), "source": event.source(), "type": event.kind(), "subject": event.get("subject") },
    });
    let attributes = [
        ("id", Uuid::now_v7().to_string()),
        ("source", "/host".to_owned()),
        ("type", DEAD_LETTERED.to_owned()),
        ("subject", id.to_owned()),
        ("tenant", event.tenant().to_owned()),
        ("partitionkey", event.partition_key().to_owned()),
        ("time", crate::clock::rfc3339(crate::clock::wall_now())),
        ("datacontenttype", "application/json".to_owned()),
    ];
    let attributes: BTreeMap<String, String> =
        attributes.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    Event::new(attributes, Bytes::from(told.to_string())).ok()
}
