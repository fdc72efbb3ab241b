//! Whether a commit waits a moment for company. Where writes come quickly one after the other, each would be a commit of its own
//! on a fast disk, and the commits would take the processor from the guests that make the writes.
//!
//! The writer learns by trying how many come within [`Options::company_wait`](crate::Options): it asks for one more than
//! last time, and when the time is up first, is content with those that came and asks again later, and later still
//! when that fails, too. So one caller who sends his next write after the answer to the last waits in one of a
//! thousand commits, and two who do so wait for each other only.

use std::time::{Duration, Instant};

/// The first pause after a wait in vain, doubled by each that follows.
const SHORTEST_PAUSE: Duration = Duration::from_millis(4);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

pub(super) struct Company {
    most: usize,
    /// How many jobs a batch begins with, unless the wait for them is in vain.
    wanted: usize,
    /// When one more is asked for.
    ask_again: Instant,
    pause: Duration,
}

impl Company {
    pub fn new(most: usize, now: Instant) -> Self {
        Self { most, wanted: 1, ask_again: now, pause: SHORTEST_PAUSE }
    }

    /// How many jobs to wait for.
    pub fn wanted(&self) -> usize {
        self.wanted
    }

    /// Learns from a batch that began with so many jobs.
    pub fn came(&mut self, jobs: usize, now: Instant) {
        if jobs < self.wanted {
            self.wanted = jobs.max(1);
            self.ask_again = now + self.pause;
            self.pause = (self.pause * 2).min(LONGEST_PAUSE);
            return;
        }
        if jobs > 1 {
            self.pause = SHORTEST_PAUSE;
        }
        self.wanted = if now >= self.ask_again { jobs + 1 } else { jobs }.min(self.most);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    /// What is asked for when, of those that would come, `there` are there in time.
    fn waits_in_vain(there: usize, commits: u32) -> u32 {
        let start = Instant::now();
        let mut company = Company::new(128, start);
        let mut in_vain = 0;
        for commit in 0..commits {
            let is_in_vain = company.wanted() > there;
            in_vain += u32::from(is_in_vain);
            company.came(there, start + MS * commit);
        }
        in_vain
    }

    #[test]
    fn a_lone_caller_hardly_ever_waits() {
        assert!(waits_in_vain(1, 10_000) < 20);
    }

    #[test]
    fn asks_for_as_many_as_come() {
        let start = Instant::now();
        let mut company = Company::new(128, start);
        for commit in 0..20 {
            company.came(company.wanted(), start + MS * 10 * commit);
        }
        assert!(company.wanted() > 10, "as long as they come, more are asked for");
        company.came(3, start);
        assert_eq!(company.wanted(), 3, "and no more than came when they do not");
    }

    #[test]
    fn never_asks_for_more_than_fit_into_a_batch() {
        let start = Instant::now();
        let mut company = Company::new(4, start);
        for commit in 0..100 {
            company.came(100, start + MS * commit);
        }
        assert_eq!(company.wanted(), 4);
    }

    #[test]
    fn asks_again_soon_when_company_came() {
        let start = Instant::now();
        let mut company = Company::new(128, start);
        for commit in 0..50 {
            company.came(1, start + MS * commit);
        }
        let long = company.pause;
        company.came(2, start + MS * 50);
        assert!(company.pause < long);
    }
}
