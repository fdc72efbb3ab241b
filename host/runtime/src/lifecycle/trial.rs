//! The time after a switch: a new version that fails is taken back by itself, and told of.

use super::{Lifecycle, Version, aside};
use kobliat_engine::Counts;
use kobliat_manifest::SwapPolicy;
use serde_json::{Value, json};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};
use tracing::{error, info};

/// How often a version on trial is looked at.
const INTERVAL: Duration = Duration::from_millis(100);

/// One failed request of a few says nothing about a rate.
const LEAST_REQUESTS: u64 = 10;

/// Told when a version was taken back; becomes `com.kobliat.platform.component.rolled-back.v1`.
pub type OnRollback = Box<dyn Fn(Value) + Send + Sync>;

impl Lifecycle {
    /// Watches the version that runs since a moment ago; `old` takes its place when it fails.
    pub(super) fn watch(self: &Arc<Self>, id: &str, old: Version, policy: SwapPolicy) {
        if policy.watch.is_zero() {
            return;
        }
        let (lifecycle, id) = (Arc::downgrade(self), id.to_owned());
        tokio::spawn(async move {
            if let Some(reason) = failure(&lifecycle, &id, &policy).await
                && let Some(lifecycle) = lifecycle.upgrade()
            {
                // Without the thread for it there is nothing to make it with.
                drop(aside(async move { lifecycle.take_back(&id, old, &reason).await }).await);
            }
        });
    }

    async fn take_back(self: &Arc<Self>, id: &str, old: Version, reason: &str) {
        let _turn = self.change.lock().await;
        let Ok(slot) = self.slot(id) else { return };
        let failed = slot.version();
        error!(component = %id, "component `{id}`: version {} was taken back, {} runs again: {reason}", failed.digest, old.digest);
        // A version that has run before: where none of its instances starts now, the next request finds out.
        let fresh = slot.prepare(&self.world().instances, &old.runnable, &old.digest).await.unwrap_or_default();
        let outcome = json!({
            "outcome": "rolled-back", "reason": reason, "from": failed.digest.as_str(), "to": old.digest.as_str(),
            "at": super::report::rfc3339(std::time::SystemTime::now()),
        });
        // It is taken back whether that can be written down or not.
        self.archive.switched_anyway(id, &old.digest, !old.follows_manifest, &outcome);
        let version = slot.next(old.digest.clone(), Arc::clone(&old.runnable), old.follows_manifest);
        slot.replace(&self.world().instances, version, fresh);
        if let Some(tell) = self.on_rollback.get() {
            tell(
                json!({ "component": id, "from": failed.digest.as_str(), "to": old.digest.as_str(), "reason": reason }),
            );
        }
    }
}

/// Waits until the version fails, is replaced, or has proved itself (`None`).
async fn failure(lifecycle: &Weak<Lifecycle>, id: &str, policy: &SwapPolicy) -> Option<String> {
    let began = Instant::now();
    let number = lifecycle.upgrade()?.slot(id).ok()?.version().number;
    while began.elapsed() < policy.watch {
        tokio::time::sleep(INTERVAL.min(policy.watch)).await;
        let slot = lifecycle.upgrade()?.slot(id).ok()?;
        if slot.version().number != number {
            return None;
        }
        if let Some(reason) = judge(&slot.counts(), policy) {
            return Some(reason);
        }
    }
    info!(component = %id, "component `{id}`: its new version has proved itself");
    None
}

fn judge(counts: &Counts, policy: &SwapPolicy) -> Option<String> {
    if counts.traps > u64::from(policy.traps) {
        return Some(format!("{} instances died, and at most {} may", counts.traps, policy.traps));
    }
    let too_many = counts.errors * 100 > counts.requests * u64::from(policy.errors_percent);
    (counts.requests >= LEAST_REQUESTS && too_many).then(|| {
        format!("{} of {} requests failed, and at most {} % may", counts.errors, counts.requests, policy.errors_percent)
    })
}
