//! Guessing is slow: who fails at a user from one address too often has to wait. Neighbours behind that address, and the user elsewhere,
//! do not.

use std::cell::RefCell;
use std::collections::HashMap;

use crate::clients::Outside;
use crate::store::attempts;
use sdk::sql::SqlError;
use sdk::{Context, Micros, log};

/// So many failures may come at once …
pub const BURST: i64 = 10;
/// … and then one every 6 s, in microseconds.
pub const INTERVAL_MICROS: Micros = 6_000_000;
/// Failures at one user from everywhere together: ten addresses that guess. NIST SP 800-63B allows 100.
pub const NAME_BURST: i64 = 100;
/// Subjects remembered per instance, about 100 bytes each; a full memory forgets who has to wait least.
const CAPACITY: usize = 4096;

/// Who has no tenant: a source, where attempts are counted over all instances. Not a name that a tenant can have.
pub const NO_TENANT: &str = "-";

/// An attempt at a password, which counts for all instances together.
#[derive(Clone, Debug)]
pub struct Attempt<'a> {
    pub source: &'a str,
    pub tenant: &'a str,
    pub name: &'a str,
}

/// What counting said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// The password may be looked at. `is_source_spent`: too many came from this source, so that a wrong one has to wait.
    Admitted { is_source_spent: bool },
    /// Too many were made at this user, from this source or by whomever.
    Refused,
}

impl Attempt<'_> {
    /// The user and the source together. No name has a blank in it.
    pub fn pair(&self) -> String {
        format!("{} {}", self.name, self.source)
    }

    /// How long a refused one waits until there is room for another.
    pub fn wait_seconds() -> u32 {
        u32::try_from(INTERVAL_MICROS / 1_000_000).unwrap_or(1)
    }

    /// Counts it, before it is looked at. `exists`: there is a user of this name.
    pub async fn admit<B: Outside>(&self, outside: &B, exists: bool) -> Result<Admission, SqlError> {
        attempts::admit(outside.tables(), self, exists, outside.now()).await
    }

    /// It was right. Nobody waits for it to be taken off.
    pub fn forgive<B: Outside>(&self, outside: &B, is_source_spent: bool) {
        let (outside_too, source) = (outside.clone(), self.source.to_owned());
        let (tenant, name) = (self.tenant.to_owned(), self.name.to_owned());
        outside.spawn(async move {
            let attempt = Attempt { source: &source, tenant: &tenant, name: &name };
            let now = outside_too.now();
            if let Err(error) = attempts::forgive(outside_too.tables(), &attempt, is_source_spent, now).await {
                log::warn(&Context::default(), "failed to forgive an attempt", &[("reason", &error)]);
            }
        });
    }
}

/// Failed attempts of this instance, by subject: when all of them will be forgiven.
#[derive(Default)]
pub struct Throttle(RefCell<HashMap<String, Micros>>);

impl Throttle {
    /// How many seconds this subject has to wait, if it has to.
    pub fn wait_seconds(&self, subject: &str, now: Micros) -> Option<u32> {
        let forgiven_at = *self.0.borrow().get(subject)?;
        let over = forgiven_at - now - (BURST - 1) * INTERVAL_MICROS;
        (over > 0).then(|| u32::try_from((over + 999_999) / 1_000_000).unwrap_or(1))
    }

    pub fn failed(&self, subject: &str, now: Micros) {
        let mut subjects = self.0.borrow_mut();
        if subjects.len() >= CAPACITY && !subjects.contains_key(subject) {
            make_room(&mut subjects, now);
        }
        let forgiven_at = subjects.entry(subject.to_owned()).or_insert(now);
        // Never further than the burst: who goes on while it has to wait does not wait longer for it.
        *forgiven_at = ((*forgiven_at).max(now) + INTERVAL_MICROS).min(now + BURST * INTERVAL_MICROS);
    }
}

fn make_room(subjects: &mut HashMap<String, Micros>, now: Micros) {
    subjects.retain(|_, forgiven_at| *forgiven_at > now);
    if subjects.len() >= CAPACITY {
        let least = subjects.iter().min_by_key(|(_, at)| **at).map(|(subject, _)| subject.clone());
        least.and_then(|subject| subjects.remove(&subject));
    }
}
