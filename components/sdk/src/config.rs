//! Variables: what the deployment tells a component.

use spin_sdk::variables::{self, Error};

/// A variable's value; `None` when it is not declared, not given, or empty.
pub async fn optional(name: &str) -> Result<Option<String>, ConfigError> {
    match variables::get(name).await {
        Ok(value) if value.is_empty() => Ok(None),
        Ok(value) => Ok(Some(value)),
        Err(Error::Undefined(_)) => Ok(None),
        Err(error) => Err(ConfigError(format!("failed to read variable `{name}`: {error}"))),
    }
}

/// A variable's value; an error that names the fix when there is none.
pub async fn required(name: &str) -> Result<String, ConfigError> {
    let missing = || ConfigError(format!("variable `{name}` has no value: add it to [variables] in spin.toml"));
    optional(name).await?.ok_or_else(missing)
}

/// For the log, never for the client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError(pub String);

impl std::fmt::Display for ConfigError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ConfigError {}
