//! Everything around the gateway, in memory: three services that keep what they are given, keys, a clock that is set by hand.

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, HashSet};
use std::rc::Rc;
use std::time::Duration;

use api_gateway::clients::{
    ApiKeys, Body, CallError, CallResult, Conversation, ConversationPage, Conversations, Customer, Customers, Filter,
    Message, MessagePage, Messages, Participant, SendError, Settings, StoreFailed, Timer, Touch, Upstream,
};
use api_gateway::clients::{conversations, messages};
use api_gateway::keys::{ApiKey, KeyHash};
use api_gateway::routes::Service;
use api_gateway::store::KeyStore;
use bytes::Bytes;
use http::{Request, Response};
use sdk::testing::Memory;
use sdk::{Clock, Context, Micros};

use crate::rest;

pub const NOW: i64 = 1_767_225_600_000_000; // 2026-01-01T00:00:00Z

/// How a service is out of order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Typed calls answer `unavailable`, HTTP 503 with Retry-After: what the host does for a stopped component.
    Down,
    /// Typed calls answer `other`, HTTP 500, both with internals that no client may see.
    Broken,
    /// HTTP never answers.
    Hangs,
    /// Nothing listens.
    Unreachable,
}

pub struct State {
    /// By tenant.
    pub customers: RefCell<Vec<(String, Customer)>>,
    pub conversations: RefCell<Vec<(String, Conversation)>>,
    pub messages: RefCell<Vec<(String, Message)>>,
    /// Idempotency keys of POST /messages and what was answered.
    pub answers: RefCell<HashMap<String, String>>,
    /// The real table, in memory.
    pub keys: KeyStore<Memory>,
    pub database: Memory,
    pub key_store_fails: Cell<bool>,
    pub faults: RefCell<HashMap<&'static str, Fault>>,
    /// Touches fail this many times before they work.
    pub touches_to_fail: Cell<usize>,
    pub typed_calls: RefCell<Vec<(&'static str, Context)>>,
    /// As the services saw them.
    pub forwarded: RefCell<Vec<Request<Bytes>>>,
    pub bootstrap_key: RefCell<Option<String>>,
    pub now: Cell<i64>,
    /// Ids given out so far; they are numbers, so that a test reads well.
    pub ids: Cell<u64>,
}

#[derive(Clone)]
pub struct World(pub Rc<State>);

impl Default for World {
    fn default() -> Self {
        let database = Memory::new();
        Self(Rc::new(State {
            keys: KeyStore::new(database.clone()),
            database,
            now: Cell::new(NOW),
            bootstrap_key: RefCell::new(Some("bootstrap-secret".into())),
            ids: Cell::default(),
            customers: RefCell::default(),
            conversations: RefCell::default(),
            messages: RefCell::default(),
            answers: RefCell::default(),
            key_store_fails: Cell::default(),
            faults: RefCell::default(),
            touches_to_fail: Cell::default(),
            typed_calls: RefCell::default(),
            forwarded: RefCell::default(),
        }))
    }
}

impl std::ops::Deref for World {
    type Target = State;
    fn deref(&self) -> &State {
        &self.0
    }
}

impl World {
    pub fn next_id(&self) -> String {
        self.ids.set(self.ids.get() + 1);
        format!("019a0000-0000-7000-8000-{:012x}", self.ids.get())
    }

    pub fn customer(&self, name: &str) -> String {
        self.customer_of("default", name)
    }

    pub fn customer_of(&self, tenant: &str, name: &str) -> String {
        let id = self.next_id();
        let customer = Customer {
            id: id.clone(),
            external_id: format!("1650555{:04}", self.ids.get()),
            external_type: "whatsapp".into(),
            name: Some(name.into()),
            metadata: "{}".into(),
            created_at: NOW,
            updated_at: NOW,
        };
        self.customers.borrow_mut().push((tenant.into(), customer));
        id
    }

    pub fn conversation(&self, participants: &[&str]) -> String {
        self.conversation_of("default", participants)
    }

    pub fn conversation_of(&self, tenant: &str, participants: &[&str]) -> String {
        let id = self.next_id();
        let participant = |customer: &&str| Participant {
            id: self.next_id(),
            customer_id: (*customer).into(),
            role: conversations::Role::Member,
            joined_at: NOW,
            left_at: None,
        };
        let conversation = Conversation {
            id: id.clone(),
            kind: conversations::Kind::Direct,
            status: conversations::Status::Open,
            channel: Some("whatsapp".into()),
            channel_account_id: Some("106540352242922".into()),
            subject: None,
            metadata: r#"{"topic":"sweaters"}"#.into(),
            last_seq: 0,
            last_message_at: None,
            last_message_preview: None,
            unread_count: 0,
            created_at: NOW,
            updated_at: NOW,
            participants: participants.iter().map(participant).collect(),
        };
        self.conversations.borrow_mut().push((tenant.into(), conversation));
        id
    }

    /// A message that is stored, and of which its conversation has not been told.
    pub fn message(&self, conversation: &str, sender: Option<&str>, body: &str) -> Message {
        let seq =
            self.messages.borrow().iter().filter(|(_, one)| one.conversation_id == conversation).count() as u64 + 1;
        let message = Message {
            id: self.next_id(),
            conversation_id: conversation.into(),
            seq,
            sender_customer_id: sender.map(str::to_owned),
            direction: if sender.is_some() { messages::Direction::Inbound } else { messages::Direction::Outbound },
            body: Some(body.into()),
            content_type: "text".into(),
            media_id: None,
            channel: None,
            channel_account_id: None,
            external_message_id: None,
            client_ref: None,
            status: messages::Status::Delivered,
            sent_at: NOW + seq as i64 * 1_000_000,
            metadata: "{}".into(),
            created_at: NOW + seq as i64 * 1_000_000,
            updated_at: NOW + seq as i64 * 1_000_000,
        };
        self.messages.borrow_mut().push(("default".into(), message.clone()));
        message
    }

    pub fn fault(&self, service: Service, fault: Fault) {
        self.faults.borrow_mut().insert(service.id(), fault);
    }

    pub fn find_conversation(&self, id: &str) -> Conversation {
        self.conversations.borrow().iter().find(|(_, one)| one.id == id).expect("it was made").1.clone()
    }

    /// The names of the typed calls so far, in order.
    pub fn calls(&self) -> Vec<&'static str> {
        self.typed_calls.borrow().iter().map(|(name, _)| *name).collect()
    }

    fn called(&self, service: Service, name: &'static str, ctx: &Context) -> CallResult<()> {
        self.typed_calls.borrow_mut().push((name, ctx.clone()));
        match self.faults.borrow().get(service.id()) {
            Some(Fault::Broken) => Err(CallError::Other("panicked at src/store.rs:17: SELECT broke".into())),
            Some(_) => Err(CallError::Unavailable("component is stopped".into())),
            None => Ok(()),
        }
    }
}

fn of_tenant<T: Clone>(rows: &RefCell<Vec<(String, T)>>, tenant: &str, keep: impl Fn(&T) -> bool) -> Vec<T> {
    rows.borrow().iter().filter(|(owner, row)| owner == tenant && keep(row)).map(|(_, row)| row.clone()).collect()
}

/// The fakes' cursors: the place in the list.
fn place(cursor: Option<String>) -> CallResult<usize> {
    cursor.map_or(Ok(0), |cursor| cursor.parse().map_err(|_| CallError::Invalid("cursor: not one of ours".into())))
}

fn cut<T>(mut rows: Vec<T>, from: usize, limit: u32) -> (Vec<T>, Option<String>) {
    let end = from + limit as usize;
    let next = (rows.len() > end).then(|| end.to_string());
    rows.truncate(end);
    (rows.split_off(from.min(rows.len())), next)
}

impl Customers for World {
    async fn get_customers(&self, ctx: Context, ids: Vec<String>) -> CallResult<Vec<Customer>> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        self.called(Service::Customer, "customers.get-many", &ctx)?;
        assert!(ids.len() <= 500, "the interface takes at most 500 ids");
        let wanted: HashSet<_> = ids.into_iter().collect();
        Ok(of_tenant(&self.customers, &ctx.tenant, |one| wanted.contains(&one.id)))
    }
}

impl Conversations for World {
    async fn get_conversations(&self, ctx: Context, ids: Vec<String>) -> CallResult<Vec<Conversation>> {
        self.called(Service::Conversation, "conversations.get-many", &ctx)?;
        Ok(of_tenant(&self.conversations, &ctx.tenant, |one| ids.contains(&one.id)))
    }

    async fn list_conversations(
        &self,
        ctx: Context,
        filter: Filter,
        cursor: Option<String>,
        limit: u32,
    ) -> CallResult<ConversationPage> {
        self.called(Service::Conversation, "conversations.list-page", &ctx)?;
        let from = place(cursor)?;
        let mut found = of_tenant(&self.conversations, &ctx.tenant, |one| {
            filter.status.is_none_or(|status| status == one.status)
                && filter.channel.as_ref().is_none_or(|channel| Some(channel) == one.channel.as_ref())
                && filter.customer_id.as_ref().is_none_or(|id| one.participants.iter().any(|p| p.customer_id == *id))
        });
        found.sort_by_key(|one| std::cmp::Reverse((one.last_message_at.unwrap_or(one.created_at), one.id.clone())));
        let (conversations, next_cursor) = cut(found, from, limit);
        Ok(ConversationPage { conversations, next_cursor })
    }

    async fn touch(&self, ctx: Context, touches: Vec<Touch>) -> CallResult<()> {
        self.called(Service::Conversation, "conversations.touch-many", &ctx)?;
        if self.touches_to_fail.get() > 0 {
            self.touches_to_fail.set(self.touches_to_fail.get() - 1);
            return Err(CallError::Unavailable("overloaded".into()));
        }
        let mut conversations = self.conversations.borrow_mut();
        for touch in touches {
            let (_, one) =
                conversations.iter_mut().find(|(_, one)| one.id == touch.conversation_id).ok_or(CallError::NotFound)?;
            if touch.seq > one.last_seq {
                one.last_seq = touch.seq;
                one.last_message_at = Some(touch.at);
                one.last_message_preview = Some(touch.preview);
                one.unread_count += u64::from(touch.inbound);
            }
        }
        Ok(())
    }
}

impl Messages for World {
    async fn list_messages(
        &self,
        ctx: Context,
        conversation: String,
        cursor: Option<String>,
        after: Option<u64>,
        limit: u32,
    ) -> CallResult<MessagePage> {
        self.called(Service::Messaging, "messages.list-page", &ctx)?;
        let from = place(cursor)?;
        let mut found = of_tenant(&self.messages, &ctx.tenant, |one| one.conversation_id == conversation);
        let total = found.len() as u64;
        match after {
            Some(after) => found.retain(|one| one.seq > after),
            None => found.reverse(),
        }
        let (messages, next_cursor) = cut(found, from, limit);
        Ok(MessagePage { messages, next_cursor, total })
    }
}

impl Upstream for World {
    async fn send(&self, service: Service, request: Request<Bytes>) -> Result<Response<Body>, SendError> {
        self.forwarded.borrow_mut().push(request.clone());
        let fault = self.faults.borrow().get(service.id()).cloned();
        match fault {
            Some(Fault::Hangs) => std::future::pending().await,
            Some(Fault::Unreachable) => Err(SendError::Unreachable("connection refused".into())),
            Some(Fault::Down) => Ok(rest::stopped()),
            Some(Fault::Broken) => Ok(rest::broken()),
            None => Ok(rest::answer(self, service, &request)),
        }
    }
}

impl ApiKeys for World {
    async fn find_key(&self, hash: KeyHash) -> Result<Option<ApiKey>, StoreFailed> {
        if self.key_store_fails.get() { Err(StoreFailed) } else { self.keys.find_key(hash).await }
    }

    async fn mark_key_used(&self, key: &ApiKey, now: Micros) {
        self.keys.mark_key_used(key, now).await;
    }
}

impl Clock for World {
    fn now(&self) -> Micros {
        self.now.get()
    }
}

impl Settings for World {
    async fn bootstrap_api_key(&self) -> Option<String> {
        self.bootstrap_key.borrow().clone()
    }
}

/// Time does not pass here: who would have to wait has waited. (What is ready at once still comes first.)
impl Timer for World {
    async fn sleep(&self, _duration: Duration) {}
}
