//! Conversations in SQL: single ones. Lists and writing are in `store/`.

mod answering;
mod changing;
pub mod erased;
mod erasing;
mod finding;
mod joining;
mod opening;
mod texts;
mod touching;

use sdk::{
    Context, Micros,
    event::{self, Incoming},
    idempotency::{self, Done, Once},
    outbox,
    pagination::Keyset,
    sql::{self, Database, Driver, Execute, Migration, Row, SqlError},
};

use crate::{
    changes::{Changes, Reading},
    domain::{Conversation, Created, Error, History, Kind, NewConversation, Participant, Role, Status, Store},
    finding::Filter,
    participants::{Joined, NewParticipant},
    touch::{Rewording, Run},
};

pub const MIGRATIONS: &[Migration] = &[
    Migration::new(1, include_str!("../migrations/0001_conversations.sql")),
    Migration::new(2, idempotency::MIGRATION),
    Migration::new(3, outbox::MIGRATION),
    Migration::new(4, outbox::RELAY_MIGRATION),
    Migration::new(5, include_str!("../migrations/0005_read_state.sql")),
    Migration::new(6, include_str!("../migrations/0006_conversation_texts.sql")),
    Migration::new(7, include_str!("../migrations/0007_conversation_search.sql")).needing("fts5"),
    Migration::new(8, include_str!("../migrations/0008_reworded_previews.sql")),
    Migration::new(9, include_str!("../migrations/0009_answer_routes.sql")),
    Migration::new(10, include_str!("../migrations/0010_spaced_texts.sql")),
    Migration::new(11, include_str!("../migrations/0011_preview_of.sql")),
    Migration::new(12, include_str!("../migrations/0012_unread_and_by_time.sql")),
    Migration::new(13, event::CONSUMED_MIGRATION),
];

/// A conversation with its participants is one row, so that a page is one statement.
macro_rules! columns {
    () => {
        "c.id, c.kind, c.status, c.channel, c.channel_account_id, c.subject, c.metadata, c.last_seq, \
         c.last_message_at, c.last_message_preview, max(0, c.unread_count - c.read_inbound), c.created_at, c.updated_at, \
         (SELECT json_group_array(json_array(p.id, p.customer_id, p.role, p.joined_at, p.left_at)) \
         FROM participants p WHERE p.tenant_id = c.tenant_id AND p.conversation_id = c.id)"
    };
}

use columns;

/// The statements whose plan a test reads.
pub mod statements {
    pub use super::{
        answering::statements::*, changing::statements::*, erasing::statements::*, finding::statements::*,
        joining::statements::*, opening::statements::*, texts::statements::*, touching::statements::*,
    };

    pub const BY_ID: &str =
        concat!("SELECT ", columns!(), " FROM conversations c WHERE c.tenant_id = ?1 AND c.id = ?2");
    pub const BY_IDS: &str = concat!(
        "SELECT ",
        columns!(),
        " FROM json_each(?2) j CROSS JOIN conversations c ON c.tenant_id = ?1 AND c.id = j.value"
    );
    /// Answers the index in the list of keys, then the conversation.
    pub const BY_DIRECT_KEYS: &str = concat!(
        "SELECT j.key, ",
        columns!(),
        " FROM json_each(?2) j CROSS JOIN conversations c ON c.tenant_id = ?1 AND c.direct_key = j.value"
    );

    /// The same by where the messages of the keys arrive: one that is not routed arrives in its own.
    pub const BY_ANSWERS: &str = concat!(
        "SELECT j.key, ",
        columns!(),
        " FROM json_each(?2) j CROSS JOIN conversations c ON c.tenant_id = ?1 AND c.direct_key = coalesce( \
         (SELECT r.direct_key FROM answer_routes r WHERE r.tenant_id = ?1 AND r.answers_to = j.value), j.value)"
    );

    pub const ALL: &[&str] = &[
        BY_ID,
        BY_IDS,
        BY_DIRECT_KEYS,
        BY_ANSWERS,
        ROUTE,
        UNROUTE,
        ADOPT_CHANNEL,
        PAGE_DOWN,
        PAGE_UP,
        PAGE_OF_STATUS_DOWN,
        PAGE_OF_STATUS_UP,
        PAGE_OF_CHANNEL_DOWN,
        PAGE_OF_CHANNEL_UP,
        PAGE_OF_UNREAD_DOWN,
        PAGE_OF_UNREAD_UP,
        BY_AGE_DOWN,
        BY_AGE_UP,
        UNREAD_BY_AGE_DOWN,
        UNREAD_BY_AGE_UP,
        OF_CUSTOMERS,
        POSITIONS,
        SEARCH,
        SEARCH_SLOWLY,
        DELETE_WORDS,
        THEIRS,
        ERASE_WHOLE,
        ERASE_PREVIEW,
        ERASE_WORDS,
        ERASE_ANSWERS,
        CHANGE,
        READ,
        JOIN_AGAIN,
        LEAVE,
        VERSION,
        REOPEN,
        ADVANCE,
        ADVANCE_SILENTLY,
        FILL,
        REWORD,
        STATE,
        GAP,
    ];
}

impl<D: Driver> Store for Database<D> {
    async fn by_direct_keys(&self, tenant: &str, keys: &[String]) -> Result<Vec<Option<Conversation>>, Error> {
        let rows = self.execute(statements::BY_ANSWERS, vec![tenant.into(), sql::list(keys)?]).await?;
        let mut found: Vec<Option<Conversation>> = keys.iter().map(|_| None).collect();
        for mut row in rows {
            let index: usize = row.take()?;
            if let Some(slot) = found.get_mut(index) {
                *slot = Some(conversation(row)?);
            }
        }
        Ok(found)
    }

    async fn open_direct(
        &self,
        context: &Context,
        new: &[NewConversation],
        now: Micros,
    ) -> Result<Vec<Conversation>, Error> {
        let work = async |transaction: &D::Connection| -> Result<_, SqlError> {
            let mut opened = Vec::with_capacity(new.len());
            for new in new {
                opened.push(opening::open(transaction, context, new, now).await?.conversation);
            }
            Ok(opened)
        };
        Ok(self.transaction(work).await?)
    }

    async fn create(
        &self,
        context: &Context,
        new: &NewConversation,
        now: Micros,
        once: Option<&Once<'_, Created>>,
    ) -> Result<Done<Created>, Error> {
        let work = async |transaction: &D::Connection| -> Result<Created, Error> {
            let mut created = opening::open(transaction, context, new, now).await?;
            opening::reopen(transaction, context, &mut created.conversation, now).await?;
            Ok(created)
        };
        idempotency::once(self, once, now, work).await
    }

    async fn get(&self, tenant: &str, id: &str) -> Result<Option<Conversation>, Error> {
        let rows = self.execute(statements::BY_ID, vec![tenant.into(), id.into()]).await?;
        Ok(rows.into_iter().next().map(conversation).transpose()?)
    }

    async fn get_many(&self, tenant: &str, ids: &[String]) -> Result<Vec<Conversation>, Error> {
        Ok(sql::many(self.execute(statements::BY_IDS, vec![tenant.into(), sql::list(ids)?]).await?, conversation)?)
    }

    async fn list(&self, tenant: &str, filter: &Filter, from: &Keyset, limit: u32) -> Result<Vec<Conversation>, Error> {
        finding::list(self, tenant, filter, from, limit).await
    }

    async fn touch(&self, context: &Context, runs: &[Run], now: Micros) -> Result<bool, Error> {
        // One run that follows the last message, which is nearly every call, is one statement without a transaction.
        if let [run] = runs {
            let advanced = self.single(async |c: &D::Connection| touching::advance(c, &context.tenant, run, now).await);
            if advanced.await? {
                return Ok(true);
            }
        }
        let work = async |transaction: &D::Connection| -> Result<bool, SqlError> {
            let mut all_known = true;
            for run in runs {
                all_known &= touching::touch(transaction, context, run, now).await?;
            }
            Ok(all_known)
        };
        Ok(self.transaction(work).await?)
    }

    async fn reword(&self, tenant: &str, rewording: &Rewording, now: Micros) -> Result<(), Error> {
        let reword = async |c: &D::Connection| touching::reword(c, tenant, rewording, now).await;
        Ok(self.single(reword).await?)
    }

    async fn update(&self, context: &Context, id: &str, changes: &Changes, now: Micros) -> Result<Conversation, Error> {
        let work = async |transaction: &D::Connection| changing::change(transaction, context, id, changes, now).await;
        self.transaction(work).await
    }

    async fn mark_read(&self, context: &Context, reading: &Reading, now: Micros) -> Result<Conversation, Error> {
        let work = async |transaction: &D::Connection| changing::read(transaction, context, reading, now).await;
        self.transaction(work).await
    }

    async fn route_answers(
        &self,
        context: &Context,
        conversation: &Conversation,
        direct: &NewConversation,
        now: Micros,
    ) -> Result<(), Error> {
        let tenant = context.tenant.as_str();
        let read = async |c: &D::Connection| answering::is_routed(c, tenant, conversation, direct).await;
        if self.single(read).await? {
            return Ok(());
        }
        let work = async |t: &D::Connection| answering::route(t, context, conversation, direct, now).await;
        self.transaction(work).await
    }

    async fn join(
        &self,
        context: &Context,
        id: &str,
        new: &NewParticipant,
        now: Micros,
        once: Option<&Once<'_, Joined>>,
    ) -> Result<Done<Joined>, Error> {
        let work = async |transaction: &D::Connection| joining::join(transaction, context, id, new, now).await;
        idempotency::once(self, once, now, work).await
    }

    async fn erase(&self, event: &Incoming, history: History, now: Micros) -> Result<(), Error> {
        let context = Context { tenant: event.tenant().to_owned(), ..Context::default() };
        let work = async |t: &D::Connection| erasing::erase(t, &context, event.subject(), history, now).await;
        Ok(event::consume_once(self, event, now, work).await.map(|_| ())?)
    }

    async fn leave(&self, context: &Context, id: &str, participant_id: &str, now: Micros) -> Result<(), Error> {
        let work =
            async |transaction: &D::Connection| joining::leave(transaction, context, id, participant_id, now).await;
        self.transaction(work).await
    }
}

/// The conversation, seen from within a transaction.
async fn by_id(db: &impl Execute, tenant: &str, id: &str) -> Result<Conversation, Error> {
    let rows = db.execute(statements::BY_ID, vec![tenant.into(), id.into()]).await?;
    sql::one(rows, conversation)?.ok_or(Error::NotFound)
}

fn conversation(mut row: Row) -> Result<Conversation, SqlError> {
    Ok(Conversation {
        id: row.take()?,
        kind: row.word(Kind::parse)?,
        status: row.word(Status::parse)?,
        channel: row.take()?,
        channel_account_id: row.take()?,
        subject: row.take()?,
        metadata: row.take()?,
        last_seq: row.take()?,
        last_message_at: row.take()?,
        last_message_preview: row.take()?,
        unread_count: row.take()?,
        created_at: row.take()?,
        updated_at: row.take()?,
        participants: participants(&row.take::<String>()?)?,
    })
}

fn participants(json: &str) -> Result<Vec<Participant>, SqlError> {
    type Told = (String, String, String, Micros, Option<Micros>);
    let told: Vec<Told> = serde_json::from_str(json).map_err(|e| SqlError::Row(format!("participants: {e}")))?;
    let participant = |(id, customer_id, role, joined_at, left_at): Told| {
        let role = Role::parse(&role).ok_or_else(|| SqlError::Row(format!("unknown role `{role}`")))?;
        Ok(Participant { id, customer_id, role, joined_at, left_at })
    };
    told.into_iter().map(participant).collect()
}

/// The conversation with this direct key, seen from within a transaction.
async fn by_direct_key(db: &impl Execute, tenant: &str, key: &str) -> Result<Option<Conversation>, SqlError> {
    let rows = db.execute(statements::BY_DIRECT_KEYS, vec![tenant.into(), sql::list(&[key])?]).await?;
    let Some(mut row) = rows.into_iter().next() else { return Ok(None) };
    row.take::<usize>()?;
    conversation(row).map(Some)
}
