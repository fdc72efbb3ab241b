//! A whole world in memory: the real statements on SQLite, three services with moods, and a clock that tests move.

mod payload;
mod sender;
mod services;

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;

use inbound_gateway::accounts::Accounts;
use inbound_gateway::channel::{self, Payload, whatsapp::CHANNEL};
use inbound_gateway::domain::delivery::{Conclusion, Store};
use inbound_gateway::domain::directory::Directory;
use inbound_gateway::domain::outcome::{Item, Outcomes};
use inbound_gateway::domain::{Carried, Error, Incoming, Platform, Received, Report, Retention, receive, tick};
use inbound_gateway::store::SqlStore;
use sdk::testing::Memory;

pub use payload::*;
pub use sdk::testing::block_on;
pub use sender::SenderService;
pub use services::{ConversationService, CustomerService, MessageService, Mood};

pub const ACCOUNT: &str = "106540352242922";
/// 2025-06-08T22:00:00Z, some hours after the sample message was written.
pub const START: i64 = 1_749_420_000_000_000;
pub const DAY: i64 = 24 * 3600 * 1_000_000;
pub const RETENTION: Retention = Retention { finished: 30 * DAY, failed: 90 * DAY };

pub struct World {
    pub memory: Memory,
    pub store: SqlStore<Memory>,
    pub customers: CustomerService,
    pub conversations: ConversationService,
    pub messages: MessageService,
    pub sender: SenderService,
    pub directory: Directory,
    pub variables: RefCell<HashMap<String, String>>,
    /// What is to be written down after the answer. A crash loses it.
    pub later: RefCell<Vec<Conclusion>>,
    /// How often attachments were to be fetched.
    pub fetches: Cell<u32>,
    ids: Cell<u64>,
    now: Cell<i64>,
}

/// A delivery as it stands in the database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    pub tenant: String,
    pub state: String,
    pub attempts: u32,
    pub lease_until: Option<i64>,
    pub outcome: Option<String>,
    pub headers: String,
    pub body: Vec<u8>,
}

impl World {
    pub fn new() -> Self {
        let memory = Memory::new();
        Self {
            store: SqlStore::new(memory.clone()),
            memory,
            customers: CustomerService::default(),
            conversations: ConversationService::default(),
            messages: MessageService::default(),
            sender: SenderService::default(),
            directory: Directory::default(),
            variables: RefCell::default(),
            later: RefCell::default(),
            fetches: Cell::new(0),
            ids: Cell::new(0),
            now: Cell::new(START),
        }
    }

    pub fn try_receive(&self, body: &[u8]) -> Result<Received, Error> {
        self.try_receive_by(CHANNEL, body, "")
    }

    /// By any channel, at an address with this query.
    pub fn try_receive_by(&self, channel: &str, body: &[u8], query: &str) -> Result<Received, Error> {
        let channel = channel::find(channel).unwrap();
        let payload = Payload { body, query };
        self.variables.borrow_mut().entry(channel.secret().to_owned()).or_insert_with(|| "the deployment's".to_owned());
        let is_signed_with = &|_: &str| true;
        let incoming = Incoming {
            channel,
            payload,
            files: Carried::None,
            is_signed_with,
            headers: "{}",
            request_id: "request-1",
            traceparent: "",
        };
        block_on(receive(self, incoming))
    }

    /// Receives, and writes down what follows.
    pub fn receive(&self, body: &serde_json::Value) -> Received {
        let received = self.try_receive(body.to_string().as_bytes()).unwrap();
        block_on(self.store.conclude(&received.conclusion)).unwrap();
        received
    }

    /// Receives, and crashes before anything more is written.
    pub fn receive_and_crash(&self, body: &serde_json::Value) -> Received {
        self.try_receive(body.to_string().as_bytes()).unwrap()
    }

    pub fn tick_after(&self, duration: Duration) -> Report {
        self.pass(duration);
        block_on(tick(self, RETENTION)).unwrap()
    }

    /// The clock is set to another time.
    pub fn set_clock(&self, now: i64) {
        self.now.set(now);
    }

    pub fn pass(&self, duration: Duration) {
        self.now.set(self.now.get() + i64::try_from(duration.as_micros()).unwrap());
    }

    pub fn is_down(&self, moods: Mood) {
        for line in [
            &self.customers.line,
            &self.conversations.resolve_line,
            &self.conversations.touch_line,
            &self.messages.insert_line,
            &self.messages.receipt_line,
        ] {
            line.is(moods);
        }
    }

    pub fn calls(&self) -> usize {
        let lines = [
            &self.customers.line,
            &self.conversations.resolve_line,
            &self.conversations.touch_line,
            &self.messages.insert_line,
            &self.messages.receipt_line,
        ];
        lines.iter().map(|line| line.calls.borrow().len()).sum()
    }

    /// Oldest first.
    pub fn rows(&self) -> Vec<Row> {
        let sql = "SELECT tenant_id, state, attempts, lease_until, outcome, headers, body FROM webhook_deliveries ORDER BY id";
        let Ok(mut statement) = self.memory.sqlite().prepare(sql) else { return Vec::new() };
        let row = |row: &rusqlite::Row<'_>| {
            Ok(Row {
                tenant: row.get(0)?,
                state: row.get(1)?,
                attempts: row.get(2)?,
                lease_until: row.get(3)?,
                outcome: row.get(4)?,
                headers: row.get(5)?,
                body: row.get(6)?,
            })
        };
        statement.query_map([], row).unwrap().map(Result::unwrap).collect()
    }

    pub fn only_row(&self) -> Row {
        let [row] = <[Row; 1]>::try_from(self.rows()).expect("one delivery");
        row
    }

    /// Writes down that the account belongs to the tenant, as the deployment vouches for it.
    pub fn give_account(&self, account: &str, tenant: &str) {
        block_on(self.store.named(CHANNEL, &[])).unwrap(); // migrates
        let sql = "INSERT INTO channel_accounts \
                   (tenant_id, id, kind, provider_id, name, credentials_set, verified_at, verified_by, created_at, updated_at) \
                   VALUES (?1, 'id of ' || ?2, 'whatsapp', ?2, ?2, '[]', 1, 'deployment', 1, 1)";
        self.memory.sqlite().execute(sql, [tenant, account]).unwrap();
    }
}

impl Platform for World {
    type Store = SqlStore<Memory>;
    type Customers = CustomerService;
    type Conversations = ConversationService;
    type Messages = MessageService;
    type Sender = SenderService;

    fn store(&self) -> &SqlStore<Memory> {
        &self.store
    }

    fn directory(&self) -> &Directory {
        &self.directory
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

    fn sender(&self) -> &SenderService {
        &self.sender
    }

    fn now(&self) -> i64 {
        self.now.get()
    }

    fn new_id(&self) -> String {
        self.ids.set(self.ids.get() + 1);
        format!("0197a6c0-0000-7000-8000-{:012}", self.ids.get())
    }

    /// Time passes as long as somebody waits for it: a millisecond at each look.
    async fn sleep(&self, duration: Duration) {
        let until = self.now.get() + i64::try_from(duration.as_micros()).unwrap();
        poll_fn(|_| {
            if self.now.get() >= until {
                return Poll::Ready(());
            }
            self.pass(Duration::from_millis(1));
            Poll::Pending
        })
        .await;
    }

    async fn variable(&self, name: &str) -> Result<Option<String>, String> {
        Ok(self.variables.borrow().get(name).cloned())
    }

    fn conclude_later(&self, conclusion: Conclusion) {
        self.later.borrow_mut().push(conclusion);
    }

    fn fetch_later(&self) {
        self.fetches.set(self.fetches.get() + 1);
    }
}

/// The items of an outcome as (outcome or `open`, reason).
pub fn items(outcome: &str) -> Vec<(String, String)> {
    let name = |item: &Item| match item.outcome {
        Some(outcome) if item.is_finished() => format!("{outcome:?}").to_lowercase(),
        _ => "open".to_owned(),
    };
    let reason = |item: &Item| item.reason.clone().or(item.unfinished.clone()).unwrap_or_default();
    Outcomes::from_json(outcome).unwrap().0.iter().map(|item| (name(item), reason(item))).collect()
}

impl World {
    pub fn now_micros(&self) -> i64 {
        self.now.get()
    }
}
