//! Forgetting a customer in SQL: batches, each with the events that tell of it in its own transaction, so that the work goes on where it
//! broke off and each message counts once.

use sdk::{
    Context, Micros,
    event::{Incoming, consume_once},
    outbox,
    sql::{self, Database, Driver, Execute, Row, SqlError, Value},
};
use serde_json::json;

use crate::{
    domain::Error,
    erasure::{Erasure, Place},
    events,
};

/// Some milliseconds of the database's only writer.
const BATCH: i64 = 200;
/// 100,000 messages: what one delivery of the event does. The next one goes on.
const BATCHES: u32 = 500;
/// What takes the place of an answer that would say what was said.
const FORGOTTEN: &str = r#"{"erased":true}"#;

pub mod statements {
    /// Whether the person wrote for us there.
    pub const WROTE_FOR_US: &str = "SELECT 1 FROM messages WHERE tenant_id = ?1 AND conversation_id = ?2 AND direction = 'outbound' \
         AND sender_customer_id = ?3 LIMIT 1";
    /// Those that are not erased yet; `?3`: only of this sender.
    pub const TO_ERASE: &str = "SELECT id, media_id, coalesce(channel_account_id, ''), external_message_id FROM messages \
         WHERE tenant_id = ?1 AND conversation_id = ?2 AND (?3 IS NULL OR sender_customer_id = ?3) \
         AND metadata <> '{\"erased\":true}' ORDER BY seq LIMIT ?4";
    /// `?4`: the words, too. What waits to be sent never will be.
    pub const ERASE: &str = "UPDATE messages SET body = CASE WHEN ?4 THEN NULL ELSE body END, media_id = NULL, external_message_id = NULL, client_ref = NULL, \
         metadata = '{\"erased\":true}', status = CASE WHEN status = 'queued' THEN 'failed' ELSE status END, \
         updated_at = max(updated_at + 1, ?3) WHERE tenant_id = ?1 AND id IN (SELECT value FROM json_each(?2)) RETURNING 1";
    pub const ERASE_VERSIONS: &str = "DELETE FROM message_history WHERE tenant_id = ?1 AND message_id IN (SELECT value FROM json_each(?2)) RETURNING 1";
    /// `?2`: pairs of account and the provider's id.
    pub const ERASE_RECEIPTS: &str = "DELETE FROM receipts WHERE (tenant_id, channel_account_id, external_message_id) IN \
         (SELECT ?1, json_extract(value, '$[0]'), json_extract(value, '$[1]') FROM json_each(?2)) RETURNING 1";
    pub const ERASE_NAMED_RECEIPTS: &str =
        "DELETE FROM receipts WHERE tenant_id = ?1 AND message_id IN (SELECT value FROM json_each(?2)) RETURNING 1";
    pub const ERASE_EVENTS: &str = "DELETE FROM outbox WHERE tenant_id = ?1 \
         AND json_extract(event, '$.subject') IN (SELECT value FROM json_each(?2))";
    pub const ERASE_REFUSED: &str = "DELETE FROM outbox_refused WHERE tenant_id = ?1 \
         AND json_extract(event, '$.subject') IN (SELECT value FROM json_each(?2))";
    pub const ERASE_ANSWERS: &str = "UPDATE idempotency_keys SET body = ?3 WHERE tenant_id = ?1 \
         AND CASE WHEN json_valid(body) THEN json_extract(body, '$.id') END IN (SELECT value FROM json_each(?2)) RETURNING 1";
}

/// A message that is about to be erased.
struct Found {
    id: String,
    media_id: Option<String>,
    account: String,
    external_id: Option<String>,
}

/// False when there is more than one turn can do.
pub(super) async fn erase<D: Driver>(
    database: &Database<D>,
    event: &Incoming,
    erasure: &Erasure,
    now: Micros,
) -> Result<bool, Error> {
    let context = Context { tenant: event.tenant().to_owned(), ..Context::default() };
    let mut turns = BATCHES;
    for place in &erasure.conversations {
        loop {
            let work = async |t: &D::Connection| batch(t, &context, erasure, place, now).await;
            if !database.transaction(work).await.map_err(Error::from)? {
                break;
            }
            turns -= 1;
            if turns == 0 {
                return Ok(false);
            }
        }
    }
    let report = report(&erasure.customer_id, &json!({}), erasure.is_last);
    let done = [events::erased(&context, &erasure.customer_id, &report, now)];
    let work = async |t: &D::Connection| outbox::append_all(t, &done).await;
    consume_once(database, event, now, work).await?;
    Ok(true)
}

/// Whether there was any.
async fn batch(
    db: &impl Execute,
    context: &Context,
    erasure: &Erasure,
    place: &Place,
    now: Micros,
) -> Result<bool, SqlError> {
    let (tenant, customer_id) = (context.tenant.as_str(), erasure.customer_id.as_str());
    let asked = vec![tenant.into(), (&place.id).into(), customer_id.into()];
    let is_whole = place.direct && db.execute(statements::WROTE_FOR_US, asked).await?.is_empty();
    let sender = (!is_whole).then_some(customer_id);
    let parameters = vec![tenant.into(), (&place.id).into(), sender.into(), BATCH.into()];
    let messages = sql::many(db.execute(statements::TO_ERASE, parameters).await?, found)?;
    if messages.is_empty() {
        return Ok(false);
    }
    let removed = erase_all(db, tenant, &messages, erasure.with_words, now).await?;
    let told = [
        events::messages_erased(context, &place.id, &erased(customer_id, place, &messages), now),
        events::erased(context, customer_id, &report(customer_id, &removed, false), now),
    ];
    outbox::append_all(db, &told).await?;
    Ok(true)
}

async fn erase_all(
    db: &impl Execute,
    tenant: &str,
    messages: &[Found],
    with_words: bool,
    now: Micros,
) -> Result<serde_json::Value, SqlError> {
    let ids = sql::list(&messages.iter().map(|m| m.id.as_str()).collect::<Vec<_>>())?;
    let known = messages.iter().filter_map(|m| Some([m.account.as_str(), m.external_id.as_deref()?]));
    let known = sql::list(&known.collect::<Vec<_>>())?;
    let run = async |statement: &str, list: &Value, more: Vec<Value>| -> Result<usize, SqlError> {
        let parameters = [tenant.into(), list.clone()].into_iter().chain(more).collect();
        Ok(db.execute(statement, parameters).await?.len())
    };
    let receipts = run(statements::ERASE_RECEIPTS, &known, Vec::new()).await?;
    let named = run(statements::ERASE_NAMED_RECEIPTS, &ids, Vec::new()).await?;
    let versions = if with_words { run(statements::ERASE_VERSIONS, &ids, Vec::new()).await? } else { 0 };
    let answers = run(statements::ERASE_ANSWERS, &ids, vec![FORGOTTEN.into()]).await?;
    run(statements::ERASE_EVENTS, &ids, Vec::new()).await?;
    run(statements::ERASE_REFUSED, &ids, Vec::new()).await?;
    let erased = run(statements::ERASE, &ids, vec![now.into(), i64::from(with_words).into()]).await?;
    Ok(json!({ "messages": erased, "receipts": receipts + named, "versions": versions, "answers": answers }))
}

fn found(mut row: Row) -> Result<Found, SqlError> {
    Ok(Found { id: row.take()?, media_id: row.take()?, account: row.take()?, external_id: row.take()? })
}

fn report(customer_id: &str, removed: &serde_json::Value, done: bool) -> serde_json::Value {
    json!({ "customer_id": customer_id, "service": "messaging", "removed": removed, "done": done })
}

/// By what others know these messages.
fn erased(customer_id: &str, place: &Place, messages: &[Found]) -> serde_json::Value {
    let message = |m: &Found| json!({ "id": m.id, "media_id": m.media_id, "channel_account_id": m.account, "external_message_id": m.external_id });
    let messages: Vec<_> = messages.iter().map(message).collect();
    json!({ "customer_id": customer_id, "conversation_id": place.id, "messages": messages })
}
