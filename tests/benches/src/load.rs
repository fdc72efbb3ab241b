//! The load generator: connections that are kept open, in a closed loop for the peak, in an open loop for latency.

mod closed;
mod connection;
mod open;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hdrhistogram::Histogram;
use http::Request;
use http_body_util::Full;

pub use closed::closed_loop;
pub use connection::Connection;
pub use open::open_loop;

/// Makes the n-th request; n never repeats within a run.
pub type Requests = Arc<dyn Fn(u64) -> Request<Full<Bytes>> + Send + Sync>;

/// What a slot saw.
#[derive(Debug)]
pub struct Seen {
    pub answered: u64,
    /// Anything but 2xx, and connections that broke.
    pub failed: u64,
    pub took: Duration,
    /// In microseconds.
    pub latency: Histogram<u64>,
}

impl Seen {
    fn new() -> Seen {
        // Up to a minute, three digits: always valid bounds.
        let latency = Histogram::new_with_bounds(1, 60_000_000, 3).expect("the bounds are valid");
        Seen { answered: 0, failed: 0, took: Duration::ZERO, latency }
    }

    fn add(&mut self, outcome: anyhow::Result<()>, latency: Duration) {
        match outcome {
            Ok(()) => {
                self.answered += 1;
                self.latency.saturating_record(u64::try_from(latency.as_micros()).unwrap_or(u64::MAX));
            }
            Err(_) => self.failed += 1,
        }
    }

    pub fn merge(&mut self, other: &Seen) {
        self.answered += other.answered;
        self.failed += other.failed;
        // Same bounds, so it fits.
        self.latency.add(&other.latency).expect("histograms of the same bounds");
    }

    pub fn per_second(&self) -> f64 {
        self.answered as f64 / self.took.as_secs_f64()
    }

    /// In milliseconds.
    pub fn quantile(&self, share: f64) -> f64 {
        self.latency.value_at_quantile(share) as f64 / 1000.0
    }
}
