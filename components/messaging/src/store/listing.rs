//! Lists of messages without words to look for: of all, of those that are not settled, and of one conversation; each along an index.

use sdk::{
    pagination::Keyset,
    period::Order,
    sql::{self, Database, Driver, Value},
};

use super::{columns, message};
use crate::{
    domain::{Error, Message, Status},
    finding::Filter,
};

/// `?6` to `?9` are filters: the status, one that is left out, the sender and the conversation.
macro_rules! page {
    ($of:literal, $place:literal) => {
        concat!(
            "SELECT ",
            columns!(),
            " FROM messages WHERE tenant_id = ?1 ",
            $of,
            "AND (?6 IS NULL OR status = ?6) AND (?7 IS NULL OR status <> ?7) AND (?8 IS NULL OR sender_customer_id = ?8) \
             AND (?9 IS NULL OR conversation_id = ?9) ",
            $place,
            " LIMIT ?5"
        )
    };
}

macro_rules! down {
    ($of:literal) => {
        page!($of, "AND (created_at, id) < (?2, ?3) AND created_at >= ?4 ORDER BY created_at DESC, id DESC")
    };
}

macro_rules! up {
    ($of:literal) => {
        page!($of, "AND (created_at, id) > (?2, ?3) AND created_at < ?4 ORDER BY created_at, id")
    };
}

pub mod statements {
    use super::columns;

    pub const ALL_DOWN: &str = down!("");
    pub const ALL_UP: &str = up!("");
    pub const UNSETTLED_DOWN: &str = down!("AND status = ?6 AND status IN ('queued', 'unknown', 'failed') ");
    pub const UNSETTLED_UP: &str = up!("AND status = ?6 AND status IN ('queued', 'unknown', 'failed') ");
    /// `?2` is a place in the conversation, `?3` and `?4` are the period.
    pub const OF_CONVERSATION_DOWN: &str =
        page!("AND conversation_id = ?9 ", "AND seq < ?2 AND created_at >= ?3 AND created_at < ?4 ORDER BY seq DESC");
    pub const OF_CONVERSATION_UP: &str =
        page!("AND conversation_id = ?9 ", "AND seq > ?2 AND created_at >= ?3 AND created_at < ?4 ORDER BY seq");
}

/// `from`: the time and id of the last message of the page before; in one conversation its number and nothing.
pub(super) async fn list<D: Driver>(
    database: &Database<D>,
    tenant: &str,
    filter: &Filter,
    from: &Keyset,
    limit: u32,
) -> Result<Vec<Message>, Error> {
    let period = &filter.period;
    let (second, third): (Value, Value) = match (&filter.conversation_id, filter.order) {
        (Some(_), _) => (period.from.into(), period.to.into()),
        (None, Order::NewestFirst) => ((&from.id).into(), period.from.into()),
        (None, Order::OldestFirst) => ((&from.id).into(), period.to.into()),
    };
    let parameters = vec![
        tenant.into(),
        from.at.into(),
        second,
        third,
        limit.into(),
        filter.status.map(Status::as_str).into(),
        filter.without.map(Status::as_str).into(),
        filter.sender_customer_id.as_deref().into(),
        filter.conversation_id.as_deref().into(),
    ];
    Ok(sql::many(database.execute(statement(filter), parameters).await?, message)?)
}

fn statement(filter: &Filter) -> &'static str {
    let is_down = filter.order == Order::NewestFirst;
    match (&filter.conversation_id, filter.status) {
        (Some(_), _) if is_down => statements::OF_CONVERSATION_DOWN,
        (Some(_), _) => statements::OF_CONVERSATION_UP,
        (None, Some(_)) if is_down => statements::UNSETTLED_DOWN,
        (None, Some(_)) => statements::UNSETTLED_UP,
        (None, None) if is_down => statements::ALL_DOWN,
        (None, None) => statements::ALL_UP,
    }
}
