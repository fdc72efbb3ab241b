//! WIT's types to the domain's and back.

use sdk::search::Words;

use crate::{
    answering,
    bindings::exports::kobliat::messages::messages as wit,
    delivery,
    domain::{self, Direction, Status},
    finding::Filter,
    media::{MediaChange, MediaStatus},
    receipts,
};

impl From<wit::NewMessage> for domain::NewMessage {
    fn from(new: wit::NewMessage) -> Self {
        Self {
            conversation_id: new.conversation_id,
            sender_customer_id: new.sender_customer_id,
            direction: new.direction.into(),
            body: new.body,
            content_type: new.content_type,
            media_id: new.media_id,
            channel: new.channel,
            channel_account_id: new.channel_account_id,
            external_message_id: new.external_message_id,
            client_ref: new.client_ref,
            sent_at: new.sent_at,
            metadata: new.metadata,
        }
    }
}

impl From<wit::Receipt> for receipts::Receipt {
    fn from(receipt: wit::Receipt) -> Self {
        let wit::Receipt { channel_account_id, external_message_id, status, at, details } = receipt;
        Self { channel_account_id, external_message_id, status, at, details }
    }
}

impl From<receipts::Outcome> for wit::ReceiptOutcome {
    fn from(outcome: receipts::Outcome) -> Self {
        match outcome {
            receipts::Outcome::Accepted => Self::Accepted,
            receipts::Outcome::Duplicate => Self::Duplicate,
            receipts::Outcome::Waiting => Self::Waiting,
        }
    }
}

impl From<wit::Delivery> for delivery::Delivery {
    fn from(delivery: wit::Delivery) -> Self {
        let wit::Delivery { message_id, channel, channel_account_id, outcome } = delivery;
        let failure = |wit::Failure { code, reason }| delivery::Failure { code, reason };
        let ended = match outcome {
            wit::DeliveryOutcome::Sent(external_id) => delivery::Ended::Sent(external_id),
            wit::DeliveryOutcome::Failed(why) => delivery::Ended::Failed(failure(why)),
            wit::DeliveryOutcome::Unknown(why) => delivery::Ended::Unknown(failure(why)),
        };
        Self { message_id, channel, channel_account_id, ended }
    }
}

impl From<wit::Party> for answering::Party {
    fn from(party: wit::Party) -> Self {
        let wit::Party { channel, channel_account_id, customer_id } = party;
        Self { channel, channel_account_id, customer_id }
    }
}

impl From<answering::Window> for wit::ReplyWindow {
    fn from(window: answering::Window) -> Self {
        match window {
            answering::Window::Unlimited => Self::Unlimited,
            answering::Window::NeverOpened => Self::NeverOpened,
            answering::Window::ClosesAt(at) => Self::ClosesAt(at),
        }
    }
}

impl From<answering::Recent> for wit::Recent {
    fn from(recent: answering::Recent) -> Self {
        let answering::Recent { id, seq, direction, content_type, external_message_id, metadata } = recent;
        Self { id, seq, direction: direction.into(), content_type, external_message_id, metadata }
    }
}

impl From<wit::MediaChange> for MediaChange {
    fn from(change: wit::MediaChange) -> Self {
        let wit::MediaChange { message_id, media_id, status, reason, mime_type, size, filename } = change;
        let status = match status {
            wit::MediaStatus::Pending => MediaStatus::Pending,
            wit::MediaStatus::Ready => MediaStatus::Ready,
            wit::MediaStatus::Failed => MediaStatus::Failed,
        };
        Self { message_id, media_id, status, reason, mime_type, size, filename }
    }
}

impl TryFrom<wit::Query> for Filter {
    type Error = domain::Error;

    fn try_from(query: wit::Query) -> Result<Self, domain::Error> {
        let words = Words::parse(&query.text).map_err(|reason| domain::invalid("text", reason))?;
        Ok(Self {
            words: Some(words),
            conversation_id: query.conversation_id,
            sender_customer_id: query.sender_customer_id,
            ..Self::default()
        })
    }
}

impl From<domain::Inserted> for wit::Inserted {
    fn from(inserted: domain::Inserted) -> Self {
        Self { message: inserted.message.into(), duplicate: inserted.duplicate }
    }
}

impl From<domain::Message> for wit::Message {
    fn from(message: domain::Message) -> Self {
        Self {
            id: message.id,
            conversation_id: message.conversation_id,
            seq: message.seq,
            sender_customer_id: message.sender_customer_id,
            direction: message.direction.into(),
            body: message.body,
            content_type: message.content_type,
            media_id: message.media_id,
            channel: message.channel,
            channel_account_id: message.channel_account_id,
            external_message_id: message.external_message_id,
            client_ref: message.client_ref,
            status: message.status.into(),
            sent_at: message.sent_at,
            metadata: message.metadata,
            created_at: message.created_at,
            updated_at: message.updated_at,
        }
    }
}

impl From<wit::Direction> for Direction {
    fn from(direction: wit::Direction) -> Self {
        match direction {
            wit::Direction::Inbound => Self::Inbound,
            wit::Direction::Outbound => Self::Outbound,
            wit::Direction::System => Self::System,
        }
    }
}

impl From<Direction> for wit::Direction {
    fn from(direction: Direction) -> Self {
        match direction {
            Direction::Inbound => Self::Inbound,
            Direction::Outbound => Self::Outbound,
            Direction::System => Self::System,
        }
    }
}

impl From<Status> for wit::Status {
    fn from(status: Status) -> Self {
        match status {
            Status::Queued => Self::Queued,
            Status::Unknown => Self::Unknown,
            Status::Sent => Self::Sent,
            Status::Failed => Self::Failed,
            Status::Delivered => Self::Delivered,
            Status::Read => Self::Read,
        }
    }
}
