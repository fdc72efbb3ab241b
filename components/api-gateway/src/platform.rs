//! The gateway's surroundings in the component: linked services, its database, variables, the clock of the host.

use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use futures::TryFutureExt;
use http::{Request, Response};
use http_body_util::Full;
use spin_sdk::wasip3::http::types::ErrorCode;

use crate::circuits::Circuits;
use crate::clients::{
    Attachments, Body, Breakers, CallError, CallResult, Conversation, ConversationPage, ConversationQuery,
    Conversations, Customer, Customers, Elsewhere, FoundMessages, Medium, MessagePage, MessageQuery, Messages, Party,
    Place, Reading, ReplyWindow, Rewording, SendError, Settings, Tables, Tasks, Timer, Touch, Upstream, attachments,
    conversations, customers, messages,
};
use crate::routes::Service;
use crate::store;
use sdk::sql::{Database, Spin};
use sdk::{Clock, Context, Micros, SystemClock, config};

#[derive(Clone)]
pub struct Platform(Rc<Held>);

/// By the instance, for its life.
struct Held {
    tables: Database<Spin>,
    variables: config::Settings,
    circuits: Circuits,
}

impl Default for Platform {
    fn default() -> Self {
        let tables = Database::new(Spin::new(store::LABEL), store::MIGRATIONS);
        Self(Rc::new(Held { tables, variables: config::Settings::default(), circuits: Circuits::default() }))
    }
}

/// The interfaces' error variants are separate types with the same cases.
macro_rules! call_error {
    ($interface:ident) => {
        impl From<$interface::Error> for CallError {
            fn from(error: $interface::Error) -> Self {
                match error {
                    $interface::Error::NotFound => Self::NotFound,
                    $interface::Error::Invalid(reason) => Self::Invalid(reason),
                    $interface::Error::Conflict(reason) => Self::Conflict(reason),
                    $interface::Error::Unavailable(reason) => Self::Unavailable(reason),
                    $interface::Error::Other(reason) => Self::Other(reason),
                }
            }
        }
    };
}
call_error!(customers);
call_error!(conversations);
call_error!(messages);
call_error!(attachments);

impl Platform {
    /// A typed call, with its deadline and behind its circuit.
    async fn call<T, E: Into<CallError>>(
        &self,
        service: Service,
        work: impl Future<Output = Result<T, E>>,
    ) -> CallResult<T> {
        self.0.circuits.call(self, service, work.map_err(Into::into)).await
    }
}

impl Customers for Platform {
    async fn get_customers(&self, ctx: Context, ids: Vec<String>) -> CallResult<Vec<Customer>> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        self.call(Service::Customer, customers::get_many(ctx, ids)).await
    }

    async fn find_customers(&self, ctx: Context, text: String, limit: u32) -> CallResult<Vec<String>> {
        self.call(Service::Customer, customers::find_ids(ctx, text, limit)).await
    }
}

impl Conversations for Platform {
    async fn get_conversations(&self, ctx: Context, ids: Vec<String>) -> CallResult<Vec<Conversation>> {
        self.call(Service::Conversation, conversations::get_many(ctx, ids)).await
    }

    async fn list_conversations(
        &self,
        ctx: Context,
        query: ConversationQuery,
        cursor: Option<String>,
        limit: u32,
    ) -> CallResult<ConversationPage> {
        self.call(Service::Conversation, conversations::find_page(ctx, query, cursor, limit)).await
    }

    async fn mark_read(&self, ctx: Context, reading: Reading) -> CallResult<Conversation> {
        self.call(Service::Conversation, conversations::mark_read(ctx, reading)).await
    }

    async fn touch(&self, ctx: Context, touches: Vec<Touch>) -> CallResult<()> {
        self.call(Service::Conversation, conversations::touch_many(ctx, touches)).await
    }

    async fn reword(&self, ctx: Context, rewording: Rewording) -> CallResult<()> {
        self.call(Service::Conversation, conversations::reword(ctx, rewording)).await
    }
}

impl Messages for Platform {
    async fn list_messages(
        &self,
        ctx: Context,
        conversation: String,
        cursor: Option<String>,
        after: Option<u64>,
        limit: u32,
    ) -> CallResult<MessagePage> {
        self.call(Service::Messaging, messages::list_page(ctx, conversation, cursor, after, limit)).await
    }

    async fn find_messages(
        &self,
        ctx: Context,
        query: MessageQuery,
        cursor: Option<String>,
        limit: u32,
    ) -> CallResult<FoundMessages> {
        self.call(Service::Messaging, messages::find_page(ctx, query, cursor, limit)).await
    }

    async fn conversations_saying(&self, ctx: Context, text: String, limit: u32) -> CallResult<Vec<String>> {
        self.call(Service::Messaging, messages::find_conversations(ctx, text, limit)).await
    }

    async fn place_of(&self, ctx: Context, message: String) -> CallResult<Place> {
        self.call(Service::Messaging, messages::place_of(ctx, message)).await
    }

    async fn reply_windows(&self, ctx: Context, parties: Vec<Party>) -> CallResult<Vec<ReplyWindow>> {
        self.call(Service::Messaging, messages::reply_windows(ctx, parties)).await
    }
}

impl Attachments for Platform {
    async fn get_media(&self, ctx: Context, ids: Vec<String>) -> CallResult<Vec<Medium>> {
        self.call(Service::Media, attachments::get_many(ctx, ids)).await
    }
}

impl Breakers for Platform {
    fn circuits(&self) -> &Circuits {
        &self.0.circuits
    }
}

impl Upstream for Platform {
    async fn send(&self, service: Service, request: Request<Bytes>) -> Result<Response<Body>, SendError> {
        self.0.circuits.pass(self, service, self.fetch(request)).await
    }

    async fn stream(&self, service: Service, request: Request<Body>) -> Result<Response<Body>, SendError> {
        let sent = async {
            let answer = spin_sdk::http::send(request).await.map_err(send_error)?;
            Ok(answer.map(spin_sdk::http::box_body))
        };
        self.0.circuits.pass(self, service, sent).await
    }
}

impl Elsewhere for Platform {
    async fn fetch(&self, request: Request<Bytes>) -> Result<Response<Body>, SendError> {
        let answer = spin_sdk::http::send(request.map(Full::new)).await.map_err(send_error)?;
        Ok(answer.map(spin_sdk::http::box_body))
    }
}

fn send_error(error: ErrorCode) -> SendError {
    match error {
        ErrorCode::ConnectionTimeout
        | ErrorCode::ConnectionReadTimeout
        | ErrorCode::ConnectionWriteTimeout
        | ErrorCode::DnsTimeout
        | ErrorCode::HttpResponseTimeout => SendError::TimedOut,
        ErrorCode::ConnectionRefused
        | ErrorCode::DestinationNotFound
        | ErrorCode::DestinationUnavailable
        | ErrorCode::ConnectionLimitReached
        | ErrorCode::DnsError(_) => SendError::Unreachable(format!("{error:?}")),
        other => SendError::Failed(format!("{other:?}")),
    }
}

impl Tables for Platform {
    type Driver = Spin;

    fn tables(&self) -> &Database<Spin> {
        &self.0.tables
    }
}

impl Settings for Platform {
    async fn variable(&self, name: &'static str) -> Option<String> {
        self.0.variables.get(name).await
    }
}

impl Tasks for Platform {
    fn spawn(&self, work: impl Future<Output = ()> + 'static) {
        spin_sdk::wasip3::spawn(work);
    }
}

impl Clock for Platform {
    fn now(&self) -> Micros {
        SystemClock.now()
    }
}

impl Timer for Platform {
    async fn sleep(&self, duration: Duration) {
        spin_sdk::time::sleep(duration).await;
    }
}
