//! Forwarding a batch: event after event in order, each to all that want it; done only when everybody has said so.

use futures::future::join_all;
use sdk::{Context, event::Incoming, log};

use crate::subscribers::Subscriber;

/// What a subscriber said to an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    Status(u16),
    Nothing(String),
}

/// Brings an event to a subscriber; a real one is HTTP.
pub trait Deliver {
    #[expect(async_fn_in_trait, reason = "a guest is single-threaded: no bound is needed")]
    async fn deliver(&self, subscriber: &Subscriber, event: &Incoming) -> Said;
}

/// Whether every subscriber has every event. It stops at the first event that somebody could not take, so that none overtakes
/// it; who has had some of them knows them when they come again.
pub async fn forward(deliver: &impl Deliver, subscribers: &[Subscriber], batch: &[Incoming]) -> bool {
    for event in batch {
        let wanting = subscribers.iter().filter(|subscriber| subscriber.wants(event.kind()));
        let asked = wanting.map(async |subscriber| {
            let said = deliver.deliver(subscriber, event).await;
            is_settled(subscriber, event, &said)
        });
        if !join_all(asked).await.into_iter().all(|settled| settled) {
            return false;
        }
    }
    true
}

/// What a subscriber refuses for good is dropped with a line in the log: stock Spin has no dead letters, and one event that
/// nobody can use must not hold up all that follow.
fn is_settled(subscriber: &Subscriber, event: &Incoming, said: &Said) -> bool {
    let context = Context { tenant: event.tenant().to_owned(), ..Context::default() };
    let (component, id) = (&subscriber.component, event.id());
    match said {
        Said::Status(200..=299) => true,
        Said::Status(404 | 405 | 408 | 425 | 429 | 500..) => {
            log::warn(&context, "a subscriber cannot take an event now", &[("component", component), ("event", &id)]);
            false
        }
        Said::Status(status) => {
            let fields: log::Fields<'_> = &[("component", component), ("event", &id), ("status", status)];
            log::error(&context, "a subscriber refused an event for good", fields);
            true
        }
        Said::Nothing(reason) => {
            let fields: log::Fields<'_> = &[("component", component), ("event", &id), ("reason", reason)];
            log::warn(&context, "a subscriber could not be reached", fields);
            false
        }
    }
}
