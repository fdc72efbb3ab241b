//! Variables: what the deployment tells a component.

use std::{cell::RefCell, collections::HashMap};

use spin_sdk::variables::{self, Error};

use crate::{Context, log};

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

/// Variables that are asked for again and again, each read once: it has its value for as long as an instance lives.
#[derive(Default)]
pub struct Settings {
    known: RefCell<HashMap<String, Option<String>>>,
}

impl Settings {
    /// The value; `None` when it has none, and also when it can not be read now, which the log says and the next call tries again.
    pub async fn get(&self, name: &str) -> Option<String> {
        if let Some(value) = self.known.borrow().get(name) {
            return value.clone();
        }
        match optional(name).await {
            Ok(value) => {
                self.known.borrow_mut().insert(name.to_owned(), value.clone());
                value
            }
            Err(error) => {
                log::error(&Context::default(), "a variable counts as not set", &[("reason", &error)]);
                None
            }
        }
    }
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
