//! The gateway's surroundings in the component: linked services, its database, variables, the clock of the host.

use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use spin_sdk::wasip3::http::types::ErrorCode;

use crate::clients::{
    Attachments, Body, CallError, CallResult, Conversation, ConversationPage, ConversationQuery, Conversations,
    Customer, Customers, Elsewhere, FoundMessages, Medium, MessagePage, MessageQuery, Messages, Place, Reading,
    SendError, Settings, Tables, Tasks, Timer, Touch, Upstream, attachments, conversations, customers, messages,
};
use crate::routes::Service;
use crate::store;
use sdk::sql::{Database, Spin};
use sdk::{Clock, Context, Micros, SystemClock, config, log};

#[derive(Clone)]
pub struct Platform(Rc<Database<Spin>>);

impl Default for Platform {
    fn default() -> Self {
        Self(Rc::new(Database::new(Spin::new(store::LABEL), store::MIGRATIONS)))
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

impl Customers for Platform {
    async fn get_customers(&self, ctx: Context, ids: Vec<String>) -> CallResult<Vec<Customer>> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        Ok(customers::get_many(ctx, ids).await?)
    }

    async fn find_customers(&self, ctx: Context, text: String, limit: u32) -> CallResult<Vec<String>> {
        Ok(customers::find_ids(ctx, text, limit).await?)
    }
}

impl Conversations for Platform {
    async fn get_conversations(&self, ctx: Context, ids: Vec<String>) -> CallResult<Vec<Conversation>> {
        Ok(conversations::get_many(ctx, ids).await?)
    }

    async fn list_conversations(
        &self,
        ctx: Context,
        query: ConversationQuery,
        cursor: Option<String>,
        limit: u32,
    ) -> CallResult<ConversationPage> {
        Ok(conversations::find_page(ctx, query, cursor, limit).await?)
    }

    async fn mark_read(&self, ctx: Context, reading: Reading) -> CallResult<Conversation> {
        Ok(conversations::mark_read(ctx, reading).await?)
    }

    async fn touch(&self, ctx: Context, touches: Vec<Touch>) -> CallResult<()> {
        Ok(conversations::touch_many(ctx, touches).await?)
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
        Ok(messages::list_page(ctx, conversation, cursor, after, limit).await?)
    }

    async fn find_messages(
        &self,
        ctx: Context,
        query: MessageQuery,
        cursor: Option<String>,
        limit: u32,
    ) -> CallResult<FoundMessages> {
        Ok(messages::find_page(ctx, query, cursor, limit).await?)
    }

    async fn conversations_saying(&self, ctx: Context, text: String, limit: u32) -> CallResult<Vec<String>> {
        Ok(messages::find_conversations(ctx, text, limit).await?)
    }

    async fn place_of(&self, ctx: Context, message: String) -> CallResult<Place> {
        Ok(messages::place_of(ctx, message).await?)
    }
}

impl Attachments for Platform {
    async fn get_media(&self, ctx: Context, ids: Vec<String>) -> CallResult<Vec<Medium>> {
        Ok(attachments::get_many(ctx, ids).await?)
    }
}

impl Upstream for Platform {
    async fn send(&self, _service: Service, request: Request<Bytes>) -> Result<Response<Body>, SendError> {
        self.fetch(request).await
    }

    async fn stream(&self, _service: Service, request: Request<Body>) -> Result<Response<Body>, SendError> {
        let answer = spin_sdk::http::send(request).await.map_err(send_error)?;
        Ok(answer.map(spin_sdk::http::box_body))
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
        &self.0
    }
}

impl Settings for Platform {
    async fn variable(&self, name: &'static str) -> Option<String> {
        config::optional(name).await.unwrap_or_else(|error| {
            log::error(&Context::default(), "a variable counts as not set", &[("reason", &error)]);
            None
        })
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
