//! The pools of a version that is about to run: an instance is up in each that is in use, before the first request comes.

use super::version::Digest;
use crate::instances::{Instances, Runnable};
use kobliat_engine::{Pool, Target};
use std::sync::Arc;

/// Pools that nobody is led to yet. Those that are not taken go with it.
#[derive(Default)]
pub struct Fresh {
    http: Option<Pool>,
    calls: Option<Pool>,
}

impl Fresh {
    /// For the place of what is behind these targets. Refused: a version of which no instance starts.
    pub async fn start(
        instances: &Instances,
        runnable: &Runnable,
        digest: &Digest,
        [http, calls]: [Option<&Arc<Target>>; 2],
    ) -> Result<Self, String> {
        // What nobody has asked for of late can start when somebody does.
        let in_use = |target: &&Arc<Target>| target.pool().is_some_and(|pool| pool.instances() > 0);
        let fresh = Self {
            http: http.filter(in_use).map(|_| instances.http_pool(runnable, digest.short())),
            calls: calls.filter(in_use).map(|_| instances.calls_pool(runnable, digest.short())),
        };
        for pool in fresh.http.iter().chain(&fresh.calls) {
            let started = pool.start_one().await;
            started.map_err(|why| format!("an instance of it does not start: {why}"))?;
        }
        Ok(fresh)
    }

    pub fn http(&mut self, instances: &Instances, runnable: &Runnable, version: &str) -> Pool {
        self.http.take().unwrap_or_else(|| instances.http_pool(runnable, version))
    }

    pub fn calls(&mut self, instances: &Instances, runnable: &Runnable, version: &str) -> Pool {
        self.calls.take().unwrap_or_else(|| instances.calls_pool(runnable, version))
    }
}

impl Drop for Fresh {
    fn drop(&mut self) {
        for pool in self.http.iter().chain(&self.calls) {
            pool.close();
            pool.end();
        }
    }
}
