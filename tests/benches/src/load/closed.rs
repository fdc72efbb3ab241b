//! Closed loop: every connection sends its next request when it has the answer to the last. Finds the peak; its latencies flatter.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use super::{Connection, Requests, Seen};

pub async fn closed_loop(
    address: SocketAddr,
    connections: usize,
    length: Duration,
    requests: &Requests,
    next: &Arc<AtomicU64>,
) -> anyhow::Result<Seen> {
    let started = Instant::now();
    let mut workers = JoinSet::new();
    for _ in 0..connections {
        let (requests, next) = (requests.clone(), next.clone());
        workers.spawn(async move {
            let (mut connection, mut seen) = (Connection::to(address), Seen::new());
            while started.elapsed() < length {
                let request = requests(next.fetch_add(1, Ordering::Relaxed));
                let sent = Instant::now();
                let outcome = connection.send(request).await.map(drop);
                seen.add(outcome, sent.elapsed());
            }
            seen
        });
    }
    let mut all = Seen::new();
    while let Some(seen) = workers.join_next().await {
        all.merge(&seen?);
    }
    all.took = started.elapsed();
    Ok(all)
}
