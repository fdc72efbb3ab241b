//! Everything that a run sends, made from its order and id alone: the same each time it is asked for.

use serde_json::{Value, json};

use super::{Run, chaos};
use crate::{
    content::Content,
    dice::Dice,
    provider::meta,
    scenario::{
        self, Scenario,
        engine::{self, Next, Progress},
    },
};

/// What the throws are for.
const ORDER: u64 = 1;
const CHAOS: u64 = 2;
const MICROS_PER_SECOND: i64 = 1_000_000;

pub struct Plan {
    pub customers: Vec<Customer>,
    /// In the order in which they were written.
    pub messages: Vec<Planned>,
    pub posts: Vec<Post>,
}

pub struct Customer {
    pub phone: String,
    pub name: String,
}

pub struct Planned {
    pub id: String,
    /// Its place among the customers.
    pub customer: usize,
    pub content: Content,
    /// When it was written, in Unix seconds: each a second after the one before.
    pub at: i64,
}

/// One webhook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Post {
    /// Places among the messages.
    pub messages: Vec<usize>,
    /// The same body a second time, while the first is under way.
    pub twice_at_once: bool,
}

impl Plan {
    pub fn of(run: &Run) -> Self {
        let scenarios: Vec<&Scenario> = scenario::all().collect();
        let prefix = run.prefix();
        let count = usize::try_from(run.order.customers).unwrap_or(1).max(1);
        let mut writers: Vec<Writer> = (0..count).filter_map(|number| Writer::new(run, &scenarios, number)).collect();
        let customers = writers.iter().enumerate().map(|(number, writer)| Customer {
            phone: format!("{prefix}{number:05}"),
            name: format!("{} (simulated)", writer.name()),
        });
        let customers = customers.collect();
        let total = i64::try_from(run.order.messages).unwrap_or(0);
        let begin = run.created_at / MICROS_PER_SECOND - total;
        let mut dice = Dice::new(run.order.seed, ORDER);
        let messages = (0..total).filter_map(|number| {
            let customer = dice.below(writers.len());
            let (content, at) = (writers.get_mut(customer)?.next()?, begin + number);
            Some(Planned { id: format!("wamid.RUN.{prefix}.{number}"), customer, content, at })
        });
        let messages: Vec<Planned> = messages.collect();
        let mut dice = Dice::new(run.order.seed, CHAOS);
        let posts = chaos::posts(messages.len(), run.order.chance(), &mut dice);
        Self { customers, messages, posts }
    }

    /// The webhook's body, as Meta puts it: all customers of the messages, once each.
    pub fn body(&self, account: &str, post: &Post) -> Vec<u8> {
        let planned: Vec<(usize, &Planned)> =
            post.messages.iter().filter_map(|place| Some((*place, self.messages.get(*place)?))).collect();
        let mut writers: Vec<usize> = planned.iter().map(|(_, message)| message.customer).collect();
        writers.sort_unstable();
        writers.dedup();
        let contacts = writers.iter().filter_map(|place| self.customers.get(*place));
        let contacts: Vec<Value> = contacts.map(|customer| meta::contact(&customer.phone, &customer.name)).collect();
        let messages = planned.iter().filter_map(|(place, message)| {
            let from = &self.customers.get(message.customer)?.phone;
            Some(meta::message(&message.id, from, message.at, &message.content, u64::try_from(*place).unwrap_or(0)))
        });
        let messages: Vec<Value> = messages.collect();
        meta::body(vec![meta::value(account, json!({ "contacts": contacts, "messages": messages }))])
    }
}

/// One customer's words, without end: after goodbye the scenario begins anew with other throws.
struct Writer {
    scenario: &'static Scenario,
    seed: u64,
    progress: Progress,
}

impl Writer {
    fn new(run: &Run, scenarios: &[&'static Scenario], number: usize) -> Option<Self> {
        let scenario = scenarios.get(number % scenarios.len().max(1)).copied()?;
        let seed = run.order.seed.wrapping_add(u64::try_from(number).unwrap_or(0));
        Some(Self { scenario, seed, progress: Progress::default() })
    }

    fn name(&self) -> String {
        engine::name(self.scenario, self.seed)
    }

    fn next(&mut self) -> Option<Content> {
        // A silence or a goodbye is followed by words; no scenario is silent twice in a row without end.
        for _ in 0..100 {
            let (next, after) = engine::next(self.scenario, self.seed, self.progress, None);
            self.progress = after;
            match next {
                Next::Says { content, .. } => return Some(content),
                Next::Waits(_) => {}
                Next::Over => self.progress = Progress { position: 0, throws: after.throws },
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::run::Order;

    fn run(chaos: u32, seed: u64) -> Run {
        let order = Order { customers: 20, messages: 200, chaos, seed };
        Run::new("default", "999000000000001", order, 1_749_416_383_000_000)
    }

    #[test]
    fn the_same_run_is_planned_the_same_and_says_every_message() {
        let run = run(500, 7);
        let (one, two) = (Plan::of(&run), Plan::of(&run));
        assert_eq!(one.posts, two.posts);
        let bodies = |plan: &Plan| plan.posts.iter().map(|post| plan.body("1", post)).collect::<Vec<_>>();
        assert_eq!(bodies(&one), bodies(&two));
        let said: BTreeSet<usize> = one.posts.iter().flat_map(|post| post.messages.iter().copied()).collect();
        assert_eq!(said, (0..200).collect());
    }

    #[test]
    fn another_run_with_the_seed_says_the_same_words_by_other_people() {
        let (one, two) = (Plan::of(&run(500, 7)), Plan::of(&run(500, 7)));
        let words = |plan: &Plan| plan.messages.iter().map(|message| message.content.shown()).collect::<Vec<_>>();
        assert_eq!((words(&one), &one.posts), (words(&two), &two.posts));
        assert_ne!(one.customers[0].phone, two.customers[0].phone);
        assert_ne!(words(&one), words(&Plan::of(&run(500, 8))));
    }

    #[test]
    fn a_number_has_fifteen_digits_and_is_nobody_s() {
        let plan = Plan::of(&run(0, 1));
        let phones: BTreeSet<&str> = plan.customers.iter().map(|customer| customer.phone.as_str()).collect();
        assert_eq!(phones.len(), 20);
        assert!(phones.iter().all(|phone| phone.len() == 15 && phone.starts_with("999")), "{phones:?}");
    }
}
