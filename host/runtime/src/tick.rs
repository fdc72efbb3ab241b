//! The platform's tick: a private POST to `/internal/tick` of each component that asks for one (`tool.kobliat.tick`).

use crate::instances::Targets;
use bytes::Bytes;
use http::{Method, Request};
use http_body_util::{BodyExt, Empty};
use kobliat_engine::{CallContext, Target};
use kobliat_manifest::Manifest;
use kobliat_trigger_http::headers;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::{Instant, MissedTickBehavior, interval_at};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{debug, warn};

/// The ticks of all components, which follow the manifest.
pub struct Ticks {
    pub tasks: TaskTracker,
    pub stop: CancellationToken,
    running: Mutex<BTreeMap<String, (Duration, CancellationToken)>>,
}

impl Ticks {
    pub fn new(tasks: TaskTracker, stop: CancellationToken) -> Self {
        Self { tasks, stop, running: Mutex::default() }
    }

    /// From now on these components tick, and no others. One whose period is the same is not disturbed.
    pub fn follow(&self, manifest: &Manifest, targets: &Targets) {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        let period = |id: &str| manifest.components.get(id).filter(|_| targets.http.contains_key(id))?.kobliat.tick;
        running.retain(|id, (every, stop)| {
            let goes_on = period(id) == Some(*every);
            if !goes_on {
                stop.cancel();
            }
            goes_on
        });
        for (id, target) in &targets.http {
            if let Some(every) = period(id).filter(|_| !running.contains_key(id)) {
                let stop = self.stop.child_token();
                start(&self.tasks, stop.clone(), Arc::clone(target), every);
                running.insert(id.clone(), (every, stop));
            }
        }
    }
}

/// Starts the ticks of one component. The next waits for the one before: two at once would do the same work.
fn start(tasks: &TaskTracker, stop: CancellationToken, target: Arc<Target>, period: Duration) {
    tasks.spawn(async move {
        let mut interval = interval_at(Instant::now() + period, period);
        interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = interval.tick() => tick(&target).await,
            }
        }
    });
}

async fn tick(target: &Target) {
    let component = target.component();
    let context = CallContext::external(target.timeout(), &format!("tick-{component}"));
    match target.http(context, request(component)).await {
        Ok(response) if response.status().is_success() => {
            // What it says is of no use, but it is not done before it has said it.
            drop(response.into_body().collect().await);
        }
        Ok(response) => {
            warn!(%component, "the tick of component `{component}` was answered with {}", response.status());
        }
        Err(failure) => debug!(%component, "the tick of component `{component}` failed: {failure}"),
    }
}

fn request(component: &str) -> Request<kobliat_engine::Body> {
    let mut request = Request::new(Empty::<Bytes>::new().map_err(|never| match never {}).boxed_unsync());
    *request.method_mut() = Method::POST;
    *request.uri_mut() = format!("http://{component}.spin.internal/internal/tick").parse().unwrap_or_default();
    let uri = request.uri().clone();
    headers::add_internal(request.headers_mut(), &uri);
    request
}
