//! Everything that the gateway reaches outside of itself, as traits: the services, its keys, its settings, time.
//!
//! The real ones are in `platform.rs`; the tests have others, in memory.

use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};

pub use crate::bindings::kobliat::conversations::conversations::{
    self as conversations, Conversation, Filter, Page as ConversationPage, Participant, Touch,
};
pub use crate::bindings::kobliat::customers::customers::{self as customers, Customer};
pub use crate::bindings::kobliat::messages::messages::{self as messages, Message, Page as MessagePage};
use crate::keys::{ApiKey, KeyHash};
use crate::routes::Service;
use sdk::{Clock, Context, Micros};

/// A body that is read as it arrives.
pub type Body = spin_sdk::http::BoxBody;

/// What a typed call may answer besides its result: the cases that all interfaces of ours have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallError {
    NotFound,
    Invalid(String),
    Conflict(String),
    Unavailable(String),
    Other(String),
}

pub type CallResult<T> = Result<T, CallError>;

/// Why a forwarded request has no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SendError {
    /// It may have been processed; nobody knows.
    TimedOut,
    /// The service is stopped or gone; the request did not reach it.
    Unreachable(String),
    /// The service broke off, or what came was no HTTP.
    Failed(String),
}

pub trait Customers {
    fn get_customers(&self, ctx: Context, ids: Vec<String>) -> impl Future<Output = CallResult<Vec<Customer>>>;
}

pub trait Conversations {
    fn get_conversations(&self, ctx: Context, ids: Vec<String>) -> impl Future<Output = CallResult<Vec<Conversation>>>;
    fn list_conversations(
        &self,
        ctx: Context,
        filter: Filter,
        cursor: Option<String>,
        limit: u32,
    ) -> impl Future<Output = CallResult<ConversationPage>>;
    fn touch(&self, ctx: Context, touches: Vec<Touch>) -> impl Future<Output = CallResult<()>>;
}

pub trait Messages {
    fn list_messages(
        &self,
        ctx: Context,
        conversation: String,
        cursor: Option<String>,
        after: Option<u64>,
        limit: u32,
    ) -> impl Future<Output = CallResult<MessagePage>>;
}

/// Whole requests over HTTP to `http://<service>.spin.internal`.
pub trait Upstream {
    fn send(
        &self,
        service: Service,
        request: Request<Bytes>,
    ) -> impl Future<Output = Result<Response<Body>, SendError>>;
}

/// The table `api_keys`. A failure is logged where it happens; here it only means that nobody knows.
pub trait ApiKeys {
    fn find_key(&self, hash: KeyHash) -> impl Future<Output = Result<Option<ApiKey>, StoreFailed>>;
    /// Best effort: a request does not fail because the time of last use could not be written.
    fn mark_key_used(&self, key: &ApiKey, now: Micros) -> impl Future<Output = ()>;
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoreFailed;

pub trait Settings {
    /// Absent when it is not set or empty: then it opens nothing.
    fn bootstrap_api_key(&self) -> impl Future<Output = Option<String>>;
}

pub trait Timer {
    fn sleep(&self, duration: Duration) -> impl Future<Output = ()>;
}

/// All of it, for one parameter in place of eight.
pub trait Outside: Customers + Conversations + Messages + Upstream + ApiKeys + Settings + Timer + Clock {}
impl<T> Outside for T where T: Customers + Conversations + Messages + Upstream + ApiKeys + Settings + Timer + Clock {}
