//! Everything that the gateway reaches outside of itself, as traits: the services, its tables, its settings, time.
//!
//! The real ones are in `platform.rs`; the tests have others, in memory.

use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};

pub use crate::bindings::kobliat::conversations::conversations::{
    self as conversations, Conversation, Page as ConversationPage, Participant, Query as ConversationQuery, Reading,
    Rewording, Touch,
};
pub use crate::bindings::kobliat::customers::customers::{self as customers, Customer};
pub use crate::bindings::kobliat::media::media::{self as attachments, Medium};
pub use crate::bindings::kobliat::messages::messages::{
    self as messages, Found as FoundMessages, Message, Page as MessagePage, Party, Place, Query as MessageQuery,
    ReplyWindow,
};
use crate::circuits::Circuits;
use crate::routes::Service;
use sdk::sql::{Database, Driver};
use sdk::{Clock, Context};

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
    /// The ids of those that a text finds.
    fn find_customers(&self, ctx: Context, text: String, limit: u32) -> impl Future<Output = CallResult<Vec<String>>>;
}

pub trait Conversations {
    fn get_conversations(&self, ctx: Context, ids: Vec<String>) -> impl Future<Output = CallResult<Vec<Conversation>>>;
    fn list_conversations(
        &self,
        ctx: Context,
        query: ConversationQuery,
        cursor: Option<String>,
        limit: u32,
    ) -> impl Future<Output = CallResult<ConversationPage>>;
    fn mark_read(&self, ctx: Context, reading: Reading) -> impl Future<Output = CallResult<Conversation>>;
    fn touch(&self, ctx: Context, touches: Vec<Touch>) -> impl Future<Output = CallResult<()>>;
    fn reword(&self, ctx: Context, rewording: Rewording) -> impl Future<Output = CallResult<()>>;
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
    fn find_messages(
        &self,
        ctx: Context,
        query: MessageQuery,
        cursor: Option<String>,
        limit: u32,
    ) -> impl Future<Output = CallResult<FoundMessages>>;
    /// The ids of those in which a text was said.
    fn conversations_saying(
        &self,
        ctx: Context,
        text: String,
        limit: u32,
    ) -> impl Future<Output = CallResult<Vec<String>>>;
    fn place_of(&self, ctx: Context, message: String) -> impl Future<Output = CallResult<Place>>;
    /// Until when each may be answered freely, in order.
    fn reply_windows(&self, ctx: Context, parties: Vec<Party>) -> impl Future<Output = CallResult<Vec<ReplyWindow>>>;
}

pub trait Attachments {
    fn get_media(&self, ctx: Context, ids: Vec<String>) -> impl Future<Output = CallResult<Vec<Medium>>>;
}

/// What every call to a service goes through, typed or HTTP.
pub trait Breakers {
    fn circuits(&self) -> &Circuits;
}

/// Whole requests over HTTP to `http://<service>.spin.internal`.
pub trait Upstream {
    fn send(
        &self,
        service: Service,
        request: Request<Bytes>,
    ) -> impl Future<Output = Result<Response<Body>, SendError>>;

    /// With a body that is sent as it comes.
    fn stream(
        &self,
        service: Service,
        request: Request<Body>,
    ) -> impl Future<Output = Result<Response<Body>, SendError>>;
}

/// HTTP to anybody else that the manifest allows: identity providers, the host's own surface.
pub trait Elsewhere {
    fn fetch(&self, request: Request<Bytes>) -> impl Future<Output = Result<Response<Body>, SendError>>;
}

/// The gateway's own database.
pub trait Tables {
    type Driver: Driver;
    fn tables(&self) -> &Database<Self::Driver>;
}

pub trait Settings {
    /// A variable; absent when it is not set or empty.
    fn variable(&self, name: &'static str) -> impl Future<Output = Option<String>>;
}

/// Work that nobody waits for. It goes on after the answer, and a host that drains waits for it.
pub trait Tasks {
    fn spawn(&self, work: impl Future<Output = ()> + 'static);
}

pub trait Timer {
    fn sleep(&self, duration: Duration) -> impl Future<Output = ()>;
}

/// A name for several traits at once, which whatever has them all has too.
macro_rules! all_of {
    ($(#[$doc:meta])* $name:ident: $($bound:path),+ $(,)?) => {
        $(#[$doc])*
        pub trait $name: $($bound +)+ 'static {}
        impl<T: $($bound +)+ 'static> $name for T {}
    };
}

all_of! {
    /// All of it, for one parameter in place of ten. A copy reaches the same.
    Outside:
        Customers, Conversations, Messages, Attachments, Breakers, Upstream, Elsewhere, Tables, Settings, Tasks, Timer, Clock, Clone
}
