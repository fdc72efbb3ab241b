//! Where values come from: the runtime config's `[[variables_provider]]` entries, ready to be asked.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::dotenv;
use crate::error::Error;

/// A `[[variables_provider]]` of the runtime config.
#[derive(Clone, PartialEq, Eq)]
pub enum Provider {
    Static {
        values: BTreeMap<String, String>,
    },
    /// `<prefix>_<NAME>` in the environment, then in the file.
    Env {
        prefix: Option<String>,
        dotenv_path: Option<PathBuf>,
    },
}

/// Everything outside the manifest that has a say. Read by the command line and the runtime; nothing here looks around.
#[derive(Default)]
pub struct Sources {
    /// `--variable name=value`: the operator's last word.
    pub cli: BTreeMap<String, String>,
    pub providers: Vec<Provider>,
    /// The process environment.
    pub environment: BTreeMap<String, String>,
    /// Where `.env` is looked for.
    pub working_dir: PathBuf,
}

/// Spin's prefix of environment variables.
const DEFAULT_PREFIX: &str = "SPIN_VARIABLE";
/// Read when it exists; a file that the runtime config names must exist.
const DEFAULT_DOTENV: &str = ".env";

/// All that can be asked for values, in order.
pub(crate) enum Source {
    Values(BTreeMap<String, String>),
    Prefixed { prefix: String, values: BTreeMap<String, String> },
}

impl Source {
    pub fn get(&self, name: &str) -> Option<&str> {
        let value = match self {
            Self::Values(values) => values.get(name),
            Self::Prefixed { prefix, values } => values.get(&format!("{prefix}_{}", name.to_ascii_uppercase())),
        };
        value.map(String::as_str)
    }
}

/// The configured providers in order, and Spin's environment provider after them.
pub(crate) fn open(sources: &Sources) -> Result<Vec<Source>, Error> {
    let environment = &sources.environment;
    let mut opened = Vec::new();
    for provider in &sources.providers {
        match provider {
            Provider::Static { values } => opened.push(Source::Values(values.clone())),
            Provider::Env { prefix, dotenv_path } => {
                let file = dotenv_path.as_deref().map(read_dotenv).transpose()?.unwrap_or_default();
                opened.push(prefixed(prefix.as_deref().unwrap_or(DEFAULT_PREFIX), file, environment));
            }
        }
    }
    let default = sources.working_dir.join(DEFAULT_DOTENV);
    let file = if default.exists() { read_dotenv(&default)? } else { BTreeMap::new() };
    opened.push(prefixed(DEFAULT_PREFIX, file, environment));
    Ok(opened)
}

/// The environment overrides the file.
fn prefixed(prefix: &str, file: BTreeMap<String, String>, environment: &BTreeMap<String, String>) -> Source {
    let mut values = file;
    values.extend(environment.iter().map(|(key, value)| (key.clone(), value.clone())));
    Source::Prefixed { prefix: prefix.to_owned(), values }
}

fn read_dotenv(path: &Path) -> Result<BTreeMap<String, String>, Error> {
    let failed = |reason: String| Error::Dotenv { path: path.to_owned(), reason };
    let text = std::fs::read_to_string(path).map_err(|cause| failed(cause.to_string()))?;
    dotenv::parse(&text).map_err(failed)
}
