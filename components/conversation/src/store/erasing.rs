//! Forgetting a customer in SQL: what a conversation shows or says of the person goes; that there was one stays.

use sdk::{
    Context, Event, Micros, outbox,
    sql::{self, Execute, Row, SqlError, Value},
};
use serde_json::json;

use crate::{
    domain::{History, Kind},
    events,
};

/// Conversations that one event names.
const PER_EVENT: usize = 500;
/// What takes the place of an answer that would say something of the person.
const FORGOTTEN: &str = r#"{"erased":true}"#;

pub mod statements {
    pub const THEIRS: &str = "SELECT c.id, c.kind, (SELECT count(*) FROM participants o \
         WHERE o.tenant_id = ?1 AND o.conversation_id = c.id) FROM participants p CROSS JOIN conversations c \
         ON c.tenant_id = ?1 AND c.id = p.conversation_id WHERE p.tenant_id = ?1 AND p.customer_id = ?2";
    /// With nobody else in it, all was said to or by the person.
    pub const ERASE_WHOLE: &str = "UPDATE conversations SET subject = NULL, metadata = '{}', last_message_preview = NULL, \
         updated_at = max(updated_at + 1, ?3) WHERE tenant_id = ?1 AND id IN (SELECT value FROM json_each(?2)) RETURNING 1";
    /// Elsewhere nothing here tells whose words the preview has.
    pub const ERASE_PREVIEW: &str = "UPDATE conversations SET last_message_preview = NULL, \
         updated_at = max(updated_at + 1, ?3) WHERE tenant_id = ?1 AND id IN (SELECT value FROM json_each(?2)) RETURNING 1";
    pub const ERASE_WORDS: &str = "DELETE FROM conversation_texts WHERE tenant_id = ?1 \
         AND conversation_id IN (SELECT value FROM json_each(?2)) RETURNING 1";
    pub const ERASE_ANSWERS: &str = "UPDATE idempotency_keys SET body = ?3 WHERE tenant_id = ?1 \
         AND CASE WHEN json_valid(body) THEN json_extract(body, '$.id') END IN (SELECT value FROM json_each(?2)) RETURNING 1";
    pub const ERASE_EVENTS: [&str; 2] = [
        "DELETE FROM outbox WHERE tenant_id = ?1 AND partition_key IN (SELECT value FROM json_each(?2))",
        "DELETE FROM outbox_refused WHERE tenant_id = ?1 AND json_extract(event, '$.subject') IN (SELECT value FROM json_each(?2))",
    ];
}

/// A conversation of the person.
struct Theirs {
    id: String,
    is_direct: bool,
    /// Nobody else but the business takes part.
    is_alone: bool,
}

impl Theirs {
    fn is_whole(&self) -> bool {
        self.is_direct && self.is_alone
    }
}

/// In a transaction. What was removed is published with the conversations, because messaging does not know whose they are.
pub(super) async fn erase(
    db: &impl Execute,
    context: &Context,
    customer_id: &str,
    history: History,
    now: Micros,
) -> Result<(), SqlError> {
    let tenant = context.tenant.as_str();
    let rows = db.execute(statements::THEIRS, vec![tenant.into(), customer_id.into()]).await?;
    let theirs = sql::many(rows, found)?;
    let removed = match history {
        History::Keep => json!({}),
        History::Erase => erase_shown(db, tenant, &theirs, now).await?,
    };
    let erased = Erased { customer_id, history, removed };
    outbox::append_all(db, &told(context, &erased, &theirs, now)).await
}

/// What was said, as far as it is shown here, and what is noted of the person.
async fn erase_shown(
    db: &impl Execute,
    tenant: &str,
    theirs: &[Theirs],
    now: Micros,
) -> Result<serde_json::Value, SqlError> {
    let ids = |whole: bool| theirs.iter().filter(|c| c.is_whole() == whole).map(|c| c.id.as_str()).collect::<Vec<_>>();
    let (whole, others) = (sql::list(&ids(true))?, sql::list(&ids(false))?);
    let erased = async |statement: &str, ids: &Value, more: Option<Value>| -> Result<usize, SqlError> {
        let parameters = [tenant.into(), ids.clone()].into_iter().chain(more).collect();
        Ok(db.execute(statement, parameters).await?.len())
    };
    let previews = erased(statements::ERASE_PREVIEW, &others, Some(now.into())).await?;
    let conversations = erased(statements::ERASE_WHOLE, &whole, Some(now.into())).await?;
    let subjects = erased(statements::ERASE_WORDS, &whole, None).await?;
    let answers = erased(statements::ERASE_ANSWERS, &whole, Some(FORGOTTEN.into())).await?;
    for statement in statements::ERASE_EVENTS {
        erased(statement, &whole, None).await?;
    }
    Ok(json!({ "previews": previews + conversations, "subjects": subjects, "answers": answers }))
}

/// What is to be told of a customer who is forgotten.
struct Erased<'a> {
    customer_id: &'a str,
    history: History,
    removed: serde_json::Value,
}

fn found(mut row: Row) -> Result<Theirs, SqlError> {
    let (id, kind) = (row.take()?, row.word(Kind::parse)?);
    Ok(Theirs { id, is_direct: kind == Kind::Direct, is_alone: row.take::<u64>()? < 2 })
}

/// One event at least; the last one says that this is all.
fn told(context: &Context, erased: &Erased<'_>, theirs: &[Theirs], now: Micros) -> Vec<Event> {
    let nothing: [&[Theirs]; 1] = [&[]];
    let parts: Vec<&[Theirs]> = if theirs.is_empty() { nothing.to_vec() } else { theirs.chunks(PER_EVENT).collect() };
    let last = parts.len() - 1;
    let part = |(at, part): (usize, &&[Theirs])| {
        let conversations: Vec<_> = part.iter().map(|c| json!({ "id": c.id, "direct": c.is_direct })).collect();
        let removed = if at == last { erased.removed.clone() } else { json!({}) };
        let data = json!({
            "customer_id": erased.customer_id,
            "service": "conversation",
            "messages": erased.history.as_str(),
            "removed": removed,
            "done": at == last,
            "conversations": conversations,
        });
        events::erased(context, erased.customer_id, &data, now)
    };
    parts.iter().enumerate().map(part).collect()
}
