//! The log on stderr: how it is written, and how much of it while the host runs.

use clap::ValueEnum;
use kobliat_runtime::{Log, LogLevel};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

#[derive(Clone, Copy, ValueEnum)]
pub enum LogFormat {
    /// A line for people
    Plain,
    /// A JSON object a line, with the event's fields
    Json,
}

/// `RUST_LOG` chooses what is told until an operator does; warnings and errors by default.
pub fn to_stderr(format: LogFormat) -> Log {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn"));
    let level = level_of(&filter);
    // A terminal or a pipe that is gone: the subscriber would tell stderr that writing to stderr failed, and panic.
    let log = tracing_subscriber::fmt().with_writer(std::io::stderr).log_internal_errors(false);
    match format {
        LogFormat::Plain => {
            let log = log.with_target(false).with_env_filter(filter).with_filter_reloading();
            let handle = log.reload_handle();
            log.init();
            Log::new(level, move |level| drop(handle.reload(filter_of(level))))
        }
        LogFormat::Json => {
            let log = log.json().flatten_event(true).with_env_filter(filter).with_filter_reloading();
            let handle = log.reload_handle();
            log.init();
            Log::new(level, move |level| drop(handle.reload(filter_of(level))))
        }
    }
}

fn level_of(filter: &EnvFilter) -> LogLevel {
    match filter.max_level_hint() {
        Some(LevelFilter::OFF | LevelFilter::ERROR) => LogLevel::Error,
        Some(LevelFilter::WARN) => LogLevel::Warn,
        Some(LevelFilter::INFO) => LogLevel::Info,
        Some(LevelFilter::DEBUG) => LogLevel::Debug,
        _ => LogLevel::Trace,
    }
}

/// The details are this host's own: those of the libraries below it would drown them.
fn filter_of(level: LogLevel) -> EnvFilter {
    match level {
        LogLevel::Debug | LogLevel::Trace => EnvFilter::new(format!("info,kobliat={}", level.as_str())),
        quiet => EnvFilter::new(quiet.as_str()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_that_is_set_is_the_level_that_is_told() {
        for level in [LogLevel::Error, LogLevel::Warn, LogLevel::Info, LogLevel::Debug, LogLevel::Trace] {
            assert_eq!(level_of(&filter_of(level)), level);
        }
    }
}
