//! Deliveries, with subscribers made for the test: order, pauses, back-pressure, dead letters, and a herd that does not come.

use crate::engines::{Sqlite, Subject, event};
use bytes::Bytes;
use futures::future::BoxFuture;
use http::{Request, Response};
use kobliat_events::clock::Clock;
use kobliat_events::engine::{DeadLetterQuery, Engine, Outcome, Room, Selection};
use kobliat_events::event::DEAD_LETTERED;
use kobliat_events::{Broker, Handler, Interest, Options, Schedule, Subscription, Undelivered};
use kobliat_manifest::EventPattern;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// A subscriber that remembers what it got.
#[derive(Default)]
pub struct Recorder {
    seen: Mutex<Vec<(String, String)>>,
    /// By event: the statuses that it answers with, one after the other; then 204.
    answers: Mutex<HashMap<String, Vec<u16>>>,
    pub stopped: AtomicBool,
    /// Deliveries that came while it was stopped.
    turned_away: AtomicUsize,
    running: AtomicUsize,
    most: AtomicUsize,
}

impl Recorder {
    fn answering(id: &str, statuses: &[u16]) -> Arc<Self> {
        let recorder = Self::default();
        recorder.answers.lock().unwrap().insert(id.to_owned(), statuses.to_vec());
        Arc::new(recorder)
    }

    /// What `component` has seen, by id.
    pub fn seen_by(&self, component: &str) -> Vec<String> {
        let seen = self.seen.lock().unwrap();
        seen.iter().filter(|(to, _)| to == component).map(|(_, id)| id.clone()).collect()
    }

    fn answer(&self, id: &str) -> u16 {
        let mut answers = self.answers.lock().unwrap();
        let Some(statuses) = answers.get_mut(id) else { return 204 };
        if statuses.is_empty() { 204 } else { statuses.remove(0) }
    }
}

impl Handler for Recorder {
    fn deliver<'a>(
        &'a self,
        component: &'a str,
        request: Request<Bytes>,
    ) -> BoxFuture<'a, Result<Response<Bytes>, Undelivered>> {
        Box::pin(async move {
            if self.stopped.load(SeqCst) {
                self.turned_away.fetch_add(1, SeqCst);
                return Err(Undelivered::Stopped);
            }
            self.most.fetch_max(self.running.fetch_add(1, SeqCst) + 1, SeqCst);
            tokio::task::yield_now().await;
            let id = request.headers()["ce-id"].to_str().unwrap().to_owned();
            let status = self.answer(&id);
            self.seen.lock().unwrap().push((component.to_owned(), id));
            self.running.fetch_sub(1, SeqCst);
            Ok(Response::builder().status(status).body(Bytes::new()).unwrap())
        })
    }
}

/// A publication of one event of the key `k`, with so many bytes of data.
pub fn post(id: &str, bytes: usize) -> Request<http_body_util::Full<Bytes>> {
    let body = serde_json::json!([{
        "specversion": "1.0", "id": id, "source": "/x", "type": "test.v1", "tenant": "t", "partitionkey": "k",
        "data": "x".repeat(bytes),
    }]);
    let request = Request::post("/").header("content-type", "application/cloudevents-batch+json");
    request.body(http_body_util::Full::new(Bytes::from(body.to_string()))).unwrap()
}

/// A broker at work; it stops when it is dropped.
pub struct Running {
    pub broker: Arc<Broker>,
    pub engine: Arc<dyn Engine>,
    stop: CancellationToken,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

async fn start(
    subject: &impl Subject,
    handler: &Arc<Recorder>,
    subscriptions: &[(&str, &str)],
    options: Options,
) -> Running {
    start_on(subject.open(Clock::start().now()).await, handler, subscriptions, options).await
}

pub async fn start_on(
    engine: Arc<dyn Engine>,
    handler: &Arc<Recorder>,
    subscriptions: &[(&str, &str)],
    options: Options,
) -> Running {
    let subscription = |(component, pattern): &(&str, &str)| Subscription {
        component: (*component).to_owned(),
        interests: vec![Interest {
            pattern: EventPattern::parse(pattern).unwrap(),
            schedule: Schedule::new(vec![Duration::from_millis(5); 2]),
        }],
    };
    let subscriptions = subscriptions.iter().map(subscription).collect();
    let broker = Broker::new(Arc::clone(&engine), Clock::start(), subscriptions, options).await.unwrap();
    let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
    let handler: Arc<dyn Handler> = Arc::clone(handler) as Arc<dyn Handler>;
    broker.run(&handler, &tasks, &stop);
    Running { broker, engine, stop }
}

pub async fn eventually(fact: &str, mut holds: impl FnMut() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < Duration::from_secs(120), "never: {fact}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn order_holds_per_key_and_keys_go_side_by_side() {
    let (subject, recorder) = (Sqlite::default(), Recorder::answering("3", &[503, 503]));
    let running = start(&subject, &recorder, &[("one", "test.*"), ("two", "*")], Options::default()).await;
    for n in 0..200 {
        running.broker.publish("p", vec![event(&n.to_string(), &(n % 10).to_string())]).await.unwrap();
    }
    eventually("everything is delivered", || running.engine.backlog() == 0).await;
    for component in ["one", "two"] {
        let mut last: HashMap<usize, usize> = HashMap::new();
        for id in recorder.seen_by(component) {
            let number: usize = id.parse().unwrap();
            let before = last.insert(number % 10, number);
            assert!(before.is_none_or(|before| before <= number), "{number} after {before:?} at {component}");
        }
        assert_eq!(last.len(), 10);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stopped_component_pauses_and_loses_no_attempt() {
    let (subject, recorder) = (Sqlite::default(), Arc::new(Recorder::default()));
    recorder.stopped.store(true, SeqCst);
    let running = start(&subject, &recorder, &[("one", "*")], Options::default()).await;
    running.broker.publish("p", vec![event("1", "k")]).await.unwrap();
    eventually("it is seen to be stopped", || running.broker.subscribers().iter().all(|one| one.is_paused())).await;
    eventually("it was asked more often than it has attempts", || recorder.turned_away.load(SeqCst) > 3).await;
    recorder.stopped.store(false, SeqCst);
    eventually("it is delivered", || recorder.seen_by("one") == ["1"]).await;
    eventually("it is settled", || running.engine.backlog() == 0).await;
    assert!(running.engine.dead_letters(all()).await.unwrap().is_empty());
}

fn all() -> DeadLetterQuery {
    DeadLetterQuery { limit: 100, ..DeadLetterQuery::default() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_last_attempt_makes_a_dead_letter_that_is_told_once() {
    let (subject, recorder) = (Sqlite::default(), Recorder::answering("1", &[500, 500, 500]));
    let subscriptions = [("one", "test.*"), ("watcher", "com.kobliat.platform.*")];
    let running = start(&subject, &recorder, &subscriptions, Options::default()).await;
    running.broker.publish("p", vec![event("1", "k"), event("2", "k")]).await.unwrap();
    eventually("the watcher hears of it", || recorder.seen_by("watcher").len() == 1).await;
    eventually("the key goes on", || recorder.seen_by("one") == ["1", "1", "1", "2"]).await;
    let letters = running.engine.dead_letters(all()).await.unwrap();
    assert_eq!((letters.len(), letters[0].attempts, letters[0].failure.status), (1, 3, Some(500)));
    running.engine.redrive(running.broker.now(), Selection::One(letters[0].id.clone())).await.unwrap();
    running.broker.publish("p", vec![event("3", "other")]).await.unwrap();
    eventually("it is delivered again", || recorder.seen_by("one").iter().filter(|id| *id == "1").count() == 4).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dead_letter_of_an_announcement_is_not_announced() {
    let (subject, recorder) = (Sqlite::default(), Arc::new(Recorder::default()));
    let running = start(&subject, &recorder, &[("watcher", "*")], Options::default()).await;
    let told = event("told", "k");
    let mut attributes = told.attributes().clone();
    attributes.insert("type".to_owned(), DEAD_LETTERED.to_owned());
    recorder.answers.lock().unwrap().insert("told".to_owned(), vec![400]);
    let told = kobliat_events::Event::new(attributes, Bytes::new()).unwrap();
    running.broker.publish("p", vec![told]).await.unwrap();
    eventually("it is settled", || running.engine.backlog() == 0).await;
    assert_eq!(running.engine.dead_letters(all()).await.unwrap().len(), 1);
    assert_eq!(recorder.seen_by("watcher"), ["told"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn past_the_backlog_publishers_are_sent_away_and_come_back() {
    let (subject, recorder) = (Sqlite::default(), Arc::new(Recorder::default()));
    recorder.stopped.store(true, SeqCst);
    let options = Options { max_backlog: 2, ..Options::default() };
    let running = start(&subject, &recorder, &[("one", "test.*")], options).await;
    running.broker.publish("p", vec![event("1", "k"), event("2", "k")]).await.unwrap();
    let refused = running.broker.intake("p", post("3", 0)).await;
    assert_eq!((refused.status().as_u16(), refused.headers()["retry-after"].to_str().unwrap()), (503, "5"));
    recorder.stopped.store(false, SeqCst);
    eventually("the backlog is gone", || running.engine.backlog() == 0).await;
    assert_eq!(running.broker.intake("p", post("3", 0)).await.status().as_u16(), 202);
}

/// After an outage many retries fall due at one restart; they come as fast as the bound lets them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_due_retries_at_a_start_are_no_herd() {
    const COUNT: usize = 100_000;
    let (subject, recorder) = (Sqlite::default(), Arc::new(Recorder::default()));
    let now = Clock::start().now();
    let engine = subject.open(now).await;
    let key = |n: usize| crate::engines::publication(&n.to_string(), &n.to_string(), &["one"]);
    let room = Room { deliveries: 2000, bytes: usize::MAX };
    for first in (0..COUNT).step_by(room.deliveries) {
        engine.publish(now, (first..first + room.deliveries).map(key).collect()).await.unwrap();
        let claimed = engine.claim("one", now, room).await.unwrap().deliveries;
        let retry = |delivery: &kobliat_events::engine::Delivery| kobliat_events::engine::Settled {
            receipt: delivery.receipt,
            outcome: Outcome::Retry { at: now + 1, failure: crate::engines::failure() },
        };
        engine.settle("one", now, claimed.iter().map(retry).collect()).await.unwrap();
    }
    drop(engine);
    let bound = Options::default().parallel;
    let running = start(&subject, &recorder, &[("one", "*")], Options::default()).await;
    eventually("all are delivered", || running.engine.backlog() == 0).await;
    let mut seen = recorder.seen_by("one");
    seen.sort_unstable();
    seen.dedup();
    assert_eq!((recorder.seen_by("one").len(), seen.len()), (COUNT, COUNT), "each once");
    assert!(recorder.most.load(SeqCst) <= bound, "{} at once", recorder.most.load(SeqCst));
}
