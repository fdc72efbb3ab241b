//! Who wants which events, and how often a delivery of them is tried.

use crate::event::Event;
use crate::schedule::Schedule;
use kobliat_manifest::EventPattern;

/// A component's subscription, named like the component.
#[derive(Clone, Debug)]
pub struct Subscription {
    pub component: String,
    /// At least one.
    pub interests: Vec<Interest>,
}

/// Event types, with what happens when their delivery fails.
#[derive(Clone, Debug)]
pub struct Interest {
    pub pattern: EventPattern,
    pub schedule: Schedule,
}

impl Subscription {
    pub fn wants(&self, event: &Event) -> bool {
        self.interest(event).is_some()
    }

    /// The first that fits, in the order of the manifest.
    fn interest(&self, event: &Event) -> Option<&Interest> {
        self.interests.iter().find(|interest| interest.pattern.matches(event.kind()))
    }

    /// For an event of an earlier run, in which the component wanted more: the schedule of what it wants now.
    pub fn schedule(&self, event: &Event) -> Option<&Schedule> {
        self.interest(event).or(self.interests.first()).map(|interest| &interest.schedule)
    }
}
