//! Any sequence of operations, against a model: per key first in first out, at least once, and every event in exactly one of
//! waiting, delivered and dead.

use crate::engines::*;
use kobliat_events::engine::*;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

const SUBSCRIPTION: &str = "s";

#[derive(Clone, Debug)]
enum Operation {
    /// An event with this key.
    Publish(u8),
    /// The last publication once more.
    PublishAgain,
    Claim(usize),
    /// Ends the claim with this index, of those there are.
    Ack(usize),
    Fail(usize),
    Bury(usize),
    Release(usize),
    Redrive(usize),
    RedriveAll,
    Discard(usize),
    /// The engine is dropped and opened again.
    Crash,
    /// Time goes on, so that retries fall due.
    Wait,
}

fn operation() -> impl Strategy<Value = Operation> {
    use Operation::*;
    prop_oneof![
        6 => (0..4_u8).prop_map(Publish),
        1 => Just(PublishAgain),
        5 => (1..4_usize).prop_map(Claim),
        5 => any::<usize>().prop_map(Ack),
        2 => any::<usize>().prop_map(Fail),
        2 => any::<usize>().prop_map(Bury),
        1 => any::<usize>().prop_map(Release),
        2 => any::<usize>().prop_map(Redrive),
        1 => Just(RedriveAll),
        1 => any::<usize>().prop_map(Discard),
        1 => Just(Crash),
        2 => Just(Wait),
    ]
}

/// What the engine should hold.
#[derive(Default)]
struct Model {
    now: i64,
    published: usize,
    /// Number of the event to its key.
    keys: BTreeMap<usize, u8>,
    waiting: BTreeSet<usize>,
    delivered: BTreeSet<usize>,
    discarded: BTreeSet<usize>,
    /// Dead letter to event.
    dead: BTreeMap<String, usize>,
    letters: usize,
    claims: Vec<Delivery>,
    /// Events that wait for a retry, and until when.
    due: BTreeMap<usize, i64>,
}

impl Model {
    fn number(delivery: &Delivery) -> usize {
        delivery.event.id().parse().unwrap()
    }

    /// The first of each key, when its key is not claimed and it is due.
    fn claimable(&self) -> BTreeSet<usize> {
        let taken: BTreeSet<u8> = self.claims.iter().map(|claim| self.keys[&Self::number(claim)]).collect();
        let mut heads: BTreeMap<u8, usize> = BTreeMap::new();
        for number in &self.waiting {
            heads.entry(self.keys[number]).or_insert(*number);
        }
        let due = |number: &usize| self.due.get(number).is_none_or(|at| *at <= self.now);
        heads.into_iter().filter(|(key, _)| !taken.contains(key)).map(|(_, head)| head).filter(due).collect()
    }

    fn take_claim(&mut self, index: usize) -> Option<Delivery> {
        (!self.claims.is_empty()).then(|| self.claims.remove(index % self.claims.len()))
    }

    fn letter(&self, index: usize) -> Option<String> {
        self.dead.keys().nth(index % self.dead.len().max(1)).cloned()
    }

    fn check(&self) {
        let dead: BTreeSet<usize> = self.dead.values().copied().collect();
        for number in 0..self.published {
            let states = [&self.waiting, &self.delivered, &dead, &self.discarded];
            assert_eq!(states.iter().filter(|state| state.contains(&number)).count(), 1, "event {number}");
        }
    }
}

async fn run(subject: impl Subject, operations: Vec<Operation>) {
    let (mut engine, mut model) = (subject.open(0).await, Model::default());
    for operation in operations {
        engine = step(&subject, engine, &mut model, operation).await;
        let counts = engine.counts().await.unwrap();
        let count = counts.first().map_or((0, 0), |count| (count.waiting, count.dead));
        assert_eq!(count, (model.waiting.len() as u64, model.dead.len() as u64));
        model.check();
    }
    drain(&engine, &mut model).await;
}

async fn step(
    subject: &impl Subject,
    engine: Arc<dyn Engine>,
    model: &mut Model,
    operation: Operation,
) -> Arc<dyn Engine> {
    match operation {
        Operation::Publish(key) => {
            let number = model.published;
            let batch = vec![publication(&number.to_string(), &key.to_string(), &[SUBSCRIPTION])];
            assert_eq!(engine.publish(model.now, batch).await.unwrap().stored, 1);
            model.published += 1;
            model.keys.insert(number, key);
            model.waiting.insert(number);
        }
        Operation::PublishAgain => {
            if let Some((number, key)) = model.keys.last_key_value() {
                let batch = vec![publication(&number.to_string(), &key.to_string(), &[SUBSCRIPTION])];
                assert_eq!(engine.publish(model.now, batch).await.unwrap().known, [0]);
            }
        }
        Operation::Claim(most) => claim_some(&engine, model, most).await,
        Operation::Ack(index) => end(&engine, model, index, End::Ack).await,
        Operation::Fail(index) => end(&engine, model, index, End::Fail).await,
        Operation::Bury(index) => end(&engine, model, index, End::Bury).await,
        Operation::Release(index) => end(&engine, model, index, End::Release).await,
        Operation::Redrive(index) => {
            let Some(letter) = model.letter(index) else { return engine };
            assert_eq!(engine.redrive(model.now, Selection::One(letter.clone())).await.unwrap(), 1);
            let number = model.dead.remove(&letter).unwrap();
            back(model, number);
        }
        Operation::RedriveAll => {
            let all = Selection::Subscription(SUBSCRIPTION.to_owned());
            assert_eq!(engine.redrive(model.now, all).await.unwrap(), model.dead.len() as u64);
            for (_, number) in std::mem::take(&mut model.dead) {
                back(model, number);
            }
        }
        Operation::Discard(index) => {
            let Some(letter) = model.letter(index) else { return engine };
            assert_eq!(engine.discard(Selection::One(letter.clone())).await.unwrap(), 1);
            let number = model.dead.remove(&letter).unwrap();
            model.discarded.insert(number);
        }
        Operation::Crash => {
            drop(engine);
            model.claims.clear();
            return subject.open(model.now).await;
        }
        Operation::Wait => model.now += 60,
    }
    engine
}

/// A redriven event is due at once; what it overtakes has waited long enough when its turn comes.
fn back(model: &mut Model, number: usize) {
    model.waiting.insert(number);
    model.due.remove(&number);
    let key = model.keys[&number];
    let overtaken: Vec<usize> = model.waiting.range(number + 1..).copied().filter(|n| model.keys[n] == key).collect();
    for number in overtaken {
        model.due.remove(&number);
    }
}

async fn claim_some(engine: &Arc<dyn Engine>, model: &mut Model, most: usize) {
    let expected = model.claimable();
    let room = Room { deliveries: most, bytes: 1 << 20 };
    let claimed = engine.claim(SUBSCRIPTION, model.now, room).await.unwrap();
    assert_eq!(claimed.deliveries.len(), expected.len().min(most), "of {expected:?}");
    assert_eq!(claimed.more, expected.len() > most);
    for delivery in claimed.deliveries {
        assert!(expected.contains(&Model::number(&delivery)), "{} is not the first of its key", delivery.event.id());
        model.claims.push(delivery);
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Ack,
    Fail,
    Bury,
    Release,
}

async fn end(engine: &Arc<dyn Engine>, model: &mut Model, index: usize, how: End) {
    let Some(claim) = model.take_claim(index) else { return };
    let number = Model::number(&claim);
    let outcome = match how {
        End::Ack => {
            model.waiting.remove(&number);
            model.delivered.insert(number);
            Outcome::Done
        }
        End::Fail => {
            let at = model.now + 50;
            // What was overtaken by a redriven event meanwhile is due when its turn comes.
            let key = model.keys[&number];
            if model.waiting.iter().find(|other| model.keys[other] == key) == Some(&number) {
                model.due.insert(number, at);
            }
            Outcome::Retry { at, failure: failure() }
        }
        End::Bury => {
            let letter = format!("{:08}", model.letters);
            model.letters += 1;
            model.waiting.remove(&number);
            model.dead.insert(letter.clone(), number);
            dead(&letter)
        }
        End::Release => Outcome::Released,
    };
    settle(engine, SUBSCRIPTION, model.now, &claim, outcome).await;
}

/// In the end everything that waits comes, in the order of its key.
async fn drain(engine: &Arc<dyn Engine>, model: &mut Model) {
    while !model.claims.is_empty() {
        end(engine, model, 0, End::Ack).await;
    }
    model.now += 1000;
    while !model.waiting.is_empty() {
        claim_some(engine, model, 100).await;
        assert!(!model.claims.is_empty(), "{:?} never come", model.waiting);
        while !model.claims.is_empty() {
            end(engine, model, 0, End::Ack).await;
        }
    }
    assert_eq!(engine.backlog(), 0);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, max_shrink_iters: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn sqlite_is_as_the_model(operations in prop::collection::vec(operation(), 1..60)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(run(Sqlite::default(), operations));
    }
}
