//! Sending a slice of a run: webhooks side by side, each again until our front takes it, and when what was told to whom.

use std::{
    cell::Cell,
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use sdk::{Micros, sql::Driver};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    Run, lease,
    plan::{Plan, Post},
};
use crate::{
    app::{App, World},
    lanes::side_by_side,
    provider::meta,
    store::runs,
    webhook::{Answer, Webhook},
};

/// Webhooks of a slice: a second's work or two, also on a busy machine, so that a run sees the clock often and a crash repeats little.
const SLICE: usize = 40;
/// Webhooks under way at once, as a provider has them.
const AT_ONCE: usize = 8;
/// A provider comes again for days; here it is over after two seconds, or a front that is down would hold the run for ever.
const ATTEMPTS: u32 = 6;
const FIRST_RETRY_MS: u64 = 60;
/// Between two renewals of the lease; with the longest attempt behind it this is less than the lease.
const PULSE: Micros = 5_000_000;

/// What came of a slice. Times are counted, not measured: a moment is a number that is larger than all before it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Slice {
    /// Posts of the plan that are done.
    pub webhooks: u64,
    pub counts: Counts,
    /// By place among the messages: the moment before it was first sent.
    pub sent: Vec<(usize, u64)>,
    /// By place: the moment after our front had first said that it is done.
    pub done: Vec<(usize, u64)>,
    /// Places of the messages that our front took.
    pub taken: Vec<usize>,
    pub latencies_us: Vec<u64>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Messages that the front said it had not had before, and those that it had.
    pub accepted: u64,
    pub duplicates: u64,
    /// Requests to our front, repetitions and retries included.
    pub requests: u64,
    pub retries: u64,
    pub rejected: u64,
    /// Taken with `"processed": false`: the platform went on by itself.
    pub deferred: u64,
    /// Never taken: the provider would come again later.
    pub unacknowledged: u64,
}

/// Sends the next webhooks of the run. What is repeated may have been sent before at any moment of its slice.
pub async fn slice<D: Driver, W: World>(app: &App<D, W>, run: &Run, plan: &Plan, is_repeated: bool) -> Slice {
    let from = usize::try_from(run.position).unwrap_or(usize::MAX);
    let posts: Vec<&Post> = plan.posts.iter().skip(from).take(SLICE).collect();
    let webhooks = u64::try_from(posts.len()).unwrap_or(0);
    // Moments of a slice are above those of all slices before it, whoever sent them.
    let begin = run.position << 24;
    let sender = Sender { app, run, moment: Cell::new(begin), renewed_at: Cell::new(app.clock.now()) };
    let account = app.signer(&run.tenant, meta::CHANNEL, &run.account).await;
    let told = side_by_side(posts, AT_ONCE, async |post| {
        let webhook = Webhook::meta(&account, plan.body(&run.account, post));
        let first = sender.deliver(post, &webhook);
        if post.twice_at_once {
            let (one, two) = futures::future::join(first, sender.deliver(post, &webhook)).await;
            vec![one, two]
        } else {
            vec![first.await]
        }
    })
    .await;
    let mut slice = Slice { webhooks, ..Slice::default() };
    for mut delivered in told.into_iter().flatten() {
        if is_repeated {
            delivered.sent_at = begin;
        }
        slice.add(delivered);
    }
    slice
}

struct Delivered {
    messages: Vec<usize>,
    sent_at: u64,
    done_at: Option<u64>,
    is_taken: bool,
    latency_us: u64,
    counts: Counts,
}

/// All lanes of a slice together.
struct Sender<'a, D, W> {
    app: &'a App<D, W>,
    run: &'a Run,
    /// Counted up by whoever sends or hears something.
    moment: Cell<u64>,
    renewed_at: Cell<Micros>,
}

impl<D: Driver, W: World> Sender<'_, D, W> {
    async fn deliver(&self, post: &Post, webhook: &Webhook) -> Delivered {
        let (sent_at, mut counts, mut wait) = (self.next_moment(), Counts::default(), FIRST_RETRY_MS);
        loop {
            let begin = self.app.clock.now();
            let answer = self.app.post(webhook).await;
            let latency_us = u64::try_from(self.app.clock.now().saturating_sub(begin)).unwrap_or(0);
            counts.requests += 1;
            if answer.is_taken() || counts.requests >= u64::from(ATTEMPTS) {
                let (messages, is_taken) = (post.messages.clone(), answer.is_taken());
                let done_at = counts.note(&answer).then(|| self.next_moment());
                self.keep_the_lease().await;
                return Delivered { messages, sent_at, done_at, is_taken, latency_us, counts };
            }
            counts.retries += 1;
            self.keep_the_lease().await;
            self.app.world.sleep(Duration::from_millis(wait)).await;
            wait = wait.saturating_mul(2);
        }
    }

    fn next_moment(&self) -> u64 {
        self.moment.set(self.moment.get() + 1);
        self.moment.get()
    }

    /// A front that is slow makes a slice long.
    async fn keep_the_lease(&self) {
        let now = self.app.clock.now();
        if now.saturating_sub(self.renewed_at.get()) > PULSE {
            self.renewed_at.set(now);
            // Not renewed: then another goes on, and what this one has is not written down.
            drop(runs::renew(&self.app.database, self.run, lease(now)).await);
        }
    }
}

impl Counts {
    /// Whether everything in it is done.
    fn note(&mut self, answer: &Answer) -> bool {
        if !answer.is_taken() {
            self.unacknowledged += 1;
            return false;
        }
        let count = |name: &str| answer.body.get(name).and_then(Value::as_u64).unwrap_or(0);
        self.accepted += count("accepted");
        self.duplicates += count("duplicates");
        self.rejected += count("rejected") + count("ignored");
        let is_done = answer.body.get("processed") == Some(&Value::Bool(true));
        self.deferred += u64::from(!is_done);
        is_done
    }

    fn add(&mut self, other: Self) {
        self.requests += other.requests;
        self.retries += other.retries;
        self.accepted += other.accepted;
        self.duplicates += other.duplicates;
        self.rejected += other.rejected;
        self.deferred += other.deferred;
        self.unacknowledged += other.unacknowledged;
    }
}

impl Slice {
    fn add(&mut self, delivered: Delivered) {
        self.counts.add(delivered.counts);
        self.latencies_us.push(delivered.latency_us);
        self.sent.extend(delivered.messages.iter().map(|place| (*place, delivered.sent_at)));
        let done =
            delivered.done_at.into_iter().flat_map(|at| delivered.messages.iter().map(move |place| (*place, at)));
        self.done.extend(done);
        self.taken.extend(delivered.messages.iter().filter(|_| delivered.is_taken));
    }
}

/// All slices of a run together.
#[derive(Default)]
pub struct Results {
    pub counts: Counts,
    /// By place among the messages.
    pub sent: BTreeMap<usize, u64>,
    pub done: BTreeMap<usize, u64>,
    pub taken: BTreeSet<usize>,
    /// Sorted.
    pub latencies_us: Vec<u64>,
}

impl Results {
    pub fn gathered(slices: &[Slice]) -> Self {
        let mut all = Self::default();
        for slice in slices {
            all.counts.add(slice.counts);
            all.latencies_us.extend(&slice.latencies_us);
            all.taken.extend(&slice.taken);
            for (first, told) in [(&mut all.sent, &slice.sent), (&mut all.done, &slice.done)] {
                for (place, at) in told {
                    first.entry(*place).and_modify(|known| *known = (*known).min(*at)).or_insert(*at);
                }
            }
        }
        all.latencies_us.sort_unstable();
        all
    }
}
