//! How many events were published, by type: for metrics of what happens in an application.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// A type is any text that a component chooses; events of further types are counted together.
const MOST_TYPES: usize = 200;

/// The type under which those are counted.
const OTHERS: &str = "other";

/// Events that were stored since the start of the host.
#[derive(Default)]
pub(crate) struct PublishedTypes(Mutex<BTreeMap<String, u64>>);

impl PublishedTypes {
    /// Counts a batch, but for the positions that were known before.
    pub fn count(&self, types: &[String], known: &[usize]) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (position, kind) in types.iter().enumerate() {
            if known.contains(&position) {
                continue;
            }
            let is_counted_alone = counts.contains_key(kind) || counts.len() < MOST_TYPES;
            let name = if is_counted_alone { kind } else { OTHERS };
            *counts.entry(name.to_owned()).or_default() += 1;
        }
    }

    pub fn counts(&self) -> Vec<(String, u64)> {
        let counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        counts.iter().map(|(kind, count)| (kind.clone(), *count)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(published: &PublishedTypes, kind: &str) -> u64 {
        published.counts().iter().find(|(name, _)| name == kind).map_or(0, |(_, count)| *count)
    }

    #[test]
    fn a_repeated_event_is_counted_once() {
        let published = PublishedTypes::default();
        let types = ["opened".to_owned(), "closed".to_owned(), "opened".to_owned()];
        published.count(&types, &[]);
        published.count(&types, &[0, 1]);
        assert_eq!((of(&published, "opened"), of(&published, "closed")), (3, 1));
    }

    #[test]
    fn types_without_end_are_counted_together() {
        let published = PublishedTypes::default();
        let types: Vec<String> = (0..MOST_TYPES + 50).map(|number| format!("type-{number:03}")).collect();
        published.count(&types, &[]);
        assert_eq!(of(&published, OTHERS), 50);
        assert_eq!(published.counts().len(), MOST_TYPES + 1);
    }
}
