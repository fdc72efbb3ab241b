//! Guessing is slow: who failed to identify itself too often has to wait, by source and by the name that was guessed at.

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
/// Subjects remembered per instance, about 100 bytes each; a full memory forgets who has to wait least.
const CAPACITY: usize = 4096;

/// Who has no tenant: a source, where attempts are counted over all instances. Not a name that a tenant can have.
const NO_TENANT: &str = "-";

/// What an attempt at a password is counted against, for all instances together.
pub struct Attempt<'a> {
    pub source: &'a str,
    pub tenant: &'a str,
    pub name: &'a str,
}

/// What counting said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    Admitted,
    /// Too many came from this source; with the seconds to wait.
    TooManyFrom(u32),
    /// Too many were made at this name, by whomever.
    TooManyAt,
}

impl Attempt<'_> {
    /// Counts it, before it is looked at.
    pub async fn admit<B: Outside>(&self, outside: &B) -> Result<Admission, SqlError> {
        let now = outside.now();
        if !attempts::charge(outside.tables(), NO_TENANT, self.source, now).await? {
            let seconds = u32::try_from(INTERVAL_MICROS / 1_000_000).unwrap_or(1);
            return Ok(Admission::TooManyFrom(seconds));
        }
        let may = attempts::charge(outside.tables(), self.tenant, self.name, now).await?;
        Ok(if may { Admission::Admitted } else { Admission::TooManyAt })
    }

    /// It was right. Nobody waits for it to be taken off.
    pub fn forgive<B: Outside>(&self, outside: &B) {
        let (outside_too, source) = (outside.clone(), self.source.to_owned());
        let (tenant, name) = (self.tenant.to_owned(), self.name.to_owned());
        outside.spawn(async move {
            for (tenant, subject) in [(NO_TENANT, &source), (&tenant, &name)] {
                if let Err(error) = attempts::refund(outside_too.tables(), tenant, subject).await {
                    log::warn(&Context::default(), "failed to forgive an attempt", &[("reason", &error)]);
                }
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
