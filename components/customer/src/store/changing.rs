//! Changes and deletion by the API: what is written, its event, and the version that it was meant for, in one transaction.

use sdk::{
    Context, Micros, etag, outbox,
    sql::{self, Execute, SqlError, Value},
};
use serde_json::json;

use super::{customer, erasing, matching::statements::DELETE_KEYS, statements::BY_ID, texts};
use crate::{
    domain::{Changes, Customer, Deletion, Error, changed},
    events,
};

pub mod statements {
    pub const UPDATE: &str =
        "UPDATE customers SET name = ?3, metadata = ?4, updated_at = ?5 WHERE tenant_id = ?1 AND id = ?2";
    pub const DELETE: &str = "DELETE FROM customers WHERE tenant_id = ?1 AND id = ?2";
    pub const DELETE_IDENTITIES: &str = "DELETE FROM identities WHERE tenant_id = ?1 AND customer_id = ?2";
    /// What was not told yet, and what nobody took: the partition key is the customer's id.
    pub const FORGET_EVENTS: [&str; 2] = [
        "DELETE FROM outbox WHERE tenant_id = ?1 AND partition_key = ?2",
        "DELETE FROM outbox_refused WHERE tenant_id = ?1 AND json_extract(event, '$.subject') = ?2",
    ];
    /// What a repeated request would be told of it. The keys of one tenant's last day are looked through.
    pub const FORGET_ANSWERS: &str = "UPDATE idempotency_keys SET body = ?3 WHERE tenant_id = ?1 \
         AND CASE WHEN json_valid(body) THEN json_extract(body, '$.id') END = ?2";
}

pub(super) async fn update(
    db: &impl Execute,
    context: &Context,
    id: &str,
    changes: &Changes,
    now: Micros,
) -> Result<Customer, Error> {
    let before = get(db, context, id).await?;
    let Some(after) = changed(&before, changes, now)? else { return Ok(before) };
    let name = after.name.as_deref();
    let parameters = vec![
        context.tenant.as_str().into(),
        id.into(),
        name.into(),
        after.metadata.as_str().into(),
        after.updated_at.into(),
    ];
    db.execute(statements::UPDATE, parameters).await?;
    if after.name != before.name {
        texts::refresh(db, &context.tenant, id).await?;
    }
    outbox::append_all(db, &[events::updated(context, &after, now)]).await?;
    Ok(after)
}

/// What others keep of the person, they remove when the event reaches them; what each did is reported.
pub(super) async fn delete(
    db: &impl Execute,
    context: &Context,
    deletion: &Deletion<'_>,
    now: Micros,
) -> Result<(), Error> {
    let Deletion { id, version, history } = *deletion;
    etag::check(version, get(db, context, id).await?.updated_at)?;
    let tenant = context.tenant.as_str();
    let forgotten = json!({ "id": id, "deleted": true }).to_string();
    let mut removed = Vec::new();
    for (what, statement, answer) in [
        ("identities", statements::DELETE_IDENTITIES, None),
        ("keys", DELETE_KEYS, None),
        ("customers", statements::DELETE, None),
        ("answers", statements::FORGET_ANSWERS, Some(forgotten)),
    ] {
        let parameters = [tenant.into(), id.into()].into_iter().chain(answer.map(Value::Text)).collect();
        let rows = db.execute(&format!("{statement} RETURNING 1"), parameters).await?;
        removed.push((what, rows.len()));
    }
    for statement in statements::FORGET_EVENTS {
        db.execute(statement, vec![tenant.into(), id.into()]).await?;
    }
    erasing::begin(db, tenant, id, &removed, now).await?;
    Ok(outbox::append_all(db, &[events::deleted(context, id, history, now)]).await?)
}

async fn get(db: &impl Execute, context: &Context, id: &str) -> Result<Customer, Error> {
    let rows = db.execute(BY_ID, vec![context.tenant.as_str().into(), id.into()]).await?;
    let found: Result<_, SqlError> = sql::one(rows, customer);
    found?.ok_or(Error::NotFound)
}
