//! The services by typed call; the accounts' credentials and attachments by HTTP.

mod attachments;

use std::{collections::BTreeMap, time::Duration};

use http::{HeaderName, Method};
use sdk::Context;
use sdk::outgoing::{self, Outgoing};
use sdk::query::percent_encode;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::bindings::kobliat::conversations::conversations;
use crate::bindings::kobliat::customers::customers;
use crate::bindings::kobliat::messages::messages;
use crate::domain::services::{
    Alias, Attachment, CallError, ChannelAccount, Conversation, Ended, Identity, Message, Party, Person, Report,
    Services, Window,
};
use crate::provider::{Earlier, Failure};

/// All three, as linked or composed into this component.
#[derive(Debug, Clone, Copy, Default)]
pub struct Linked;

impl Services for Linked {
    async fn message(&self, context: &Context, id: &str) -> Result<Option<Message>, CallError> {
        let found = messages::get_many(context.clone(), vec![id.to_owned()]).await.map_err(message_error)?;
        Ok(found.into_iter().next().map(message))
    }

    async fn conversation(&self, context: &Context, id: &str) -> Result<Option<Conversation>, CallError> {
        let found = conversations::get_many(context.clone(), vec![id.to_owned()]).await.map_err(conversation_error)?;
        Ok(found.into_iter().next().map(conversation))
    }

    async fn people(&self, context: &Context, ids: &[String]) -> Result<Vec<Person>, CallError> {
        let found = customers::get_many(context.clone(), ids.to_vec()).await.map_err(customer_error)?;
        if found.is_empty() {
            return Ok(Vec::new());
        }
        let known = customers::identities_of(context.clone(), ids.to_vec()).await.map_err(customer_error)?;
        Ok(found.into_iter().map(|customer| person(customer, &known)).collect())
    }

    async fn window(&self, context: &Context, party: &Party) -> Result<Window, CallError> {
        let Party { channel, channel_account_id, customer_id } = party.clone();
        let party = messages::Party { channel, channel_account_id, customer_id };
        let windows = messages::reply_windows(context.clone(), vec![party]).await.map_err(message_error)?;
        match windows.first() {
            Some(messages::ReplyWindow::Unlimited) => Ok(Window::Unlimited),
            Some(messages::ReplyWindow::NeverOpened) => Ok(Window::NeverOpened),
            Some(messages::ReplyWindow::ClosesAt(at)) => Ok(Window::ClosesAt(*at)),
            None => Err(CallError::Unavailable("messaging answered short".to_owned())),
        }
    }

    async fn earlier(
        &self,
        context: &Context,
        conversation_id: &str,
        account: &str,
    ) -> Result<Vec<Earlier>, CallError> {
        let (id, account) = (conversation_id.to_owned(), account.to_owned());
        let found = messages::list_recent(context.clone(), id, account, EARLIER).await.map_err(message_error)?;
        Ok(found.into_iter().map(earlier).collect())
    }

    async fn route_answers(&self, context: &Context, conversation_id: &str, party: &Party) -> Result<(), CallError> {
        let Party { channel, channel_account_id, customer_id } = party.clone();
        let direct = conversations::Direct { channel, channel_account_id, customer_id };
        conversations::route_answers(context.clone(), conversation_id.to_owned(), direct)
            .await
            .map_err(conversation_error)
    }

    async fn learn(&self, context: &Context, channel: &str, account: &str, aliases: &[Alias]) -> Result<(), CallError> {
        let identity = |alias: &Alias| customers::Identity {
            channel_account_id: account.to_owned(),
            kind: alias.kind.clone(),
            value: alias.value.clone(),
        };
        let identities = aliases.iter().map(identity).collect();
        let contact = customers::Contact { external_type: channel.to_owned(), identities, name: None };
        let found = customers::resolve_many(context.clone(), vec![contact]).await.map_err(customer_error)?;
        found.into_iter().next().transpose().map(|_| ()).map_err(customer_error)
    }

    async fn account(
        &self,
        context: &Context,
        channel: &str,
        name: Option<&str>,
    ) -> Result<Option<ChannelAccount>, CallError> {
        let answer = outgoing::send(account_request(context, channel, name), PATIENCE, ANSWER_LIMIT_BYTES).await;
        account(&answer.map_err(|failure| CallError::Unavailable(failure.to_string()))?)
    }

    async fn attachment(&self, context: &Context, id: &str) -> Result<Option<Attachment>, CallError> {
        attachments::find(context, id).await
    }

    async fn attachment_bytes(&self, context: &Context, id: &str) -> Result<Vec<u8>, CallError> {
        attachments::bytes(context, id).await
    }

    async fn report(&self, context: &Context, report: Report) -> Result<(), CallError> {
        let failure = |Failure { code, reason }| messages::Failure { code, reason };
        let delivery = messages::Delivery {
            message_id: report.message_id,
            channel: report.channel,
            channel_account_id: report.channel_account_id,
            outcome: match report.ended {
                Ended::Sent(external_id) => messages::DeliveryOutcome::Sent(external_id),
                Ended::Failed(why) => messages::DeliveryOutcome::Failed(failure(why)),
                Ended::Unknown(why) => messages::DeliveryOutcome::Unknown(failure(why)),
            },
        };
        messages::record_delivery(context.clone(), delivery).await.map(|_| ()).map_err(message_error)
    }
}

/// The gateway of what comes in keeps the accounts.
const ACCOUNTS: &str = "http://inbound-gateway.spin.internal/internal/accounts";
const PATIENCE: Duration = Duration::from_secs(5);
/// Messages before an answer that it may name.
const EARLIER: u32 = 50;
/// Of credentials.
const ANSWER_LIMIT_BYTES: usize = 64 << 10;

fn account_request(context: &Context, channel: &str, name: Option<&str>) -> Outgoing {
    let names = std::iter::once(channel).chain(name);
    let path: String = names.map(|name| format!("/{}", percent_encode(name))).collect();
    let mut request = Outgoing::new(Method::GET, &format!("{ACCOUNTS}{path}"), Vec::new());
    let headers = [
        ("kobliat-tenant", context.tenant.as_str()),
        ("kobliat-principal", "component:outbound-gateway"),
        ("kobliat-scopes", "*"),
        ("x-request-id", &context.request_id),
        ("traceparent", &context.traceparent),
    ];
    for (name, value) in headers.into_iter().filter(|(_, value)| !value.is_empty()) {
        request.header(HeaderName::from_static(name), value);
    }
    request
}

fn account(answer: &sdk::Response) -> Result<Option<ChannelAccount>, CallError> {
    #[derive(Deserialize)]
    struct Lent {
        provider_id: String,
        status: String,
        credentials: BTreeMap<String, String>,
    }
    match answer.status().as_u16() {
        200 => {}
        404 => return Ok(None),
        status => return Err(CallError::Unavailable(format!("the channel's account is not to be had: {status}"))),
    }
    let lent: Lent = serde_json::from_slice(answer.body())
        .map_err(|error| CallError::Unavailable(format!("the channel's account is not understood: {error}")))?;
    Ok(Some(ChannelAccount {
        name: lent.provider_id,
        is_disabled: lent.status == "disabled",
        credentials: lent.credentials,
    }))
}

fn object(text: &str) -> Map<String, Value> {
    serde_json::from_str(text).unwrap_or_default()
}

fn message(message: messages::Message) -> Message {
    let is_outbound = message.direction == messages::Direction::Outbound;
    let metadata = object(&message.metadata);
    Message {
        is_queued: is_outbound && message.status == messages::Status::Queued,
        id: message.id,
        conversation_id: message.conversation_id,
        sender_customer_id: message.sender_customer_id,
        body: message.body,
        content_type: message.content_type,
        media_id: message.media_id,
        channel: message.channel,
        channel_account_id: message.channel_account_id,
        metadata,
    }
}

fn earlier(recent: messages::Recent) -> Earlier {
    Earlier {
        is_inbound: recent.direction == messages::Direction::Inbound,
        is_system: recent.direction == messages::Direction::System,
        metadata: object(&recent.metadata),
        id: recent.id,
        external_id: recent.external_message_id,
    }
}

fn person(customer: customers::Customer, known: &[customers::KnownIdentity]) -> Person {
    let own = known.iter().filter(|known| known.customer_id == customer.id);
    Person {
        identities: own.map(identity).collect(),
        id: customer.id,
        name: customer.name,
        external_type: customer.external_type,
        external_id: customer.external_id,
    }
}

fn conversation(conversation: conversations::Conversation) -> Conversation {
    let here = conversation.participants.into_iter().filter(|participant| participant.left_at.is_none());
    Conversation {
        channel: conversation.channel,
        channel_account_id: conversation.channel_account_id,
        subject: conversation.subject,
        is_direct: conversation.kind == conversations::Kind::Direct,
        participants: here.map(|participant| participant.customer_id).collect(),
    }
}

fn identity(known: &customers::KnownIdentity) -> Identity {
    let customers::Identity { channel_account_id, kind, value } = known.identity.clone();
    Identity { channel_account_id, kind, value }
}

/// What is wrong, missing or in conflict stays so.
macro_rules! call_error {
    ($name:ident, $package:ident) => {
        fn $name(error: $package::Error) -> CallError {
            match error {
                $package::Error::Invalid(why) | $package::Error::Conflict(why) => CallError::Refused(why),
                $package::Error::NotFound => CallError::Refused("not found".to_owned()),
                $package::Error::Unavailable(why) | $package::Error::Other(why) => CallError::Unavailable(why),
            }
        }
    };
}

call_error!(customer_error, customers);
call_error!(conversation_error, conversations);
call_error!(message_error, messages);
