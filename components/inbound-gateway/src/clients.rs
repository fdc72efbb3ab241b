//! The services by typed call.

use sdk::Context;

use crate::bindings::kobliat::conversations::conversations;
use crate::bindings::kobliat::customers::customers;
use crate::bindings::kobliat::messages::messages;
use crate::domain::services::{
    Batch, CallContext, CallError, Conversations, Customers, Direct, Inserted, Messages, NewMessage, Recorded, Touch,
};
use crate::domain::{Contact, Direction, Identity, Receipt};

/// All three, as linked or composed into this component.
#[derive(Debug, Clone, Copy, Default)]
pub struct Linked;

impl Customers for Linked {
    async fn resolve_many(&self, ctx: CallContext, contacts: Vec<Contact>) -> Batch<String> {
        let contacts = contacts.into_iter().map(contact).collect();
        let answers = customers::resolve_many(context(ctx), contacts).await.map_err(customer_error)?;
        Ok(answers.into_iter().map(|answer| answer.map(|customer| customer.id).map_err(customer_error)).collect())
    }
}

impl Conversations for Linked {
    async fn resolve_direct_many(&self, ctx: CallContext, items: Vec<Direct>) -> Batch<String> {
        let items = items.into_iter().map(direct).collect();
        let answers = conversations::resolve_direct_many(context(ctx), items).await.map_err(conversation_error)?;
        Ok(answers.into_iter().map(|answer| answer.map(|found| found.id).map_err(conversation_error)).collect())
    }

    async fn touch_many(&self, ctx: CallContext, items: Vec<Touch>) -> Result<(), CallError> {
        let items = items.into_iter().map(touch).collect();
        conversations::touch_many(context(ctx), items).await.map_err(conversation_error)
    }
}

impl Messages for Linked {
    async fn insert_many(&self, ctx: CallContext, new: Vec<NewMessage>) -> Batch<Inserted> {
        let new = new.into_iter().map(new_message).collect();
        let answers = messages::insert_many(context(ctx), new).await.map_err(message_error)?;
        Ok(answers.into_iter().map(|answer| answer.map(inserted).map_err(message_error)).collect())
    }

    async fn record_receipts(&self, ctx: CallContext, receipts: Vec<Receipt>) -> Batch<Recorded> {
        let receipts = receipts.into_iter().map(receipt).collect();
        let answers = messages::record_receipts(context(ctx), receipts).await.map_err(message_error)?;
        Ok(answers.into_iter().map(|answer| answer.map(recorded).map_err(message_error)).collect())
    }
}

/// The gateway acts for the channel, with every right: the signature was the credential.
fn context(ctx: CallContext) -> Context {
    Context {
        tenant: ctx.tenant,
        principal: format!("webhook:{}", ctx.channel),
        scopes: vec!["*".to_owned()],
        request_id: ctx.request_id,
        traceparent: ctx.traceparent,
        deadline_ms: ctx.deadline_ms,
        // The arguments identify every effect.
        idempotency_key: String::new(),
        extensions: Vec::new(),
    }
}

fn contact(contact: Contact) -> customers::Contact {
    let identity = |Identity { channel_account_id, kind, value }| customers::Identity {
        channel_account_id,
        kind: String::from(kind),
        value,
    };
    customers::Contact {
        external_type: contact.channel.to_owned(),
        identities: contact.identities.into_iter().map(identity).collect(),
        name: contact.name,
    }
}

fn direct(Direct { channel, channel_account_id, customer_id }: Direct) -> conversations::Direct {
    conversations::Direct { channel: channel.to_owned(), channel_account_id, customer_id }
}

fn touch(Touch { conversation_id, seq, preview, at, inbound }: Touch) -> conversations::Touch {
    conversations::Touch { conversation_id, seq, preview, at, inbound }
}

fn new_message(new: NewMessage) -> messages::NewMessage {
    messages::NewMessage {
        conversation_id: new.conversation_id,
        sender_customer_id: new.sender_customer_id,
        direction: match new.direction {
            Direction::Inbound => messages::Direction::Inbound,
            Direction::Outbound => messages::Direction::Outbound,
            Direction::System => messages::Direction::System,
        },
        body: new.body,
        content_type: new.content_type,
        media_id: None,
        channel: Some(new.channel.to_owned()),
        channel_account_id: Some(new.channel_account_id),
        external_message_id: Some(new.external_message_id),
        client_ref: None,
        sent_at: Some(new.sent_at),
        metadata: new.metadata,
    }
}

fn inserted(inserted: messages::Inserted) -> Inserted {
    let messages::Inserted { message, duplicate } = inserted;
    Inserted {
        id: message.id,
        conversation_id: message.conversation_id,
        external_message_id: message.external_message_id.unwrap_or_default(),
        seq: message.seq,
        duplicate,
    }
}

fn receipt(receipt: Receipt) -> messages::Receipt {
    messages::Receipt {
        channel_account_id: receipt.channel_account_id,
        external_message_id: receipt.external_message_id,
        status: receipt.status,
        at: receipt.at,
        details: receipt.details,
    }
}

fn recorded(outcome: messages::ReceiptOutcome) -> Recorded {
    match outcome {
        messages::ReceiptOutcome::Accepted => Recorded::Accepted,
        messages::ReceiptOutcome::Duplicate => Recorded::Duplicate,
        messages::ReceiptOutcome::Waiting => Recorded::Waiting,
    }
}

/// Only an argument that is wrong stays wrong. A conflict is a race, and what was not found may have been on its way.
macro_rules! call_error {
    ($name:ident, $package:ident) => {
        fn $name(error: $package::Error) -> CallError {
            match error {
                $package::Error::Invalid(why) => CallError::Refused(why),
                $package::Error::NotFound => CallError::Unfinished("not found".to_owned()),
                $package::Error::Conflict(why) => CallError::Unfinished(format!("conflict: {why}")),
                $package::Error::Unavailable(why) => CallError::Unfinished(format!("unavailable: {why}")),
                $package::Error::Other(why) => CallError::Unfinished(why),
            }
        }
    };
}

call_error!(customer_error, customers);
call_error!(conversation_error, conversations);
call_error!(message_error, messages);
