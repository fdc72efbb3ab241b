//! A component's share of what is opened by label: databases, key-value stores. A label that it was not given is refused, and
//! the log says once which line of spin.toml gives it.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

/// Refused labels that are logged for one component: a guest may make them up.
const MAX_WARNINGS: usize = 16;
/// Longer labels are not logged.
const MAX_LABEL: usize = 64;

/// What it is that a label opens.
#[derive(Debug)]
pub struct Labelled {
    /// As the log calls it: "database".
    pub noun: &'static str,
    /// The key of a component's table in spin.toml that lists the labels.
    pub key: &'static str,
}

/// Why a label opens nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// It belongs to others.
    Denied,
    /// Nothing has it.
    Unknown,
}

pub struct Grant<T> {
    component: String,
    what: &'static Labelled,
    allowed: HashMap<Arc<str>, T>,
    denied: HashSet<String>,
    warned: Mutex<HashSet<String>>,
}

impl<T> Grant<T> {
    /// The share of `component`, which may open `labels` of all that is `known`.
    pub fn new(
        component: &str,
        what: &'static Labelled,
        labels: &[String],
        known: impl IntoIterator<Item = (String, T)>,
    ) -> Self {
        let (mut allowed, mut denied) = (HashMap::new(), HashSet::new());
        for (label, value) in known {
            if labels.contains(&label) {
                allowed.insert(label.into(), value);
            } else {
                denied.insert(label);
            }
        }
        Self { component: component.to_owned(), what, allowed, denied, warned: Mutex::default() }
    }

    pub fn open(&self, label: &str) -> Result<(&Arc<str>, &T), Refused> {
        if let Some(found) = self.allowed.get_key_value(label) {
            return Ok(found);
        }
        self.warn_once(label);
        Err(if self.denied.contains(label) { Refused::Denied } else { Refused::Unknown })
    }

    fn warn_once(&self, label: &str) {
        let mut warned = self.warned.lock().unwrap_or_else(PoisonError::into_inner);
        if warned.len() < MAX_WARNINGS && label.len() <= MAX_LABEL && warned.insert(label.to_owned()) {
            let (component, Labelled { noun, key }) = (&self.component, self.what);
            tracing::warn!(
                component = %component,
                "component `{component}` may not open {noun} `{label}`: add {label:?} to {key} of [component.{component}] in spin.toml (and to its `own`, if it has one)"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    static DOORS: Labelled = Labelled { noun: "door", key: "doors" };

    fn grant(labels: &[&str]) -> Grant<u8> {
        let labels: Vec<String> = labels.iter().map(|label| (*label).to_owned()).collect();
        Grant::new("probe", &DOORS, &labels, [("mine".to_owned(), 1), ("other".to_owned(), 2)])
    }

    #[test]
    fn a_label_opens_what_was_given_and_tells_others_from_unknown_ones() {
        let grant = grant(&["mine", "nothing"]);
        assert_eq!(grant.open("mine").map(|(_, value)| *value), Ok(1));
        assert_eq!(grant.open("other"), Err(Refused::Denied));
        assert_eq!(grant.open("nothing"), Err(Refused::Unknown));
        assert_eq!(grant.open("MINE"), Err(Refused::Unknown), "labels are exact");
    }

    #[test]
    fn made_up_labels_fill_neither_the_log_nor_the_memory() {
        let grant = grant(&[]);
        for n in 0..1000 {
            assert!(grant.open(&format!("label-{n}")).is_err());
        }
        assert!(grant.open(&"x".repeat(1 << 20)).is_err());
        let warned = grant.warned.lock().unwrap();
        assert_eq!(warned.len(), MAX_WARNINGS);
        assert!(warned.iter().all(|label| label.len() <= MAX_LABEL));
    }
}
