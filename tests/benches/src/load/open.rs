//! Open loop: requests leave on a schedule, whatever the server does, and their latency counts from the scheduled time.
//! A stall is therefore seen by every request that it delays, not only by the ones that it caught (no coordinated omission).

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::{Mutex, mpsc};
use tokio::task::JoinSet;

use super::{Connection, Requests, Seen};

/// Enough that a server which is late by a second at the rates measured here is waited for by requests, not by connections.
const CONNECTIONS: usize = 256;

pub async fn open_loop(
    address: SocketAddr,
    per_second: f64,
    length: Duration,
    requests: &Requests,
    next: &Arc<AtomicU64>,
) -> anyhow::Result<Seen> {
    let (slots, scheduled) = mpsc::unbounded_channel();
    let scheduled = Arc::new(Mutex::new(scheduled));
    let started = Instant::now();
    let pacer = thread::spawn(move || pace(started, per_second, length, &slots));
    let mut workers = JoinSet::new();
    for _ in 0..CONNECTIONS {
        let (requests, next, scheduled) = (requests.clone(), next.clone(), scheduled.clone());
        workers.spawn(async move {
            let (mut connection, mut seen) = (Connection::to(address), Seen::new());
            while let Some(due) = receive(&scheduled).await {
                let outcome = connection.send(requests(next.fetch_add(1, Ordering::Relaxed))).await.map(drop);
                seen.add(outcome, due.elapsed());
            }
            seen
        });
    }
    let mut all = Seen::new();
    while let Some(seen) = workers.join_next().await {
        all.merge(&seen?);
    }
    all.took = started.elapsed();
    pacer.join().map_err(|_| anyhow::anyhow!("the pacer panicked"))?;
    Ok(all)
}

async fn receive(scheduled: &Mutex<mpsc::UnboundedReceiver<Instant>>) -> Option<Instant> {
    scheduled.lock().await.recv().await
}

/// A thread of its own, because the runtime's timer is exact to a millisecond only, which is more than some answers take.
fn pace(started: Instant, per_second: f64, length: Duration, slots: &mpsc::UnboundedSender<Instant>) {
    let interval = Duration::from_secs_f64(1.0 / per_second.max(1.0));
    let mut due = started + interval;
    while due < started + length {
        thread::sleep(due.saturating_duration_since(Instant::now()));
        if slots.send(due).is_err() {
            return;
        }
        due += interval;
    }
}
