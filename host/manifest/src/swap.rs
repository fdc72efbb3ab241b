//! `swap` of a component: how its new versions are probed and watched, and how long its old ones may go on.

use std::time::Duration;

use crate::reader::{Field, Table};
use crate::units;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SwapPolicy {
    /// `probe`: the path that a new version must answer with 2xx before it serves. Without it `/health`, which need not exist.
    pub probe: Option<String>,
    /// `watch`: how long a new version is watched, and taken back when it fails; `0s` does not watch. Default 30 s.
    pub watch: Duration,
    /// `errors`: the percentage of failed requests above which it is taken back. Default 10.
    pub errors_percent: u8,
    /// `traps`: how many of its instances may die before it is taken back. Default 2.
    pub traps: u32,
    /// `drain`: how long an old version may finish what it has. Default 60 s.
    pub drain: Duration,
}

impl Default for SwapPolicy {
    fn default() -> Self {
        Self {
            probe: None,
            watch: Duration::from_secs(30),
            errors_percent: 10,
            traps: 2,
            drain: Duration::from_secs(60),
        }
    }
}

impl SwapPolicy {
    pub(crate) fn read(table: &Table) -> Self {
        let default = Self::default();
        let time =
            |key, default| table.optional(key).and_then(|field| field.parsed(units::duration)).unwrap_or(default);
        let number = |key, most| table.optional(key).and_then(|field| field.integer(0..=most));
        let policy = Self {
            probe: table.optional("probe").and_then(|field| read_path(&field)),
            watch: time("watch", default.watch),
            errors_percent: number("errors", 100).and_then(|n| u8::try_from(n).ok()).unwrap_or(default.errors_percent),
            traps: number("traps", 1_000_000).and_then(|n| u32::try_from(n).ok()).unwrap_or(default.traps),
            drain: time("drain", default.drain),
        };
        table.finish();
        policy
    }
}

fn read_path(field: &Field) -> Option<String> {
    field.parsed(|path| match path.starts_with('/') && !path.contains(char::is_whitespace) {
        true => Ok(path.to_owned()),
        false => Err(format!("`{path}` is no path; write it like `/health`")),
    })
}
