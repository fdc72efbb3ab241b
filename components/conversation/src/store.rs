//! Conversations in SQL: reads and lists. Writing is in `store/`.

mod opening;
mod touching;

use sdk::{
    Context, Micros,
    idempotency::{self, Done, Once},
    outbox,
    pagination::Keyset,
    sql::{self, Database, Driver, Execute, Migration, Row, SqlError},
};

use crate::{
    domain::{Conversation, Created, Error, Filter, Kind, NewConversation, Participant, Role, Status, Store},
    touch::Run,
};

pub const MIGRATIONS: &[Migration] = &[
    Migration::new(1, include_str!("../migrations/0001_conversations.sql")),
    Migration::new(2, idempotency::MIGRATION),
    Migration::new(3, outbox::MIGRATION),
    Migration::new(4, outbox::RELAY_MIGRATION),
];

/// A conversation with its participants is one row, so that a page is one statement.
macro_rules! conversation {
    () => {
        "c.id, c.kind, c.status, c.channel, c.channel_account_id, c.subject, c.metadata, c.last_seq, \
         c.last_message_at, c.last_message_preview, c.unread_count, c.created_at, c.updated_at, \
         (SELECT json_group_array(json_array(p.id, p.customer_id, p.role, p.joined_at, p.left_at)) \
         FROM participants p WHERE p.tenant_id = c.tenant_id AND p.conversation_id = c.id)"
    };
}

macro_rules! page {
    ($filter:literal) => {
        concat!(
            "SELECT ",
            conversation!(),
            " FROM conversations c WHERE c.tenant_id = ?1 ",
            $filter,
            "AND (c.activity_at, c.id) < (?2, ?3) ORDER BY c.activity_at DESC, c.id DESC LIMIT ?4"
        )
    };
}

/// The statements whose plan a test reads.
pub mod statements {
    pub use super::{opening::statements::*, touching::statements::*};

    pub const BY_ID: &str =
        concat!("SELECT ", conversation!(), " FROM conversations c WHERE c.tenant_id = ?1 AND c.id = ?2");
    pub const BY_IDS: &str = concat!(
        "SELECT ",
        conversation!(),
        " FROM json_each(?2) j CROSS JOIN conversations c ON c.tenant_id = ?1 AND c.id = j.value"
    );
    /// Answers the index in the list of keys, then the conversation.
    pub const BY_DIRECT_KEYS: &str = concat!(
        "SELECT j.key, ",
        conversation!(),
        " FROM json_each(?2) j CROSS JOIN conversations c ON c.tenant_id = ?1 AND c.direct_key = j.value"
    );
    pub const PAGE: &str = page!("");
    pub const PAGE_OF_STATUS: &str = page!("AND c.status = ?5 AND (?6 IS NULL OR c.channel = ?6) ");
    pub const PAGE_OF_CHANNEL: &str = page!("AND c.channel = ?5 ");
    /// A customer takes part in few conversations: their positions are read and sorted here, then one page of them is fetched.
    pub const POSITIONS_OF_CUSTOMER: &str = "SELECT c.activity_at, c.id FROM participants p \
         CROSS JOIN conversations c ON c.tenant_id = p.tenant_id AND c.id = p.conversation_id \
         WHERE p.tenant_id = ?1 AND p.customer_id = ?2 AND (c.activity_at, c.id) < (?3, ?4) \
         AND (?5 IS NULL OR c.status = ?5) AND (?6 IS NULL OR c.channel = ?6)";

    pub const ALL: &[&str] = &[
        BY_ID,
        BY_IDS,
        BY_DIRECT_KEYS,
        PAGE,
        PAGE_OF_STATUS,
        PAGE_OF_CHANNEL,
        POSITIONS_OF_CUSTOMER,
        REOPEN,
        ADVANCE,
        ADVANCE_SILENTLY,
        FILL,
        STATE,
        GAP,
    ];
}

impl<D: Driver> Store for Database<D> {
    async fn by_direct_keys(&self, tenant: &str, keys: &[String]) -> Result<Vec<Option<Conversation>>, Error> {
        let rows = self.execute(statements::BY_DIRECT_KEYS, vec![tenant.into(), sql::list(keys)?]).await?;
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
        if let Some(customer_id) = &filter.customer_id {
            return page_of_customer(self, tenant, filter, customer_id, from, limit).await;
        }
        let mut parameters = vec![tenant.into(), from.at.into(), (&from.id).into(), limit.into()];
        let channel = filter.channel.as_deref();
        let sql = match (filter.status, channel) {
            (Some(status), channel) => {
                parameters.extend([status.as_str().into(), channel.into()]);
                statements::PAGE_OF_STATUS
            }
            (None, Some(channel)) => {
                parameters.push(channel.into());
                statements::PAGE_OF_CHANNEL
            }
            (None, None) => statements::PAGE,
        };
        Ok(sql::many(self.execute(sql, parameters).await?, conversation)?)
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

async fn page_of_customer<D: Driver>(
    database: &Database<D>,
    tenant: &str,
    filter: &Filter,
    customer_id: &str,
    from: &Keyset,
    limit: u32,
) -> Result<Vec<Conversation>, Error> {
    let (status, channel) = (filter.status.map(Status::as_str), filter.channel.as_deref());
    let parameters =
        vec![tenant.into(), customer_id.into(), from.at.into(), (&from.id).into(), status.into(), channel.into()];
    let rows = database.execute(statements::POSITIONS_OF_CUSTOMER, parameters).await?;
    let position = |mut row: Row| -> Result<(Micros, String), SqlError> { Ok((row.take()?, row.take()?)) };
    let mut positions = rows.into_iter().map(position).collect::<Result<Vec<_>, _>>()?;
    positions.sort_unstable_by(|a, b| b.cmp(a));
    let page = positions.into_iter().take(usize::try_from(limit).unwrap_or(usize::MAX));
    let ids: Vec<String> = page.map(|(_, id)| id).collect();
    let mut conversations = database.get_many(tenant, &ids).await?;
    conversations.sort_by_key(|c| ids.iter().position(|id| *id == c.id));
    Ok(conversations)
}
