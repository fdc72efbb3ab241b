//! The capabilities of this host: one place where each factor is made, and stopped.

use crate::components::is_composed;
use crate::databases;
use crate::error::StartError;
use crate::grants::{grants, owned};
use crate::key_value::{self, KeyValueFiles};
use crate::options::Options;
use crate::runtime_config::RuntimeConfig;
use kobliat_engine::Factor;
use kobliat_factor_key_value::KeyValueFactor;
use kobliat_factor_llm::LlmFactor;
use kobliat_factor_sqlite::SqliteFactor;
use kobliat_factor_variables::{Resolver, Scope, VariablesFactor};
use kobliat_manifest::{Component, Manifest};
use std::path::Path;
use std::sync::Arc;

/// Those that need a farewell are known by name, too.
pub struct Factors {
    sqlite: Arc<SqliteFactor>,
    variables: Arc<VariablesFactor>,
    key_value: Arc<KeyValueFactor>,
    key_value_files: Arc<KeyValueFiles>,
    llm: Arc<LlmFactor>,
}

/// What the factors are made from.
pub struct Settings<'s> {
    pub manifest: &'s Manifest,
    pub config: &'s RuntimeConfig,
    pub resolver: &'s Resolver,
    pub state_dir: &'s Path,
    pub options: &'s Options,
}

impl Factors {
    pub async fn new(settings: &Settings<'_>) -> Result<Self, StartError> {
        Self::with(settings, None).await
    }

    /// For another reading of the manifest, with the same databases and stores, and those that are new.
    pub async fn again(&self, settings: &Settings<'_>) -> Result<Self, StartError> {
        Self::with(settings, Some(self)).await
    }

    async fn with(settings: &Settings<'_>, before: Option<&Self>) -> Result<Self, StartError> {
        let Settings { manifest, resolver, .. } = settings;
        let links = settings.options.links;
        let scope = |component: &Component| if is_composed(component, links) { Scope::Listed } else { Scope::Own };
        let models = grants(manifest, links, |component| &component.ai_models, |own| &own.ai_models);
        let key_value_files = before.map(|before| Arc::clone(&before.key_value_files)).unwrap_or_default();
        let presets = if before.is_none() { settings.options.key_values.as_slice() } else { &[] };
        let key_value = key_value::open(settings, &key_value_files, presets).await?;
        Ok(Self {
            sqlite: Arc::new(databases::open(settings, before.map(|before| &*before.sqlite))?),
            variables: Arc::new(VariablesFactor::new(manifest, resolver, scope)),
            key_value: Arc::new(key_value),
            key_value_files,
            llm: Arc::new(LlmFactor::new(owned(models))),
        })
    }

    /// What each instance is prepared by.
    pub fn all(&self) -> Vec<Arc<dyn Factor>> {
        vec![
            Arc::clone(&self.sqlite) as Arc<dyn Factor>,
            Arc::clone(&self.variables) as Arc<dyn Factor>,
            Arc::clone(&self.key_value) as Arc<dyn Factor>,
            Arc::clone(&self.llm) as Arc<dyn Factor>,
        ]
    }

    pub fn sqlite(&self) -> Arc<SqliteFactor> {
        Arc::clone(&self.sqlite)
    }

    /// The schemas of the services' databases, by label.
    pub fn schemas(&self) -> Schemas {
        Schemas(Arc::clone(&self.sqlite))
    }

    /// Call it when no guest runs any more.
    pub async fn shutdown(&self) {
        self.sqlite.shutdown().await;
        self.key_value_files.close().await;
    }
}

/// At which schema a database is, as the SDK notes it.
pub struct Schemas(Arc<SqliteFactor>);

impl Schemas {
    /// A component's own database has its name. `None` where there is none; 0 before its first migration.
    pub async fn schema(&self, component: &str) -> Option<u32> {
        self.0.read_number(component, "SELECT 1").await?;
        let newest = "SELECT coalesce(max(number), 0) FROM schema_migrations";
        let number = self.0.read_number(component, newest).await.unwrap_or(0);
        u32::try_from(number).ok()
    }
}
