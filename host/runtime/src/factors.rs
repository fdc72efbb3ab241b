//! The capabilities of this host: one place where each factor is made, and stopped.

use crate::components::is_composed;
use crate::databases;
use crate::error::StartError;
use crate::runtime_config::RuntimeConfig;
use kobliat_engine::Factor;
use kobliat_factor_sqlite::SqliteFactor;
use kobliat_factor_variables::{Resolver, Scope, VariablesFactor};
use kobliat_manifest::{Component, Manifest};
use std::path::Path;
use std::sync::Arc;

/// Those that need a farewell are known by name, too.
pub struct Factors {
    sqlite: Arc<SqliteFactor>,
    variables: Arc<VariablesFactor>,
}

impl Factors {
    pub fn new(
        manifest: &Manifest,
        config: &RuntimeConfig,
        resolver: &Resolver,
        state_dir: &Path,
        links: bool,
    ) -> Result<Self, StartError> {
        let scope = |component: &Component| if is_composed(component, links) { Scope::Listed } else { Scope::Own };
        Ok(Self {
            sqlite: Arc::new(databases::open(manifest, config, state_dir, links)?),
            variables: Arc::new(VariablesFactor::new(manifest, resolver, scope)),
        })
    }

    /// What each instance is prepared by.
    pub fn all(&self) -> Vec<Arc<dyn Factor>> {
        vec![Arc::clone(&self.sqlite) as Arc<dyn Factor>, Arc::clone(&self.variables) as Arc<dyn Factor>]
    }

    /// Call it when no guest runs any more.
    pub async fn shutdown(&self) {
        self.sqlite.shutdown().await;
    }
}
