//! What the files say: manifest, runtime config and kobliat.toml, with what the command line changes in them. Read at start, and
//! again whenever they change.

use crate::downloads;
use crate::error::StartError;
use crate::middleware;
use crate::options::Options;
use crate::overrides;
use crate::platform_config::PlatformConfig;
use crate::runtime_config::RuntimeConfig;
use crate::single;
use crate::unsupported;
use kobliat_manifest::Manifest;
use kobliat_telemetry::otlp::Settings as TelemetrySettings;
use kobliat_trigger_http::TlsOptions;
use std::path::Path;
use std::sync::Arc;

pub struct Reading {
    pub manifest: Arc<Manifest>,
    pub config: RuntimeConfig,
    pub platform: PlatformConfig,
}

impl Reading {
    /// Refused with every reason that can be seen without starting anything.
    pub fn of(options: &Options) -> Result<Self, StartError> {
        let mut manifest = single::load(&options.manifest)?;
        let config = RuntimeConfig::load(options.runtime_config.as_deref(), &manifest.dir)?;
        overrides::apply(&mut manifest, options, config.max_instance_memory())?;
        unsupported::refuse(&manifest)?;
        let platform = PlatformConfig::load(config.dir())?;
        Ok(Self { manifest: Arc::new(middleware::apart(manifest)), config, platform })
    }

    /// Has what is elsewhere here as a file.
    pub async fn fetch(&mut self, directory: &Path, options: &Options) -> Result<(), StartError> {
        downloads::fetch(Arc::make_mut(&mut self.manifest), directory, options).await
    }

    /// What kobliat.toml and the command line's environment say of the collector.
    pub fn telemetry(&self, options: &Options) -> Result<TelemetrySettings, StartError> {
        match &self.platform.telemetry {
            Some(telemetry) => telemetry.settings(&options.environment),
            None => Ok(options.telemetry.clone()),
        }
    }

    /// The certificates of kobliat.toml, where it names any.
    pub fn tls(&self) -> Option<TlsOptions> {
        self.platform.tls.as_ref().map(|tls| tls.options(self.config.dir()))
    }

    /// What `next` changes and only a new start can follow, each by its name.
    pub fn needs_restart(&self, next: &Self, state_dir: &Path) -> Vec<String> {
        let mut reasons: Vec<String> = self.config.fixed_differences(&next.config, state_dir);
        if self.platform != next.platform {
            reasons.push("kobliat.toml".to_owned());
        }
        let ids = self.manifest.components.keys().chain(next.manifest.components.keys());
        let mut resubscribed: Vec<&String> =
            ids.filter(|id| self.subscriptions(id) != next.subscriptions(id)).collect();
        resubscribed.sort();
        resubscribed.dedup();
        reasons.extend(resubscribed.into_iter().map(|id| format!("`subscribe` in [component.{id}.tool.kobliat]")));
        reasons
    }

    /// What a component subscribes to; one that does not exist subscribes to nothing.
    fn subscriptions(&self, id: &str) -> &[kobliat_manifest::Interest] {
        self.manifest.components.get(id).map_or(&[], |component| &component.kobliat.subscribe)
    }
}
