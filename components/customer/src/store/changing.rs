//! Changes and deletion by the API: what is written, its event, and the version that it was meant for, in one transaction.

use sdk::{
    Context, Micros, etag, outbox,
    sql::{self, Execute, SqlError},
};
use serde_json::json;

use super::{customer, statements::BY_ID};
use crate::{
    domain::{Changes, Customer, Error, changed},
    events,
};

pub mod statements {
    pub const UPDATE: &str =
        "UPDATE customers SET name = ?3, metadata = ?4, updated_at = ?5 WHERE tenant_id = ?1 AND id = ?2";
    pub const DELETE: &str = "DELETE FROM customers WHERE tenant_id = ?1 AND id = ?2";
    pub const DELETE_IDENTITIES: &str = "DELETE FROM identities WHERE tenant_id = ?1 AND customer_id = ?2";
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
    outbox::append_all(db, &[events::updated(context, &after, now)]).await?;
    Ok(after)
}

/// What others keep under its id (conversations, messages) stays, and nothing leads from there to a person any more.
pub(super) async fn delete(
    db: &impl Execute,
    context: &Context,
    id: &str,
    version: Option<Micros>,
    now: Micros,
) -> Result<(), Error> {
    etag::check(version, get(db, context, id).await?.updated_at)?;
    for statement in [statements::DELETE_IDENTITIES, statements::DELETE] {
        db.execute(statement, vec![context.tenant.as_str().into(), id.into()]).await?;
    }
    let forgotten = json!({ "id": id, "deleted": true }).to_string();
    db.execute(statements::FORGET_ANSWERS, vec![context.tenant.as_str().into(), id.into(), forgotten.into()]).await?;
    Ok(outbox::append_all(db, &[events::deleted(context, id, now)]).await?)
}

async fn get(db: &impl Execute, context: &Context, id: &str) -> Result<Customer, Error> {
    let rows = db.execute(BY_ID, vec![context.tenant.as_str().into(), id.into()]).await?;
    let found: Result<_, SqlError> = sql::one(rows, customer);
    found?.ok_or(Error::NotFound)
}
