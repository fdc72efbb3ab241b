//! A whole world in memory: the store, the three services, and a clock that only moves when nothing else can.

mod payload;
mod services;
mod store;

use std::cell::RefCell;
use std::time::Duration;

use inbound_gateway::channel::whatsapp::CHANNEL;
use inbound_gateway::domain::delivery::{Conclusion, Store};
use inbound_gateway::domain::outcome::Outcomes;
use inbound_gateway::domain::{Error, Incoming, Platform, Received, Report, receive, tick};

pub use payload::*;
pub use services::{ConversationService, CustomerService, MessageService, Mood};
pub use store::{MemoryStore, Row, Status};

pub const ACCOUNT: &str = "106540352242922";
/// 2025-06-08T20:00:00Z, an hour after the sample message was written.
pub const START: i64 = 1_749_420_000_000_000;
pub const DAY: i64 = 24 * 3600 * 1_000_000;

pub struct World {
    pub store: MemoryStore,
    pub customers: CustomerService,
    pub conversations: ConversationService,
    pub messages: MessageService,
    /// What is to be written down after the answer. A crash is to clear it.
    pub later: RefCell<Vec<Conclusion>>,
    ids: RefCell<u64>,
    started: tokio::time::Instant,
}

impl World {
    pub fn new() -> Self {
        Self {
            store: MemoryStore::default(),
            customers: CustomerService::default(),
            conversations: ConversationService::default(),
            messages: MessageService::default(),
            later: RefCell::default(),
            ids: RefCell::default(),
            started: tokio::time::Instant::now(),
        }
    }

    pub async fn receive_raw(&self, body: &[u8]) -> Result<Received, Error> {
        let incoming = Incoming { channel: CHANNEL, body, headers: "{}", request_id: "request-1", traceparent: "" };
        receive(self, incoming).await
    }

    /// Receives and writes down what follows.
    pub async fn receive(&self, body: &serde_json::Value) -> Received {
        let received = self.receive_raw(body.to_string().as_bytes()).await.unwrap();
        self.store.conclude(&received.conclusion).await.unwrap();
        received
    }

    /// Ticks after the given time.
    pub async fn tick_after(&self, duration: Duration) -> Report {
        tokio::time::advance(duration).await;
        tick(self, 30 * DAY).await.unwrap()
    }

    pub fn only_row(&self) -> Row {
        let rows = self.store.rows.borrow();
        assert_eq!(rows.len(), 1);
        rows[0].clone()
    }

    pub fn is_untouched(&self) -> bool {
        self.store.rows.borrow().is_empty() && self.messages.rows.borrow().is_empty()
    }
}

impl Platform for World {
    type Store = MemoryStore;
    type Customers = CustomerService;
    type Conversations = ConversationService;
    type Messages = MessageService;

    fn store(&self) -> &MemoryStore {
        &self.store
    }

    fn customers(&self) -> &CustomerService {
        &self.customers
    }

    fn conversations(&self) -> &ConversationService {
        &self.conversations
    }

    fn messages(&self) -> &MessageService {
        &self.messages
    }

    fn now(&self) -> i64 {
        START + i64::try_from(self.started.elapsed().as_micros()).unwrap()
    }

    fn new_id(&self) -> String {
        *self.ids.borrow_mut() += 1;
        format!("0197a6c0-0000-7000-8000-{:012}", self.ids.borrow())
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }

    fn conclude_later(&self, conclusion: Conclusion) {
        self.later.borrow_mut().push(conclusion);
    }
}

/// The items of a delivery's outcome as `(at, outcome or "open", reason)`.
pub fn items(outcome: &str) -> Vec<(String, String, String)> {
    let outcomes = Outcomes::from_json(outcome).unwrap();
    let name = |item: &inbound_gateway::domain::outcome::Item| match item.outcome {
        Some(outcome) if item.is_finished() => format!("{outcome:?}").to_lowercase(),
        _ => "open".to_owned(),
    };
    outcomes.0.iter().map(|item| (item.at.clone(), name(item), item.reason.clone().unwrap_or_default())).collect()
}
