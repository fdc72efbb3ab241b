//! The services by typed call; the accounts' credentials and attachments by HTTP.

mod attachments;

use std::{collections::BTreeMap, time::Duration};

use http::{HeaderName, Method};
use sdk::outgoing::{self, Outgoing};
use sdk::query::percent_encode;
use sdk::{Context, Micros};
use serde::Deserialize;
use serde_json::Value;

use crate::bindings::kobliat::conversations::conversations;
use crate::bindings::kobliat::customers::customers;
use crate::bindings::kobliat::messages::messages;
use crate::domain::services::{
    Attachment, CallError, ChannelAccount, Conversation, Ended, Identity, Message, Person, Report, Services,
};
use crate::provider::Failure;

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

    async fn person(&self, context: &Context, id: &str) -> Result<Option<Person>, CallError> {
        let ids = vec![id.to_owned()];
        let found = customers::get_many(context.clone(), ids.clone()).await.map_err(customer_error)?;
        let Some(customer) = found.into_iter().next() else { return Ok(None) };
        let known = customers::identities_of(context.clone(), ids).await.map_err(customer_error)?;
        Ok(Some(Person {
            name: customer.name,
            external_type: customer.external_type,
            external_id: customer.external_id,
            identities: known.into_iter().map(identity).collect(),
        }))
    }

    async fn last_inbound_at(&self, context: &Context, conversation_id: &str) -> Result<Option<Micros>, CallError> {
        messages::last_inbound_at(context.clone(), conversation_id.to_owned()).await.map_err(message_error)
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

fn message(message: messages::Message) -> Message {
    let is_outbound = message.direction == messages::Direction::Outbound;
    let metadata = serde_json::from_str(&message.metadata).ok();
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
        metadata: metadata
            .and_then(|value| if let Value::Object(it) = value { Some(it) } else { None })
            .unwrap_or_default(),
    }
}

fn conversation(conversation: conversations::Conversation) -> Conversation {
    let here = conversation.participants.into_iter().filter(|participant| participant.left_at.is_none());
    Conversation {
        channel: conversation.channel,
        channel_account_id: conversation.channel_account_id,
        subject: conversation.subject,
        participants: here.map(|participant| participant.customer_id).collect(),
    }
}

fn identity(known: customers::KnownIdentity) -> Identity {
    let customers::Identity { channel_account_id, kind, value } = known.identity;
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
