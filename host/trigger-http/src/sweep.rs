//! Looks at clients' behaviour ten times a second: whoever is too slow is given up, and whoever only keeps a place waiting
//! gives it to somebody who needs it.

use crate::places::{Hold, Places, Whose};
use crate::rules::Rules;
use crate::wait;
use std::sync::Arc;
use std::time::Duration;

pub(crate) const EVERY: Duration = Duration::from_millis(100);

/// A place whose client keeps its component waiting for longer is given up when another request needs it.
const PATIENCE_MS: u64 = 500;

/// `queued`: the requests that wait because all of the component's places are taken.
pub(crate) fn sweep(places: &Places, queued: usize, rules: &Rules) {
    let (holds, waiting) = places.look();
    if holds.is_empty() {
        return;
    }
    let now = wait::now();
    for hold in &holds {
        hold.take_over(now);
        if hold.is_overdue(now, rules) && !hold.is_cut() {
            hold.cut();
        }
    }
    if queued > 0 || !waiting.is_empty() {
        make_room(&holds, &waiting, queued, now);
    }
}

/// The longest waits end first. Those who have used up their share get a place of their own only.
fn make_room(holds: &[Arc<Hold>], waiting: &[Whose], queued: usize, now: u64) {
    let stalled = holds.iter().filter(|hold| !hold.is_cut());
    let stalled = stalled.map(|hold| (hold.stalls_for(now), hold)).filter(|(stalled, _)| *stalled >= PATIENCE_MS);
    let mut stalled: Vec<(u64, &Arc<Hold>)> = stalled.collect();
    stalled.sort_by_key(|(longest, _)| std::cmp::Reverse(*longest));
    for whose in waiting {
        if let Some(at) = stalled.iter().position(|(_, hold)| hold.whose().is_related(whose)) {
            stalled.remove(at).1.cut();
        }
    }
    for (_, hold) in stalled.into_iter().take(queued) {
        hold.cut();
    }
}
