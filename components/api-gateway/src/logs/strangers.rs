//! How much of the request log is strangers': whoever has no credential may send as fast as the network carries.

use std::cell::Cell;

use super::Entry;
use crate::clients::Outside;
use crate::store;
use crate::tenants::STRANGERS;
use sdk::sql::SqlError;
use sdk::{Context, Micros, log};

const MINUTE_MICROS: Micros = 60_000_000;
/// An instance keeps so many a minute …
const PER_MINUTE: u32 = 100;
/// … and all instances together write so many: 10 a second, of about 300 bytes each.
const PER_MINUTE_IN_ALL: usize = 600;

/// What this instance has kept of this minute's, and what it has not.
#[derive(Default)]
pub(super) struct Strangers {
    minute: Cell<Micros>,
    kept: Cell<u32>,
    skipped: Cell<u64>,
}

impl Strangers {
    /// Whether one more is kept now. The first of a minute says how many of the last were not.
    pub(super) fn admits(&self, now: Micros) -> bool {
        let minute = now / MINUTE_MICROS;
        if self.minute.replace(minute) != minute {
            self.kept.set(0);
            self.tell_skipped();
        }
        self.kept.update(|kept| kept.saturating_add(1));
        let may = self.kept.get() <= PER_MINUTE;
        self.skipped.update(|skipped| skipped + u64::from(!may));
        may
    }

    /// Takes those out of a batch for which all instances together have no room in this minute.
    pub(super) async fn cut<B: Outside>(
        &self,
        outside: &B,
        batch: Vec<Entry>,
    ) -> Result<Vec<Entry>, (Vec<Entry>, SqlError)> {
        if batch.iter().all(|entry| entry.tenant != STRANGERS) {
            return Ok(batch);
        }
        let since = outside.now() - MINUTE_MICROS;
        let written = match store::logs::count_since(outside.tables(), STRANGERS, since, PER_MINUTE_IN_ALL).await {
            Ok(written) => written,
            Err(error) => return Err((batch, error)),
        };
        let mut room = PER_MINUTE_IN_ALL.saturating_sub(written);
        let before = batch.len();
        let kept: Vec<Entry> = batch.into_iter().filter(|entry| fits(entry, &mut room)).collect();
        self.skipped.update(|skipped| skipped + u64::try_from(before - kept.len()).unwrap_or_default());
        Ok(kept)
    }

    fn tell_skipped(&self) {
        let skipped = self.skipped.take();
        if skipped > 0 {
            let text = "requests without a valid credential were not put into the request log: there were too many";
            log::warn(&Context::default(), text, &[("requests", &skipped)]);
        }
    }
}

fn fits(entry: &Entry, room: &mut usize) -> bool {
    if entry.tenant != STRANGERS {
        return true;
    }
    let has_room = *room > 0;
    *room = room.saturating_sub(1);
    has_room
}
