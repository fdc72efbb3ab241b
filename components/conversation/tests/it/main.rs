//! The conversation service on its real SQL, in memory.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "in a test, a panic is the message; clippy.toml covers test functions only"
)]

mod answers;
mod changing;
mod erasure;
mod events;
mod finding;
mod http;
mod opening;
mod participants;
mod plans;
mod rpc;
mod touching;

use std::ops::Deref;

use ::http::Method;
use conversation::{
    domain::{self, Conversation, Error, NewConversation},
    http::router,
    store::MIGRATIONS,
    touch::{Touch, touch_many},
};
use sdk::{
    Context, ids,
    testing::{Instance, block_on, json},
};

/// The service, migrated, at one moment in 2025.
struct TestApp(Instance);

impl Deref for TestApp {
    type Target = Instance;

    fn deref(&self) -> &Instance {
        &self.0
    }
}

const NOW: i64 = 1_749_416_383_000_000;

impl TestApp {
    fn start() -> Self {
        Self(Instance::start(MIGRATIONS, router(), NOW))
    }

    fn events(&self, kind: &str) -> i64 {
        self.memory.scalar(&format!("SELECT count(*) FROM outbox WHERE type = 'com.kobliat.conversation.{kind}.v1'"))
    }

    async fn resolve(&self, customers: &[&str]) -> Vec<Result<Conversation, Error>> {
        let items = customers.iter().map(|customer| direct(customer)).collect();
        domain::resolve_direct_many(&self.app.store, &tenant(), items, NOW).await.unwrap()
    }

    /// A new direct conversation, with a new customer.
    fn open(&self) -> Conversation {
        block_on(self.resolve(&[&ids::new()])).remove(0).unwrap()
    }

    fn get(&self, id: &str) -> Conversation {
        block_on(domain::get(&self.app.store, &tenant(), id)).unwrap()
    }

    fn touch(&self, touches: &[Touch]) {
        block_on(touch_many(&self.app.store, &tenant(), touches.to_vec(), NOW)).unwrap();
    }

    fn close(&self, id: &str) {
        self.memory.sqlite().execute("UPDATE conversations SET status = 'closed' WHERE id = ?", [id]).unwrap();
    }

    /// The ids of all pages of a list.
    fn walk(&self, path: &str) -> Vec<String> {
        let (mut seen, mut next) = (Vec::new(), path.to_owned());
        loop {
            let response = self.send(Method::GET, &next, "");
            assert_eq!(response.status(), 200, "{next}");
            let page = json(&response);
            seen.extend(page["data"].as_array().unwrap().iter().map(|c| c["id"].as_str().unwrap().to_owned()));
            let Some(cursor) = page["meta"]["next_cursor"].as_str() else { return seen };
            next = format!("{path}&cursor={cursor}");
        }
    }
}

fn tenant() -> Context {
    Context { tenant: "default".to_owned(), ..Context::default() }
}

fn direct(customer: &str) -> NewConversation {
    NewConversation::direct("whatsapp".into(), "acc".into(), customer.to_owned())
}

/// An inbound message a second after the one before.
fn inbound(id: &str, seq: u64) -> Touch {
    let at = NOW - 1_000_000_000 + i64::try_from(seq).unwrap() * 1_000_000;
    Touch { conversation_id: id.to_owned(), seq, preview: format!("message {seq}"), at, inbound: true }
}

fn outbound(id: &str, seq: u64) -> Touch {
    Touch { inbound: false, ..inbound(id, seq) }
}
