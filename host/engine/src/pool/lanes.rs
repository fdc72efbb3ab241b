//! The state of one pool under its lock: lanes of waiting jobs, and which workers are there.

use super::slot::Slot;
use crate::context::MAX_DEPTH;
use crate::job::Job;
use crate::limits::Limits;
use std::collections::VecDeque;
use std::sync::Arc;

pub(super) struct Shared {
    pub lanes: [Lane; MAX_DEPTH + 1],
    /// Workers that can take a job now, the most recently busy last: the others may become idle and go.
    pub waiting: Vec<Arc<Slot>>,
    pub workers: usize,
    /// Workers that have started and not yet asked for a job.
    pub starting: usize,
    /// Workers that a thread runs, or will as soon as one is free. The others wait for something.
    pub at_work: usize,
    pub closed: bool,
}

#[derive(Default)]
pub(super) struct Lane {
    pub queue: VecDeque<Job>,
    pub running: usize,
    /// Jobs of this lane and those above it together that may run at once. More than the lane above has: the calls that a
    /// job waits for are deeper than itself, so the deepest jobs always find a place, finish, and leave theirs.
    pub limit: usize,
}

impl Shared {
    pub fn new(limits: &Limits) -> Self {
        let lane = |depth| Lane { limit: limits.outside() + limits.reserve() * depth, ..Lane::default() };
        let lanes = std::array::from_fn(lane);
        Self { lanes, waiting: Vec::new(), workers: 0, starting: 0, at_work: 0, closed: false }
    }

    /// How many more jobs of this depth may run now, as far as lanes decide it.
    pub fn room(&self, depth: usize) -> usize {
        let mut running = 0;
        let mut room = usize::MAX;
        for (lane, other) in self.lanes.iter().enumerate() {
            running += other.running;
            if lane >= depth {
                room = room.min(other.limit.saturating_sub(running));
            }
        }
        room
    }

    /// Jobs that could run now if a worker took them.
    pub fn queued(&self) -> usize {
        let waiting = self.lanes.iter().enumerate().filter(|(_, lane)| !lane.queue.is_empty());
        waiting.map(|(depth, lane)| lane.queue.len().min(self.room(depth))).sum()
    }

    /// Takes the deepest job that may run: it is what others wait for. Its lane counts it as running.
    pub fn take(&mut self) -> Option<(Job, usize)> {
        let may_run =
            |&depth: &usize| self.lanes.get(depth).is_some_and(|lane| !lane.queue.is_empty()) && self.room(depth) > 0;
        let depth = (0..=MAX_DEPTH).rev().find(may_run)?;
        let lane = self.lanes.get_mut(depth)?;
        let job = lane.queue.pop_front()?;
        lane.running += 1;
        Some((job, depth))
    }

    /// A thread runs the worker of `slot`, or will.
    pub fn begin(&mut self, slot: &Slot) {
        self.at_work += usize::from(slot.begin());
    }

    /// It waits for something, or has gone.
    pub fn rest(&mut self, slot: &Slot) {
        self.at_work -= usize::from(slot.rest());
    }
}
