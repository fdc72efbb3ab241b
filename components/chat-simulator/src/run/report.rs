//! What was sent beside what arrived: lost, doubled, altered, out of order, and how long it took.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    ops::Range,
};

use serde::{Deserialize, Serialize};

use super::{
    check::Found,
    plan::{Plan, Planned},
    sending::{Counts, Results},
};

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// Different messages.
    pub sent: u64,
    #[serde(flatten)]
    pub faults: Faults,
    #[serde(flatten)]
    pub counts: Counts,
    pub latency_ms: Latency,
}

/// What is wrong with what arrived.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Faults {
    /// Taken by the front, and not there.
    pub lost: u64,
    /// There more than once, or there and never sent.
    pub doubled: u64,
    /// There with other words.
    pub altered: u64,
    /// Messages behind one of the same conversation that was sent only after they were reported as done.
    pub order_violations: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Latency {
    pub p50: f64,
    pub p95: f64,
    pub p99: f64,
}

/// Of a run that was compared to its end.
pub fn whole(plan: &Plan, results: &Results, faults: Faults) -> Report {
    let latency_ms = latency(&results.latencies_us);
    Report { sent: count(plan.messages.len()), faults, counts: results.counts, latency_ms }
}

/// Of a run that was not: what is known without a comparison.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Partial {
    sent: u64,
    #[serde(flatten)]
    counts: Counts,
    latency_ms: Latency,
}

pub fn so_far(results: &Results) -> Partial {
    Partial { sent: count(results.sent.len()), counts: results.counts, latency_ms: latency(&results.latencies_us) }
}

impl Faults {
    /// What is wrong with the messages of these customers; `found` is theirs alone.
    pub fn among(customers: Range<usize>, plan: &Plan, results: &Results, found: &HashMap<String, Vec<Found>>) -> Self {
        let theirs: Vec<(usize, &Planned)> =
            plan.messages.iter().enumerate().filter(|(_, message)| customers.contains(&message.customer)).collect();
        // What the front never took is the provider's still, and not lost.
        let is_lost =
            |(place, message): &&(usize, &Planned)| !found.contains_key(&message.id) && results.taken.contains(place);
        Self {
            lost: count(theirs.iter().filter(is_lost).count()),
            doubled: doubled(&theirs, found),
            altered: count(theirs.iter().filter(|(_, message)| is_altered(message, found)).count()),
            order_violations: violations(&theirs, results, found),
        }
    }

    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            lost: self.lost.saturating_add(other.lost),
            doubled: self.doubled.saturating_add(other.doubled),
            altered: self.altered.saturating_add(other.altered),
            order_violations: self.order_violations.saturating_add(other.order_violations),
        }
    }
}

fn count(size: usize) -> u64 {
    u64::try_from(size).unwrap_or(u64::MAX)
}

fn is_altered(message: &Planned, found: &HashMap<String, Vec<Found>>) -> bool {
    let body = found.get(&message.id).and_then(|copies| copies.first()).map(|copy| copy.body.as_deref());
    body.is_some_and(|body| body.filter(|body| !body.is_empty()) != message.content.text())
}

fn doubled(theirs: &[(usize, &Planned)], found: &HashMap<String, Vec<Found>>) -> u64 {
    let ours: HashSet<&str> = theirs.iter().map(|(_, message)| message.id.as_str()).collect();
    let extra = found.iter().map(|(id, copies)| match ours.contains(id.as_str()) {
        true => copies.len().saturating_sub(1),
        false => copies.len(),
    });
    count(extra.sum())
}

/// In each conversation, by sequence number: a message that was done before one in front of it was first sent.
fn violations(theirs: &[(usize, &Planned)], results: &Results, found: &HashMap<String, Vec<Found>>) -> u64 {
    let mut conversations: HashMap<&str, BTreeMap<u64, usize>> = HashMap::new();
    for (place, message) in theirs {
        for copy in found.get(&message.id).into_iter().flatten() {
            conversations.entry(&copy.conversation).or_default().insert(copy.seq, *place);
        }
    }
    let in_one = |messages: &BTreeMap<u64, usize>| {
        let (mut latest_sent, mut count) = (0, 0_u64);
        for place in messages.values() {
            let done = results.done.get(place).copied().unwrap_or(u64::MAX);
            count += u64::from(done < latest_sent);
            latest_sent = latest_sent.max(results.sent.get(place).copied().unwrap_or(0));
        }
        count
    };
    conversations.values().map(in_one).sum()
}

fn latency(sorted_us: &[u64]) -> Latency {
    let at = |percent: usize| {
        let place = (sorted_us.len() * percent).div_ceil(100).saturating_sub(1);
        let us = sorted_us.get(place).copied().unwrap_or(0);
        f64::from(u32::try_from(us / 10).unwrap_or(u32::MAX)) / 100.0
    };
    Latency { p50: at(50), p95: at(95), p99: at(99) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_of_the_sorted_list() {
        let us: Vec<u64> = (1..=100).map(|ms| ms * 1000).collect();
        assert_eq!(latency(&us), Latency { p50: 50.0, p95: 95.0, p99: 99.0 });
        assert_eq!(latency(&[1234]), Latency { p50: 1.23, p95: 1.23, p99: 1.23 });
        assert_eq!(latency(&[]), Latency { p50: 0.0, p95: 0.0, p99: 0.0 });
    }
}
