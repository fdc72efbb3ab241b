//! Gathers spans and sends them in batches; sends the metrics every so often. Never in the way of a request: what does not
//! fit into the queue is lost, and told.

use super::client::Client;
use super::encode::{self, Origin};
use super::settings::Destination;
use crate::metrics::Family;
use crate::span::{Record, now_ns};
use bytes::Bytes;
use prost::Message;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

/// Spans that may wait for the collector: some seconds of a busy host.
const QUEUE: usize = 16 << 10;

/// Spans of one request, as OpenTelemetry's own exporters have it.
const BATCH: usize = 512;

/// Where spans go when they end.
pub(crate) struct Spans {
    queue: mpsc::Sender<Record>,
    lost: AtomicU64,
}

impl Spans {
    pub fn new() -> (Arc<Self>, mpsc::Receiver<Record>) {
        let (queue, records) = mpsc::channel(QUEUE);
        (Arc::new(Self { queue, lost: AtomicU64::new(0) }), records)
    }

    pub fn send(&self, record: Record) {
        if self.queue.try_send(record).is_err() {
            self.lost.fetch_add(1, Relaxed);
        }
    }
}

/// A way to the collector that says once when it is closed, and once when it is open again.
pub(crate) struct Line {
    pub client: Client,
    pub to: Destination,
    pub what: &'static str,
    pub broken: bool,
}

impl Line {
    async fn send(&mut self, message: &impl Message) {
        let sent = self.client.post(&self.to, Bytes::from(message.encode_to_vec())).await;
        let (what, uri) = (self.what, self.to.shown());
        match sent {
            Ok(()) if std::mem::take(&mut self.broken) => info!("{what} reach the collector `{uri}` again"),
            Ok(()) => {}
            Err(why) => {
                if !std::mem::replace(&mut self.broken, true) {
                    warn!("{what} do not reach the collector `{uri}`: {why}");
                }
            }
        }
    }
}

/// Until `stop`; then what is gathered is sent, and what ends later is not.
pub(crate) async fn send_spans(
    mut line: Line,
    origin: Origin,
    spans: Arc<Spans>,
    mut records: mpsc::Receiver<Record>,
    every: Duration,
    stop: CancellationToken,
) {
    let mut batch = Vec::with_capacity(BATCH);
    loop {
        let stopped = !gather(&mut records, &mut batch, every, &stop).await;
        if stopped {
            records.close();
            while let Ok(record) = records.try_recv() {
                batch.push(record);
            }
        }
        let lost = spans.lost.swap(0, Relaxed);
        if lost > 0 && !stopped {
            warn!("{lost} spans were lost: more than the collector takes");
        }
        while !batch.is_empty() {
            let rest = batch.split_off(batch.len().min(BATCH));
            line.send(&encode::traces(&origin, std::mem::replace(&mut batch, rest))).await;
        }
        if stopped {
            return;
        }
    }
}

/// Comes back with a batch that is full, or has waited; false when it is the last.
async fn gather(
    records: &mut mpsc::Receiver<Record>,
    batch: &mut Vec<Record>,
    every: Duration,
    stop: &CancellationToken,
) -> bool {
    let first = tokio::select! {
        record = records.recv() => record,
        () = stop.cancelled() => return false,
    };
    let Some(first) = first else { return false };
    batch.push(first);
    let due = tokio::time::sleep(every);
    tokio::pin!(due);
    while batch.len() < BATCH {
        let room = BATCH - batch.len();
        tokio::select! {
            _count = records.recv_many(batch, room) => {}
            () = &mut due => return true,
            () = stop.cancelled() => return false,
        }
    }
    true
}

/// Until `stop`; then once more.
pub(crate) async fn send_metrics(
    mut line: Line,
    origin: Origin,
    gather: Arc<dyn Fn() -> Vec<Family> + Send + Sync>,
    every: Duration,
    stop: CancellationToken,
) {
    loop {
        let stopped = tokio::time::timeout(every, stop.cancelled()).await.is_ok();
        line.send(&encode::metrics(&origin, now_ns(), gather())).await;
        if stopped {
            return;
        }
    }
}
