//! The messaging service on its real SQL, in memory.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "in a test, a panic is the message; clippy.toml covers test functions only"
)]

mod answering;
mod delivering;
mod erasure;
mod finding;
mod history;
mod http;
mod inserting;
mod listing;
mod media;
mod plans;
mod receipts;
mod rpc;

use std::ops::Deref;

use messaging::{
    domain::{self, Direction, Error, Inserted, Message, NewMessage},
    http::router,
    store::MIGRATIONS,
};
use sdk::{
    Context,
    testing::{Instance, block_on},
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
const CONVERSATION: &str = "01975200-0000-7000-8000-000000000001";

impl TestApp {
    fn start() -> Self {
        Self(Instance::start(MIGRATIONS, router(), NOW))
    }

    async fn insert(&self, messages: Vec<NewMessage>) -> Vec<Result<Inserted, Error>> {
        domain::insert_many(&self.app.store, &context(), messages, NOW).await.unwrap()
    }

    fn insert_one(&self, message: NewMessage) -> Inserted {
        block_on(self.insert(vec![message])).remove(0).unwrap()
    }

    fn get(&self, id: &str) -> Message {
        block_on(domain::get(&self.app.store, &context(), id)).unwrap()
    }

    fn events(&self, kind: &str) -> i64 {
        self.memory.scalar(&format!("SELECT count(*) FROM outbox WHERE type = 'com.kobliat.message.{kind}.v1'"))
    }
}

fn context() -> Context {
    let traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned();
    Context { tenant: "default".to_owned(), principal: "key:test".to_owned(), traceparent, ..Context::default() }
}

fn inbound(external_id: &str) -> NewMessage {
    NewMessage {
        conversation_id: CONVERSATION.into(),
        sender_customer_id: None,
        direction: Direction::Inbound,
        body: Some(format!("text of {external_id}")),
        content_type: "text".into(),
        media_id: None,
        channel: Some("whatsapp".into()),
        channel_account_id: Some("acc".into()),
        external_message_id: Some(external_id.into()),
        client_ref: None,
        sent_at: Some(NOW - 5_000_000),
        metadata: r#"{"context":{"id":"wamid.0"}}"#.into(),
    }
}

/// Not with the provider yet.
fn outbound() -> NewMessage {
    NewMessage { direction: Direction::Outbound, external_message_id: None, ..inbound("out") }
}

/// With the provider, under this id.
fn carried(external_id: &str) -> NewMessage {
    NewMessage { direction: Direction::Outbound, ..inbound(external_id) }
}
