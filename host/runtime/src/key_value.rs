//! The key-value stores: opens the file of each label that is used, and says who may open which.

use crate::error::StartError;
use crate::factors::Settings;
use crate::grants::{grants, owned};
use kobliat_factor_key_value::{KeyValueFactor, Store};
use kobliat_key_value_spin::StoreFile;
use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::Arc;
use tokio::sync::Mutex;

/// The store of `--key-value`, and the one that needs no entry in runtime-config.toml.
const DEFAULT: &str = "default";

/// The open files, closed when the platform stops. One that is needed no more stays open: an old version may still use it.
#[derive(Default)]
pub struct KeyValueFiles(Mutex<BTreeMap<PathBuf, StoreFile>>);

impl KeyValueFiles {
    pub async fn close(&self) {
        for file in self.0.lock().await.values() {
            file.close().await;
        }
    }
}

/// `presets` are written into the default store before anything serves.
pub async fn open(
    settings: &Settings<'_>,
    files: &KeyValueFiles,
    presets: &[(String, String)],
) -> Result<KeyValueFactor, StartError> {
    let Settings { manifest, config, state_dir, options, .. } = settings;
    let grants = grants(manifest, options.links, |component| &component.key_value_stores, |own| &own.key_value_stores);
    let granted = |label: &str| grants.values().any(|labels| labels.iter().any(|one| one == label));
    let used = |label: &str| granted(label) || (label == DEFAULT && !presets.is_empty());
    let mut files = files.0.lock().await;
    let mut stores: HashMap<String, Arc<dyn Store>> = HashMap::new();
    for (label, path) in config.key_value_stores(state_dir).into_iter().filter(|(label, _)| used(label)) {
        let file = open_once(&mut files, &label, path).await?;
        stores.insert(label.clone(), file.store(&label));
    }
    if let Some(store) = stores.get(DEFAULT) {
        preset(store.as_ref(), presets).await?;
    }
    KeyValueFactor::new(stores, owned(grants)).map_err(|error| StartError::new(error.to_string()))
}

/// Labels may share a file; it is opened once.
async fn open_once<'f>(
    files: &'f mut BTreeMap<PathBuf, StoreFile>,
    label: &str,
    path: PathBuf,
) -> Result<&'f StoreFile, StartError> {
    if !files.contains_key(&path) {
        let file = StoreFile::open(&path)
            .await
            .map_err(|error| StartError::new(format!("[key_value_store.{label}]: {error}")))?;
        files.insert(path.clone(), file);
    }
    files.get(&path).ok_or_else(|| StartError::new(format!("[key_value_store.{label}] is not open")))
}

async fn preset(store: &dyn Store, presets: &[(String, String)]) -> Result<(), StartError> {
    for (key, value) in presets {
        let set = store.set(key.clone(), value.clone().into_bytes()).await;
        set.map_err(|error| StartError::because(format_args!("set the key `{key}` of the default store"), error))?;
    }
    Ok(())
}
