//! Customers by the name that the API gives them: found under another spelling of it, changed, or made.

use std::borrow::Cow;

use sdk::{
    Context, Micros, outbox,
    sql::{self, Execute, SqlError, Value},
};

use super::{
    customer, insert, insert_parameters,
    matching::{add_keys, by_keys},
    returned, statements, texts,
};
use crate::{
    domain::{Customer, NewCustomer, Upserted},
    events,
    matching::key_of_customer,
};

/// The customer of this name, else the one whose number or address it is in another spelling.
pub(super) async fn named(
    db: &impl Execute,
    tenant: &str,
    external_type: &str,
    external_id: &str,
) -> Result<Option<Customer>, SqlError> {
    let parameters = vec![tenant.into(), external_type.into(), external_id.into()];
    let found = sql::one(db.execute(statements::BY_EXTERNAL_ID, parameters).await?, customer)?;
    match key_of_customer(external_type, external_id) {
        Some(key) if found.is_none() => by_keys(db, tenant, external_type, &[key]).await,
        _ => Ok(found),
    }
}

/// By the name under which it is stored, when it is.
async fn as_known(db: &impl Execute, tenant: &str, new: &NewCustomer) -> Result<NewCustomer, SqlError> {
    let known = named(db, tenant, &new.external_type, &new.external_id).await?;
    let external_id = known.map_or_else(|| new.external_id.clone(), |customer| customer.external_id);
    Ok(NewCustomer { external_id, ..new.clone() })
}

/// New when it comes back with the id that it was sent with. What changes nothing is no event.
pub(super) async fn upsert(
    transaction: &impl Execute,
    context: &Context,
    new: &NewCustomer,
    now: Micros,
) -> Result<Upserted, SqlError> {
    const UPSERT: &str = concat!(
        insert!(),
        "ON CONFLICT (tenant_id, external_type, external_id) DO UPDATE SET name = coalesce(?5, name), \
         metadata = coalesce(?6, metadata), \
         updated_at = CASE WHEN ?5 IS NULL AND ?6 IS NULL THEN updated_at ELSE max(?7, updated_at + 1) END RETURNING ",
        returned!()
    );
    let key = key_of_customer(&new.external_type, &new.external_id);
    let new = match &key {
        Some(_) => Cow::Owned(as_known(transaction, &context.tenant, new).await?),
        None => Cow::Borrowed(new),
    };
    let parameters = insert_parameters(&context.tenant, &new, now);
    let new_id = parameters.get(1).cloned();
    let rows = transaction.execute(UPSERT, parameters).await?;
    let row = rows.into_iter().next().ok_or_else(|| SqlError::Row("an upsert returned nothing".to_owned()))?;
    let customer = customer(row)?;
    add_keys(transaction, &context.tenant, &customer, key.as_slice(), now).await?;
    let is_new = new_id == Some(Value::Text(customer.id.clone()));
    if is_new || new.name.is_some() {
        texts::refresh(transaction, &context.tenant, &customer.id).await?;
    }
    if is_new {
        outbox::append_all(transaction, &[events::created(context, &customer, now)]).await?;
    } else if new.name.is_some() || new.metadata.is_some() {
        outbox::append_all(transaction, &[events::updated(context, &customer, now)]).await?;
    }
    Ok(Upserted { is_new, customer })
}
