//! What the handlers work with, and what the service needs of its surroundings.

use std::time::Duration;

use bytes::Bytes;
use futures::lock::Mutex;
use http::{Request, Response};
use sdk::{
    Clock, Micros, Outcome,
    health::Checks,
    outgoing::Failure,
    sql::{Database, Driver},
};
use spin_sdk::http::BoxBody;

use crate::{
    quota,
    storage::{Kind, s3::Bucket},
};

pub struct App<D, P> {
    pub database: Database<D>,
    pub clock: Box<dyn Clock>,
    pub platform: P,
    /// A picture is unpacked in memory: one at a time in an instance.
    pub darkroom: Mutex<()>,
}

/// The deployment.
#[expect(async_fn_in_trait, reason = "a guest is single-threaded: no bound is needed")]
pub trait Platform: 'static {
    /// A variable; absent when it is not set or empty.
    async fn setting(&self, name: &str) -> Option<String>;

    /// Sends a request; the answer's head comes in this time, its body as it is read.
    async fn send(&self, request: Request<Bytes>, patience: Duration) -> Result<Response<BoxBody>, Failure>;

    async fn sleep(&self, duration: Duration);
}

/// 36 MiB: a mail of Postmark's 35 MB may be one file. WhatsApp takes 16 MB of a video or an audio recording.
const DEFAULT_LIMIT_BYTES: u64 = 36 << 20;
/// One hour: long enough for a provider that fetches later, short enough for a link that gets around.
const DEFAULT_LINK_SECONDS: i64 = 3600;

impl<D: Driver, P: Platform> App<D, P> {
    pub fn new(database: Database<D>, clock: impl Clock + 'static, platform: P) -> Self {
        Self { database, clock: Box::new(clock), platform, darkroom: Mutex::new(()) }
    }

    pub fn now(&self) -> Micros {
        self.clock.now()
    }

    /// The largest file that is taken.
    pub async fn limit_bytes(&self) -> u64 {
        self.number("media_limit_bytes").await.unwrap_or(DEFAULT_LIMIT_BYTES)
    }

    /// How long a link works.
    pub async fn link_seconds(&self) -> i64 {
        let seconds = self.number("media_link_seconds").await.and_then(|seconds| i64::try_from(seconds).ok());
        seconds.unwrap_or(DEFAULT_LINK_SECONDS)
    }

    /// Types that are taken beside those of [`sniff`](crate::sniff).
    pub async fn extra_types(&self) -> Vec<String> {
        let listed = self.platform.setting("media_extra_types").await.unwrap_or_default();
        listed.split(',').map(|one| one.trim().to_ascii_lowercase()).filter(|one| !one.is_empty()).collect()
    }

    /// Whether the deployment's variables make sense.
    pub async fn health(&self) -> Outcome {
        let mut checks = Checks::default();
        for name in ["media_limit_bytes", "media_link_seconds"] {
            checks.number(name, self.platform.setting(name).await.as_deref(), 1..=i64::MAX);
        }
        let quota = self.platform.setting("media_quota_bytes").await;
        if let Some(text) = quota.filter(|text| quota::parse(text).is_none()) {
            checks.note(Err::<(), _>(format!(
                "variable `media_quota_bytes` is `{text}`, not a number of bytes (0: no quota)"
            )));
        }
        checks.url("public_base_url", self.platform.setting("public_base_url").await.as_deref());
        for listed in self.extra_types().await.iter().filter(|listed| !listed.contains('/')) {
            let no_type = format!("variable `media_extra_types` has `{listed}`, which is no type like application/zip");
            checks.note(Err::<(), _>(no_type));
        }
        match self.kind().await {
            Ok(Kind::S3) => checks.note(Bucket::of(&self.platform).await),
            kind => checks.note(kind),
        }
        checks.outcome()
    }

    async fn number(&self, name: &str) -> Option<u64> {
        self.platform.setting(name).await?.trim().parse().ok().filter(|number| *number > 0)
    }
}
