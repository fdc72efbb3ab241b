//! How much the host logs. Whoever has set the log up lends the means to change it.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

impl Level {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Trace => "trace",
        }
    }
}

/// The log of this process.
#[derive(Clone)]
pub struct Log {
    level: Level,
    set: Arc<dyn Fn(Level) + Send + Sync>,
}

impl Log {
    /// `level` is what is logged now, `set` changes it.
    pub fn new(level: Level, set: impl Fn(Level) + Send + Sync + 'static) -> Self {
        Self { level, set: Arc::new(set) }
    }

    /// At the start.
    pub(crate) fn level(&self) -> Level {
        self.level
    }

    pub(crate) fn set(&self, level: Level) {
        (self.set)(level);
    }
}

impl Default for Log {
    /// A log that somebody else decides about.
    fn default() -> Self {
        Self::new(Level::Warn, |_| ())
    }
}

impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Log({})", self.level.as_str())
    }
}
