//! Everything around the gateway, in memory: three services that keep what they are given, keys, a clock that is set by hand.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::pin::Pin;
use std::rc::Rc;
use std::time::Duration;

use api_gateway::circuits::Circuits;
use api_gateway::clients::{
    Attachments, Body, Breakers, CallError, CallResult, Conversation, Customer, Elsewhere, Medium, Message,
    Participant, SendError, Settings, Tables, Tasks, Timer, Upstream, attachments,
};
use api_gateway::clients::{conversations, messages};
use api_gateway::routes::Service;
use api_gateway::store::MIGRATIONS;
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use sdk::sql::Database;
use sdk::testing::Memory;
use sdk::{Clock, Context, Micros};

use crate::rest;

pub const NOW: i64 = 1_767_225_600_000_000; // 2026-01-01T00:00:00Z

/// How a service is out of order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Typed calls answer `unavailable`, HTTP 503 with Retry-After: what the host does for a stopped component.
    Down,
    /// Typed calls answer `unavailable` for another reason.
    Busy,
    /// Typed calls answer `other`, HTTP 500, both with internals that no client may see.
    Broken,
    /// Neither typed calls nor HTTP ever answer.
    Hangs,
    /// Nothing listens.
    Unreachable,
}

pub struct State {
    /// By tenant.
    pub customers: RefCell<Vec<(String, Customer)>>,
    pub conversations: RefCell<Vec<(String, Conversation)>>,
    pub messages: RefCell<Vec<(String, Message)>>,
    pub media: RefCell<Vec<(String, Medium)>>,
    /// Idempotency keys of POST /messages and what was answered.
    pub answers: RefCell<HashMap<String, String>>,
    /// The real tables, in memory.
    pub tables: Database<Memory>,
    pub database: Memory,
    pub faults: RefCell<HashMap<&'static str, Fault>>,
    circuits: Circuits,
    /// Touches fail this many times before they work.
    pub touches_to_fail: Cell<usize>,
    pub typed_calls: RefCell<Vec<(&'static str, Context)>>,
    /// As the services saw them.
    pub forwarded: RefCell<Vec<Request<Bytes>>>,
    pub variables: RefCell<HashMap<&'static str, String>>,
    pub elsewhere: RefCell<HashMap<String, String>>,
    pub fetched: RefCell<Vec<String>>,
    /// What goes on after the answer.
    pub tasks: RefCell<Vec<Pin<Box<dyn Future<Output = ()>>>>>,
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
            tables: Database::new(database.clone(), MIGRATIONS),
            database,
            now: Cell::new(NOW),
            variables: RefCell::new(HashMap::from([("bootstrap_api_key", "bootstrap-secret".into())])),
            tasks: RefCell::default(),
            elsewhere: RefCell::default(),
            fetched: RefCell::default(),
            ids: Cell::default(),
            customers: RefCell::default(),
            conversations: RefCell::default(),
            messages: RefCell::default(),
            media: RefCell::default(),
            answers: RefCell::default(),
            faults: RefCell::default(),
            circuits: Circuits::default(),
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
    pub fn next_task(&self) -> Option<Pin<Box<dyn Future<Output = ()>>>> {
        self.tasks.borrow_mut().pop()
    }

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

    /// A picture of the default tenant.
    pub fn medium(&self) -> String {
        self.medium_of(Some("image/jpeg"))
    }

    /// Without a type its bytes are on their way.
    pub fn medium_of(&self, mime_type: Option<&str>) -> String {
        let medium = Medium {
            id: self.next_id(),
            status: if mime_type.is_some() { attachments::Status::Ready } else { attachments::Status::Pending },
            failure: None,
            conversation_id: None,
            filename: "photo.jpg".into(),
            mime_type: mime_type.map(str::to_owned),
            size: Some(3),
            sha256: None,
            created_at: NOW,
            updated_at: NOW,
        };
        self.media.borrow_mut().push(("default".into(), medium.clone()));
        medium.id
    }

    /// What is answered at this address from now on.
    pub fn says(&self, uri: &str, document: &serde_json::Value) {
        self.elsewhere.borrow_mut().insert(uri.into(), document.to_string());
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

    /// Notes a typed call, which fails when its service is out of order. The service comes after this, and never fails by itself.
    pub async fn called(&self, service: Service, name: &'static str, ctx: &Context) -> CallResult<()> {
        self.circuits.call(self, service, self.reach(service, name, ctx)).await
    }

    async fn reach(&self, service: Service, name: &'static str, ctx: &Context) -> CallResult<()> {
        self.typed_calls.borrow_mut().push((name, ctx.clone()));
        let fault = self.faults.borrow().get(service.id()).cloned();
        match fault {
            Some(Fault::Hangs) => std::future::pending().await,
            Some(Fault::Broken) => Err(CallError::Other("panicked at src/store.rs:17: SELECT broke".into())),
            Some(Fault::Busy) => Err(CallError::Unavailable("component has more calls than it may queue".into())),
            Some(_) => Err(CallError::Unavailable("component is stopped".into())),
            None => Ok(()),
        }
    }
}

impl Breakers for World {
    fn circuits(&self) -> &Circuits {
        &self.circuits
    }
}

impl World {
    async fn answer(&self, service: Service, request: Request<Bytes>) -> Result<Response<Body>, SendError> {
        self.forwarded.borrow_mut().push(request.clone());
        let fault = self.faults.borrow().get(service.id()).cloned();
        match fault {
            Some(Fault::Hangs) => std::future::pending().await,
            Some(Fault::Unreachable) => Err(SendError::Unreachable("connection refused".into())),
            Some(Fault::Down | Fault::Busy) => Ok(rest::stopped()),
            Some(Fault::Broken) => Ok(rest::broken()),
            None => Ok(rest::answer(self, service, &request)),
        }
    }
}

impl Upstream for World {
    async fn send(&self, service: Service, request: Request<Bytes>) -> Result<Response<Body>, SendError> {
        self.circuits.pass(self, service, self.answer(service, request)).await
    }

    /// The service reads the whole body before it answers; one that breaks off is told as it is on the host.
    async fn stream(&self, service: Service, request: Request<Body>) -> Result<Response<Body>, SendError> {
        let (parts, body) = request.into_parts();
        let body = body.collect().await.map_err(|error| SendError::Failed(error.to_string()))?.to_bytes();
        self.send(service, Request::from_parts(parts, body)).await
    }
}

impl Attachments for World {
    async fn get_media(&self, ctx: Context, ids: Vec<String>) -> CallResult<Vec<Medium>> {
        self.called(Service::Media, "media.get-many", &ctx).await?;
        let media = self.media.borrow();
        let found = media.iter().filter(|(owner, one)| *owner == ctx.tenant && ids.contains(&one.id));
        Ok(found.map(|(_, one)| one.clone()).collect())
    }
}

/// A problem's own; anything else is a success.
fn status_of(document: &str) -> StatusCode {
    let problem: serde_json::Value = serde_json::from_str(document).unwrap_or_default();
    let status = problem["status"].as_u64().and_then(|status| u16::try_from(status).ok());
    status.and_then(|status| StatusCode::from_u16(status).ok()).unwrap_or(StatusCode::OK)
}

/// An identity provider, and whatever else is not the platform: documents by their address.
impl Elsewhere for World {
    async fn fetch(&self, request: Request<Bytes>) -> Result<Response<Body>, SendError> {
        self.fetched.borrow_mut().push(request.uri().to_string());
        match self.elsewhere.borrow().get(&request.uri().to_string()) {
            Some(document) => {
                let mut answer = Response::new(spin_sdk::http::box_body(Full::new(document.clone().into())));
                *answer.status_mut() = status_of(document);
                Ok(answer)
            }
            None => Err(SendError::Unreachable("nobody is there".into())),
        }
    }
}

impl Tables for World {
    type Driver = Memory;

    fn tables(&self) -> &Database<Memory> {
        &self.tables
    }
}

/// Kept until the answer is there: see `TestApp::send`.
impl Tasks for World {
    fn spawn(&self, work: impl Future<Output = ()> + 'static) {
        self.tasks.borrow_mut().push(Box::pin(work));
    }
}

impl Clock for World {
    fn now(&self) -> Micros {
        self.now.get()
    }
}

impl Settings for World {
    async fn variable(&self, name: &'static str) -> Option<String> {
        self.variables.borrow().get(name).cloned()
    }
}

/// Time does not pass here: who would have to wait has waited. (What is ready at once still comes first.)
impl Timer for World {
    async fn sleep(&self, _duration: Duration) {}
}
