//! WIT's types to the domain's and back.

use sdk::{Micros, period::Period, search::Words};

use crate::{
    bindings::exports::kobliat::conversations::conversations as wit,
    changes::Reading,
    domain::{self, Error, Kind, Role, Status, invalid},
    finding::{Filter, MAX_SEARCHED, Search, Sort},
    touch::{Rewording, Touch},
};

impl From<wit::Direct> for domain::NewConversation {
    fn from(direct: wit::Direct) -> Self {
        Self::direct(direct.channel, direct.channel_account_id, direct.customer_id)
    }
}

impl From<wit::NewConversation> for domain::NewConversation {
    fn from(new: wit::NewConversation) -> Self {
        Self {
            kind: new.kind.into(),
            participants: new.participants,
            channel: new.channel,
            channel_account_id: new.channel_account_id,
            subject: new.subject,
            metadata: new.metadata,
        }
    }
}

impl From<wit::Touch> for Touch {
    fn from(touch: wit::Touch) -> Self {
        let wit::Touch { conversation_id, seq, preview, at, inbound } = touch;
        Self { conversation_id, seq, preview, at, inbound }
    }
}

impl From<wit::Rewording> for Rewording {
    fn from(rewording: wit::Rewording) -> Self {
        let wit::Rewording { conversation_id, seq, preview, changed_at } = rewording;
        Self { conversation_id, seq, preview, changed_at }
    }
}

impl From<wit::Filter> for Filter {
    fn from(filter: wit::Filter) -> Self {
        Self {
            status: filter.status.map(Into::into),
            channel: filter.channel,
            customer_id: filter.customer_id,
            ..Self::default()
        }
    }
}

impl TryFrom<wit::Query> for Filter {
    type Error = Error;

    fn try_from(query: wit::Query) -> Result<Self, Error> {
        Ok(Self {
            status: query.status.map(Into::into),
            channel: query.channel,
            customer_id: query.customer_id,
            search: query.search.map(TryInto::try_into).transpose()?,
            unread: query.unread,
            period: Period {
                from: query.created_from.unwrap_or(Micros::MIN),
                to: query.created_until.unwrap_or(Micros::MAX),
            },
            sort: query.sort.into(),
        })
    }
}

impl TryFrom<wit::Search> for Search {
    type Error = Error;

    fn try_from(search: wit::Search) -> Result<Self, Error> {
        let wit::Search { text, conversation_ids, customer_ids } = search;
        if conversation_ids.len().max(customer_ids.len()) > MAX_SEARCHED {
            return Err(invalid("search", format!("at most {MAX_SEARCHED} ids of a kind")));
        }
        let words = Words::parse(&text).map_err(|reason| invalid("text", reason))?;
        Ok(Self { words, conversation_ids, customer_ids })
    }
}

impl From<wit::Reading> for Reading {
    fn from(reading: wit::Reading) -> Self {
        let wit::Reading { conversation_id, seq, inbound } = reading;
        Self { conversation_id, seq, inbound }
    }
}

impl From<domain::Conversation> for wit::Conversation {
    fn from(conversation: domain::Conversation) -> Self {
        Self {
            id: conversation.id,
            kind: conversation.kind.into(),
            status: conversation.status.into(),
            channel: conversation.channel,
            channel_account_id: conversation.channel_account_id,
            subject: conversation.subject,
            metadata: conversation.metadata,
            last_seq: conversation.last_seq,
            last_message_at: conversation.last_message_at,
            last_message_preview: conversation.last_message_preview,
            unread_count: conversation.unread_count,
            created_at: conversation.created_at,
            updated_at: conversation.updated_at,
            participants: conversation.participants.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<domain::Participant> for wit::Participant {
    fn from(participant: domain::Participant) -> Self {
        let domain::Participant { id, customer_id, role, joined_at, left_at } = participant;
        Self { id, customer_id, role: role.into(), joined_at, left_at }
    }
}

/// The same variants on both sides.
macro_rules! same {
    ($domain:ident, $wit:ident: $($variant:ident),+) => {
        impl From<wit::$wit> for $domain {
            fn from(value: wit::$wit) -> Self {
                match value { $(wit::$wit::$variant => Self::$variant),+ }
            }
        }

        impl From<$domain> for wit::$wit {
            fn from(value: $domain) -> Self {
                match value { $($domain::$variant => Self::$variant),+ }
            }
        }
    };
}

same!(Kind, Kind: Direct, Group, Channel);
same!(Status, Status: Open, Pending, Closed);
same!(Role, Role: Member, Admin);
same!(Sort, Sort: LastMessageDown, LastMessageUp, CreatedDown, CreatedUp);
