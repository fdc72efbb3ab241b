//! Messages in SQL: reads and lists. Writing is in `store/`.

mod answering;
mod changing;
mod delivering;
pub mod erased;
mod erasing;
mod indexing;
mod inserting;
mod listing;
mod past;
mod recording;
mod searching;

use sdk::{
    Context, Micros,
    event::{self, Incoming},
    idempotency::{self, Done, Once},
    outbox,
    pagination::Keyset,
    search::Words,
    sql::{self, Database, Driver, Migration, Row, SqlError},
};

use crate::{
    answering::{Party, Recent},
    delivery::Delivery,
    domain::{Changes, Direction, Error, Inserted, Message, NewMessage, Position, Status, Store},
    erasure::Erasure,
    finding::Filter,
    history::{Reported, Version},
    media::MediaChange,
    reading::Place,
    receipts::{Outcome, Receipt},
};

pub const MIGRATIONS: &[Migration] = &[
    Migration::new(1, include_str!("../migrations/0001_messages.sql")),
    Migration::new(2, idempotency::MIGRATION),
    Migration::new(3, outbox::MIGRATION),
    Migration::new(4, include_str!("../migrations/0004_messages_with_events.sql")),
    Migration::new(5, include_str!("../migrations/0005_receipts_of_messages.sql")),
    Migration::new(6, outbox::RELAY_MIGRATION),
    Migration::new(7, include_str!("../migrations/0007_inbound_messages.sql")),
    Migration::new(8, include_str!("../migrations/0008_message_search.sql")).needing("fts5"),
    Migration::new(9, include_str!("../migrations/0009_heard_from.sql")),
    Migration::new(10, include_str!("../migrations/0010_message_words.sql")).needing("fts5"),
    Migration::new(11, include_str!("../migrations/0011_lists_of_messages.sql")),
    Migration::new(12, event::CONSUMED_MIGRATION),
];

macro_rules! columns {
    () => {
        "id, conversation_id, seq, sender_customer_id, direction, body, content_type, media_id, channel, \
         channel_account_id, external_message_id, client_ref, status, sent_at, metadata, created_at, updated_at"
    };
}
use columns;

/// The statements whose plan a test reads.
pub mod statements {
    pub use super::{
        answering::statements::*, changing::statements::*, delivering::statements::*, erasing::statements::*,
        indexing::statements::*, inserting::statements::*, listing::statements::*, past::statements::*,
        recording::statements::*, searching::statements::*,
    };

    pub const BY_ID: &str = concat!("SELECT ", columns!(), " FROM messages WHERE tenant_id = ?1 AND id = ?2");
    pub const BY_IDS: &str = concat!(
        "SELECT ",
        columns!(),
        " FROM messages WHERE tenant_id = ?1 AND id IN (SELECT value FROM json_each(?2))"
    );
    pub const PAGE_BEFORE: &str = concat!(
        "SELECT ",
        columns!(),
        " FROM messages WHERE tenant_id = ?1 AND conversation_id = ?2 AND seq < ?3 ORDER BY seq DESC LIMIT ?4"
    );
    pub const PAGE_AFTER: &str = concat!(
        "SELECT ",
        columns!(),
        " FROM messages WHERE tenant_id = ?1 AND conversation_id = ?2 AND seq > ?3 ORDER BY seq LIMIT ?4"
    );
    /// Messages are numbered from 1 and never deleted: the highest number is how many there are, without counting.
    pub const TOTAL: &str = "SELECT coalesce(max(seq), 0) FROM messages WHERE tenant_id = ?1 AND conversation_id = ?2";

    pub const ALL: &[&str] = &[
        BY_ID,
        BY_IDS,
        PAGE_BEFORE,
        PAGE_AFTER,
        TOTAL,
        BY_EXTERNAL_ID,
        BY_CLIENT_REF,
        INSERT,
        RECEIPTS,
        PROGRESS,
        IS_KNOWN,
        CHANGE,
        DELIVERED,
        EXTERNAL_ID_OF,
        LAST_HEARD,
        RECENT,
        ADOPT,
        REQUEUE,
        SET_MEDIA,
        VERSIONS,
        REPORTED,
        REPORTED_BEFORE,
        PLACE,
        WROTE_FOR_US,
        TO_ERASE,
        ERASE,
        ERASE_VERSIONS,
        ERASE_RECEIPTS,
        ERASE_NAMED_RECEIPTS,
        ERASE_ANSWERS,
        PENDING,
        INDEX_MORE,
        UNSPACED,
        INDEXED,
        EDIT_INDEXED,
        SEARCH_DOWN,
        SEARCH_UP,
        BY_ROWS,
        SEARCH_SLOWLY_DOWN,
        SEARCH_SLOWLY_UP,
        ALL_DOWN,
        ALL_UP,
        UNSETTLED_DOWN,
        UNSETTLED_UP,
        OF_CONVERSATION_DOWN,
        OF_CONVERSATION_UP,
    ];
}

impl<D: Driver> Store for Database<D> {
    async fn insert(&self, context: &Context, new: &[NewMessage], now: Micros) -> Result<Vec<Inserted>, Error> {
        let work = async |c: &D::Connection| inserting::insert(c, context, new, now).await;
        let is_alone = matches!(new, [only] if inserting::is_one_statement(only));
        Ok(if is_alone { self.single(work).await? } else { self.transaction(work).await? })
    }

    async fn insert_once(
        &self,
        context: &Context,
        new: &NewMessage,
        now: Micros,
        once: Option<&Once<'_, Inserted>>,
    ) -> Result<Done<Inserted>, Error> {
        let work = async |c: &D::Connection| -> Result<Inserted, Error> {
            Ok(inserting::insert_one(c, context, new, now).await?)
        };
        match inserting::is_one_statement(new) {
            true => idempotency::once_statement(self, once, now, work).await,
            false => idempotency::once(self, once, now, work).await,
        }
    }

    async fn record(&self, context: &Context, receipts: &[Receipt], now: Micros) -> Result<Vec<Outcome>, Error> {
        let work = async |t: &D::Connection| recording::record(t, context, receipts, now).await;
        Ok(self.transaction(work).await?)
    }

    async fn get(&self, tenant: &str, id: &str) -> Result<Option<Message>, Error> {
        let rows = self.execute(statements::BY_ID, vec![tenant.into(), id.into()]).await?;
        Ok(sql::one(rows, message)?)
    }

    async fn get_many(&self, tenant: &str, ids: &[String]) -> Result<Vec<Message>, Error> {
        let rows = self.execute(statements::BY_IDS, vec![tenant.into(), sql::list(ids)?]).await?;
        Ok(sql::many(rows, message)?)
    }

    async fn update(&self, context: &Context, id: &str, changes: &Changes, now: Micros) -> Result<Message, Error> {
        let work = async |t: &D::Connection| changing::change(t, context, id, changes, now).await;
        self.transaction(work).await
    }

    async fn deliver(&self, context: &Context, delivery: &Delivery, now: Micros) -> Result<Message, Error> {
        let work = async |t: &D::Connection| delivering::deliver(t, context, delivery, now).await;
        self.transaction(work).await
    }

    async fn retry(
        &self,
        context: &Context,
        id: &str,
        now: Micros,
        once: Option<&Once<'_, Message>>,
    ) -> Result<Done<Message>, Error> {
        let work = async |t: &D::Connection| changing::requeue(t, context, id, now).await;
        idempotency::once(self, once, now, work).await
    }

    async fn last_heard(&self, tenant: &str, parties: &[&Party]) -> Result<Vec<Option<Micros>>, Error> {
        Ok(self.single(async |c: &D::Connection| answering::last_heard(c, tenant, parties).await).await?)
    }

    async fn recent(
        &self,
        tenant: &str,
        conversation_id: &str,
        account: &str,
        limit: u32,
    ) -> Result<Vec<Recent>, Error> {
        let parameters = vec![tenant.into(), conversation_id.into(), account.into(), limit.into()];
        Ok(sql::many(self.execute(statements::RECENT, parameters).await?, answering::recent)?)
    }

    async fn list(
        &self,
        tenant: &str,
        conversation_id: &str,
        from: Position,
        limit: u32,
    ) -> Result<(Vec<Message>, u64), Error> {
        let (sql, seq) = match from {
            Position::Before(seq) => (statements::PAGE_BEFORE, seq),
            Position::After(seq) => (statements::PAGE_AFTER, seq),
        };
        let parameters = vec![tenant.into(), conversation_id.into(), seq.into(), limit.into()];
        let messages = sql::many(self.execute(sql, parameters).await?, message)?;
        let parameters = vec![tenant.into(), conversation_id.into()];
        let rows = self.execute(statements::TOTAL, parameters).await?;
        let total = rows.into_iter().next().map_or(Ok(0), |mut row| row.take())?;
        Ok((messages, total))
    }

    async fn set_media(&self, context: &Context, change: &MediaChange, now: Micros) -> Result<Message, Error> {
        let work = async |t: &D::Connection| changing::set_media(t, context, change, now).await;
        self.transaction(work).await
    }

    async fn list_all(&self, tenant: &str, filter: &Filter, from: &Keyset, limit: u32) -> Result<Vec<Message>, Error> {
        listing::list(self, tenant, filter, from, limit).await
    }

    async fn search(
        &self,
        tenant: &str,
        words: &Words,
        filter: &Filter,
        from: Option<&str>,
        limit: u32,
    ) -> Result<Vec<(String, Message)>, Error> {
        searching::search(self, tenant, words, filter, from, limit).await
    }

    async fn search_conversations(&self, tenant: &str, words: &Words, limit: u32) -> Result<Vec<String>, Error> {
        searching::conversations(self, tenant, words, limit).await
    }

    async fn index_more(&self) -> Result<(), Error> {
        indexing::catch_up(self, indexing::BATCHES).await.map(|_| ())
    }

    async fn versions(&self, tenant: &str, id: &str, before: u64, limit: u32) -> Result<Vec<Version>, Error> {
        let parameters = vec![tenant.into(), id.into(), before.into(), limit.into()];
        Ok(sql::many(self.execute(statements::VERSIONS, parameters).await?, past::version)?)
    }

    async fn reported(&self, tenant: &str, message: &Message) -> Result<Vec<Reported>, Error> {
        let account = message.channel_account_id.as_deref().unwrap_or_default();
        let external_id = message.external_message_id.as_deref().unwrap_or_default();
        let now = vec![tenant.into(), account.into(), external_id.into()];
        let before = vec![tenant.into(), (&message.id).into(), account.into(), external_id.into()];
        let mut rows = self.execute(statements::REPORTED, now).await?;
        rows.extend(self.execute(statements::REPORTED_BEFORE, before).await?);
        Ok(sql::many(rows, past::reported)?)
    }

    async fn erase(&self, event: &Incoming, erasure: &Erasure, now: Micros) -> Result<bool, Error> {
        erasing::erase(self, event, erasure, now).await
    }

    async fn place_of(&self, tenant: &str, id: &str) -> Result<Option<Place>, Error> {
        Ok(sql::one(self.execute(statements::PLACE, vec![tenant.into(), id.into()]).await?, past::place)?)
    }
}

fn message(mut row: Row) -> Result<Message, SqlError> {
    Ok(Message {
        id: row.take()?,
        conversation_id: row.take()?,
        seq: row.take()?,
        sender_customer_id: row.take()?,
        direction: row.word(Direction::parse)?,
        body: row.take()?,
        content_type: row.take()?,
        media_id: row.take()?,
        channel: row.take()?,
        channel_account_id: row.take()?,
        external_message_id: row.take()?,
        client_ref: row.take()?,
        status: row.word(Status::parse)?,
        sent_at: row.take()?,
        metadata: row.take()?,
        created_at: row.take()?,
        updated_at: row.take()?,
    })
}
