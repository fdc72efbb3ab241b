//! The running platform: started in one go, or refused with every reason; stopped without losing a request.

use crate::events;
use crate::factors::Factors;
use crate::instances::Targets;
use crate::lifecycle::Lifecycle;
use crate::metrics_page::MetricsPage;
use crate::routes::{self, RouteInfo};
use crate::state_dir::StateDir;
use crate::telemetry::Control;
use kobliat_admin::Admin;
use kobliat_engine::PlatformHosts;
use kobliat_events::Broker;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::warn;

/// A platform that serves.
pub struct Runtime {
    pub(crate) address: SocketAddr,
    pub(crate) tls: bool,
    pub(crate) state_dir: StateDir,
    pub(crate) log_dir: Option<PathBuf>,
    pub(crate) secrets: PathBuf,
    pub(crate) generated: Vec<String>,
    pub(crate) lifecycle: Arc<Lifecycle>,
    pub(crate) admin: Arc<Admin>,
    pub(crate) admin_address: Option<SocketAddr>,
    pub(crate) factors: Arc<Factors>,
    pub(crate) broker: Option<Arc<Broker>>,
    pub(crate) platform: Arc<PlatformHosts>,
    pub(crate) metrics: Arc<MetricsPage>,
    pub(crate) telemetry: Arc<Control>,
    pub(crate) stop: CancellationToken,
    pub(crate) tasks: TaskTracker,
    pub(crate) drain: Duration,
}

impl Runtime {
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Whether it serves HTTPS.
    pub fn has_tls(&self) -> bool {
        self.tls
    }

    /// Of the admin surface by TCP, where it was asked for.
    pub fn admin_address(&self) -> Option<SocketAddr> {
        self.admin_address
    }

    /// Where other crates put their groups of routes.
    pub fn admin(&self) -> &Arc<Admin> {
        &self.admin
    }

    /// The components whose version is not the manifest's.
    pub fn swapped_in(&self) -> Vec<String> {
        let slots = self.lifecycle.slots();
        let swapped = slots.iter().filter(|slot| !slot.version().follows_manifest);
        swapped.map(|slot| slot.id.clone()).collect()
    }

    /// Components at run time.
    pub fn lifecycle(&self) -> &Arc<Lifecycle> {
        &self.lifecycle
    }

    /// The public routes, as they are now.
    pub fn routes(&self) -> Vec<RouteInfo> {
        routes::routes(self.lifecycle.world().manifest())
    }

    pub fn state_dir(&self) -> &Path {
        self.state_dir.path()
    }

    pub fn log_dir(&self) -> Option<&Path> {
        self.log_dir.as_deref()
    }

    pub fn secrets_file(&self) -> &Path {
        &self.secrets
    }

    /// The secrets that were made at this start.
    pub fn generated_secrets(&self) -> &[String] {
        &self.generated
    }

    fn targets(&self) -> Arc<Targets> {
        self.lifecycle.ground.live.targets()
    }

    /// Instances alive now, all components together.
    pub fn instances(&self) -> usize {
        self.targets().pools().map(|pool| pool.instances()).sum()
    }

    /// Requests and calls that run now.
    pub fn running(&self) -> usize {
        self.targets().pools().map(|pool| pool.running()).sum()
    }

    /// What `/metrics` of the admin surface answers with.
    pub fn metrics(&self) -> &Arc<MetricsPage> {
        &self.metrics
    }

    /// Finishes what was accepted, closes the databases, writes the last lines of the logs, and sends the last spans and metrics.
    pub async fn shutdown(mut self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
        for pool in self.targets().pools() {
            pool.close();
            if tokio::time::timeout(self.drain, pool.drained()).await.is_err() {
                warn!("stopped with {} requests still running", pool.running());
            }
        }
        self.lifecycle.all_gone().await;
        events::close(self.broker.take(), self.drain).await;
        self.factors.shutdown().await;
        let streams = Arc::clone(&self.lifecycle.ground.log_streams);
        drop(tokio::task::spawn_blocking(move || streams.flush()).await);
        self.telemetry.telemetry().close().await;
    }
}

impl Drop for Runtime {
    /// Pools and targets know each other (a component may call any other): without this, nothing of a stopped platform
    /// would ever be freed.
    fn drop(&mut self) {
        self.stop.cancel();
        self.platform.clear();
        self.admin.clear();
        let targets = self.targets();
        for target in targets.http.values().chain(targets.calls.values()) {
            target.set(None);
        }
    }
}
