//! What each task of one instance has used of the CPU.
//!
//! Mostly there is one task, and all is its. Where there are several, the event loop says when it comes to its next piece of
//! work, and the next tick says whose that is.

use super::SHORTEST_SLICE;
use super::thread_time::{Reading, used};
use std::collections::HashMap;
use std::hash::Hash;
use std::time::{Duration, Instant};

/// Tasks that are remembered. Their ids are used again, so that more are unlikely.
const TASKS: usize = 1024;

pub(super) struct Meter<T> {
    spent: HashMap<T, Duration>,
    /// Who has the thread; `None`: the next tick says it.
    owner: Option<T>,
    alone: bool,
    /// Since when the owner has it, and what the thread's clock showed then. `None` between two polls.
    since: Option<(Instant, Reading)>,
    /// What all have used since somebody asked.
    total: Duration,
    /// Who has used the most.
    most: Option<(T, Duration)>,
}

impl<T: Copy + Eq + Hash> Meter<T> {
    /// For one task and what it does, until another begins.
    pub fn alone(task: T) -> Self {
        let (spent, total) = (HashMap::new(), Duration::ZERO);
        Self { spent, owner: Some(task), alone: true, since: None, total, most: None }
    }

    pub fn is_alone(&self) -> bool {
        self.alone
    }

    pub fn poll_begins(&mut self, now: Instant) {
        self.since = Some((now, Reading::fresh(now)));
    }

    /// What was used since the last poll or tick, by whomever.
    pub fn poll_ends(&mut self, now: Instant) -> Duration {
        let used = self.charge(now);
        self.since = None;
        used
    }

    /// A new task, which has used nothing whatever another of its name has.
    pub fn begin(&mut self, task: T, now: Instant) {
        if self.alone {
            self.close(now);
            self.owner = Some(task);
        }
        self.spent.remove(&task);
        if self.most.is_some_and(|(most, _)| most == task) {
            self.most = None;
        }
    }

    pub fn set_alone(&mut self, alone: bool, now: Instant) {
        if self.alone != alone {
            self.next_work(now);
            self.alone = alone;
        }
    }

    pub fn next_work(&mut self, now: Instant) {
        self.close(now);
        self.owner = None;
    }

    /// This task has the thread, and has had it since its work began.
    pub fn runs(&mut self, task: T, now: Instant) {
        if self.owner.is_some_and(|owner| owner != task) {
            self.close(now);
        }
        self.owner = Some(task);
    }

    /// Charges the owner with what it has used, and says how much it is together with what others have since the last time.
    pub fn charge(&mut self, now: Instant) -> Duration {
        self.close(now);
        std::mem::take(&mut self.total)
    }

    fn close(&mut self, now: Instant) {
        let Some((since, reading)) = self.since else { return };
        let (cpu, reading) = used(reading, since, now);
        self.since = Some((now, reading));
        self.total += cpu;
        // What no tick has seen is no guest's: the host's own work between two.
        if let Some(owner) = self.owner {
            self.add(owner, cpu);
        }
    }

    fn add(&mut self, task: T, cpu: Duration) {
        if self.spent.len() >= TASKS {
            self.spent.retain(|_, spent| *spent >= SHORTEST_SLICE);
        }
        let spent = self.spent.entry(task).or_default();
        *spent += cpu;
        if self.most.is_none_or(|(_, most)| most < *spent) {
            self.most = Some((task, *spent));
        }
    }

    pub fn spent(&self, task: T) -> Duration {
        self.spent.get(&task).copied().unwrap_or_default()
    }

    /// A task that has used more than this.
    pub fn above(&self, budget: Duration) -> Option<T> {
        self.most.filter(|(_, spent)| *spent > budget).map(|(task, _)| task)
    }
}
