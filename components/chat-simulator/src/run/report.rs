//! What was sent beside what arrived: lost, doubled, altered, out of order, and how long it took.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde::Serialize;

use super::{check::Found, plan::Plan, sending::Results};

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// Different messages.
    pub sent: u64,
    /// Those that the front said it had not had before, and those that it had.
    pub accepted: u64,
    pub duplicates: u64,
    /// Taken by the front, and not there.
    pub lost: u64,
    /// There more than once, or there and never sent.
    pub doubled: u64,
    /// There with other words.
    pub altered: u64,
    /// Messages behind one of the same conversation that was sent only after they were reported as done.
    pub order_violations: u64,
    pub requests: u64,
    pub retries: u64,
    pub rejected: u64,
    pub deferred: u64,
    pub unacknowledged: u64,
    pub latency_ms: Latency,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Latency {
    pub p50: f64,
    pub p95: f64,
    pub p99: f64,
}

pub fn of(plan: &Plan, results: &Results, found: &HashMap<String, Vec<Found>>) -> Report {
    let counts = &results.counts;
    let missing = plan.messages.iter().filter(|message| !found.contains_key(&message.id));
    let missing = u64::try_from(missing.count()).unwrap_or(u64::MAX);
    let altered = plan.messages.iter().filter(|message| {
        let body = found.get(&message.id).and_then(|copies| copies.first()).map(|copy| copy.body.as_deref());
        body.is_some_and(|body| body.filter(|body| !body.is_empty()) != message.content.text())
    });
    Report {
        sent: u64::try_from(plan.messages.len()).unwrap_or(u64::MAX),
        accepted: counts.accepted,
        duplicates: counts.duplicates,
        // What the front never took is the provider's still, and not lost.
        lost: missing.saturating_sub(untaken(plan, results, found)),
        doubled: doubled(plan, found),
        altered: u64::try_from(altered.count()).unwrap_or(u64::MAX),
        order_violations: violations(plan, results, found),
        requests: counts.requests,
        retries: counts.retries,
        rejected: counts.rejected,
        deferred: counts.deferred,
        unacknowledged: counts.unacknowledged,
        latency_ms: latency(&results.latencies_us),
    }
}

/// Messages that are missing and were in no webhook that the front took.
fn untaken(plan: &Plan, results: &Results, found: &HashMap<String, Vec<Found>>) -> u64 {
    let places = plan.messages.iter().enumerate().filter(|(_, message)| !found.contains_key(&message.id));
    u64::try_from(places.filter(|(place, _)| !results.taken.contains(place)).count()).unwrap_or(u64::MAX)
}

fn doubled(plan: &Plan, found: &HashMap<String, Vec<Found>>) -> u64 {
    let ours: HashSet<&str> = plan.messages.iter().map(|message| message.id.as_str()).collect();
    let extra = found.iter().map(|(id, copies)| match ours.contains(id.as_str()) {
        true => copies.len().saturating_sub(1),
        false => copies.len(),
    });
    u64::try_from(extra.sum::<usize>()).unwrap_or(u64::MAX)
}

/// In each conversation, by sequence number: a message that was done before one in front of it was first sent.
fn violations(plan: &Plan, results: &Results, found: &HashMap<String, Vec<Found>>) -> u64 {
    let mut conversations: HashMap<&str, BTreeMap<u64, usize>> = HashMap::new();
    for (place, message) in plan.messages.iter().enumerate() {
        for copy in found.get(&message.id).into_iter().flatten() {
            conversations.entry(&copy.conversation).or_default().insert(copy.seq, place);
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
