//! Conclusions are written some at a time: what becomes of a delivery is told after its answer and protects nothing that was
//! acknowledged, so it need not cost a statement and a commit for each.
//!
//! Whoever finds nobody writing takes a turn: waits a moment for others, then writes what is there, until nothing is. A turn is
//! part of its request, which must end, so under load a later request takes over.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use super::delivery::{Conclusion, Store};

/// How long conclusions are gathered. Deliveries are left alone for a minute, so nobody does one again meanwhile.
pub const GATHERING: Duration = Duration::from_millis(50);

/// After so many statements the next request takes over.
const STATEMENTS_PER_TURN: u32 = 8;

/// Of one instance.
#[derive(Default)]
pub struct Conclusions {
    waiting: RefCell<Vec<Conclusion>>,
    /// The turn that is on, if one is.
    turn: Cell<Option<u64>>,
    last_turn: Cell<u64>,
    /// Of the turn that is on.
    statements: Cell<u32>,
}

/// The duty to write. Dropped, with its request for instance, it leaves the duty to the next.
pub struct Turn {
    conclusions: Rc<Conclusions>,
    number: u64,
}

impl Conclusions {
    /// Keeps the conclusion; whoever is given the turn runs it.
    #[must_use]
    pub fn add(self: &Rc<Self>, conclusion: Conclusion) -> Option<Turn> {
        self.waiting.borrow_mut().push(conclusion);
        if self.turn.get().is_some() && self.statements.get() < STATEMENTS_PER_TURN {
            return None;
        }
        let number = self.last_turn.get() + 1;
        self.last_turn.set(number);
        self.turn.set(Some(number));
        self.statements.set(0);
        Some(Turn { conclusions: self.clone(), number })
    }
}

impl Turn {
    /// Writes what is there, `gather` by `gather`. Whoever's conclusions could not be written is told to `failed`: the tick does these
    /// deliveries again.
    pub async fn run(self, store: &impl Store, gather: impl AsyncFn(), failed: impl Fn(&[Conclusion], &str)) {
        loop {
            gather().await;
            if !self.is_on() {
                return;
            }
            let batch = self.conclusions.waiting.take();
            if batch.is_empty() {
                return;
            }
            self.conclusions.statements.set(self.conclusions.statements.get() + 1);
            if let Err(reason) = store.conclude_many(&batch).await {
                failed(&batch, &reason);
            }
        }
    }

    fn is_on(&self) -> bool {
        self.conclusions.turn.get() == Some(self.number)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if self.is_on() {
            self.conclusions.turn.set(None);
        }
    }
}
