//! Contacts become customers: found, created, or given the identities that were unknown.

use sdk::{
    Context, Micros, etag, outbox,
    sql::{self, Execute, SqlError},
};

use super::{
    customer, insert, insert_parameters, known,
    matching::{add_keys, by_keys},
    returned, statements, texts,
};
use crate::{
    domain::{Contact, Customer, Identity, NewCustomer},
    events,
    matching::{key_of_identity, keys_of_contact},
};

const INSERT_NEW: &str = concat!(insert!(), "ON CONFLICT DO NOTHING RETURNING ", returned!());

/// In a transaction: what another request stored a moment ago is seen.
pub(super) async fn settle(
    db: &impl Execute,
    context: &Context,
    contact: &Contact,
    now: Micros,
) -> Result<Customer, SqlError> {
    let tenant = context.tenant.as_str();
    let keys = keys_of_contact(contact);
    let known = known(db, tenant, std::slice::from_ref(contact)).await?.pop().flatten();
    let (mut customer, is_new, own) = match known {
        Some(known) => (known.customer, false, known.identities),
        None => match by_keys(db, tenant, &contact.external_type, &keys).await? {
            Some(customer) => (customer, false, Vec::new()),
            None => {
                let (customer, is_new) = create(db, tenant, contact, now).await?;
                (customer, is_new, Vec::new())
            }
        },
    };
    let unknown: Vec<_> = contact.identities.iter().enumerate().filter(|(index, _)| !own.contains(index)).collect();
    for (_, identity) in &unknown {
        add_identity(db, tenant, &customer.id, identity, now).await?;
    }
    let is_named = customer.name.is_none() && contact.name.is_some();
    if is_named {
        const NAME: &str = "UPDATE customers SET name = ?, updated_at = ? WHERE tenant_id = ? AND id = ?";
        let at = if is_new { now } else { etag::next(customer.updated_at, now) };
        let parameters = vec![contact.name.clone().into(), at.into(), tenant.into(), (&customer.id).into()];
        db.execute(NAME, parameters).await?;
        (customer.name, customer.updated_at) = (contact.name.clone(), at);
    }
    if is_new || is_named || !unknown.is_empty() {
        add_keys(db, tenant, &customer, &keys, now).await?;
        texts::refresh(db, tenant, &customer.id).await?;
    }
    match is_new {
        true => outbox::append_all(db, &[events::created(context, &customer, now)]).await?,
        false if is_named || !unknown.is_empty() => {
            outbox::append_all(db, &[events::updated(context, &customer, now)]).await?;
        }
        false => {}
    }
    Ok(customer)
}

/// In a transaction. Whose an identity is already does not change.
pub(super) async fn add_identities(
    db: &impl Execute,
    context: &Context,
    known: &[(String, Identity)],
    now: Micros,
) -> Result<(), SqlError> {
    let tenant = context.tenant.as_str();
    for (customer_id, identity) in known {
        let rows = db.execute(statements::BY_ID, vec![tenant.into(), customer_id.into()]).await?;
        let Some(customer) = sql::one(rows, customer)? else { continue };
        if add_identity(db, tenant, customer_id, identity, now).await? {
            add_keys(db, tenant, &customer, key_of_identity(identity).as_slice(), now).await?;
            texts::refresh(db, tenant, customer_id).await?;
            outbox::append_all(db, &[events::updated(context, &customer, now)]).await?;
        }
    }
    Ok(())
}

/// False when it was somebody's.
async fn add_identity(
    db: &impl Execute,
    tenant: &str,
    customer_id: &str,
    identity: &Identity,
    now: Micros,
) -> Result<bool, SqlError> {
    const INSERT: &str = "INSERT INTO identities (tenant_id, channel_account_id, kind, value, customer_id, created_at) \
                          VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING RETURNING 1";
    let Identity { channel_account_id, kind, value } = identity;
    let parameters =
        vec![tenant.into(), channel_account_id.into(), kind.into(), value.into(), customer_id.into(), now.into()];
    Ok(!db.execute(INSERT, parameters).await?.is_empty())
}

/// A customer named by the contact's preferred identity (new), or the one that the API made under that name.
async fn create(db: &impl Execute, tenant: &str, contact: &Contact, now: Micros) -> Result<(Customer, bool), SqlError> {
    let Some(preferred) = contact.identities.first() else {
        return Err(SqlError::Failed("a contact without identities".to_owned()));
    };
    let mut new = NewCustomer {
        external_type: contact.external_type.clone(),
        external_id: preferred.value.clone(),
        name: contact.name.clone(),
        metadata: None,
    };
    if !preferred.is_global() && is_taken_elsewhere(db, tenant, &new, preferred).await? {
        new.external_id = format!("{}:{}", preferred.channel_account_id, preferred.value);
    }
    let parameters = insert_parameters(tenant, &new, now);
    let inserted = db.execute(INSERT_NEW, parameters).await?;
    if let Some(row) = inserted.into_iter().next() {
        return Ok((customer(row)?, true));
    }
    let parameters = vec![tenant.into(), (&new.external_type).into(), (&new.external_id).into()];
    let rows = db.execute(statements::BY_EXTERNAL_ID, parameters).await?;
    let row = rows.into_iter().next().ok_or_else(|| SqlError::Row("the customer in the way is gone".to_owned()))?;
    Ok((customer(row)?, false))
}

/// Whether the same value, in another account, is another customer's.
async fn is_taken_elsewhere(
    db: &impl Execute,
    tenant: &str,
    new: &NewCustomer,
    identity: &Identity,
) -> Result<bool, SqlError> {
    let parameters = vec![tenant.into(), (&new.external_type).into(), (&new.external_id).into()];
    let rows = db.execute(statements::BY_EXTERNAL_ID, parameters).await?;
    let Some(row) = rows.into_iter().next() else { return Ok(false) };
    let parameters = vec![tenant.into(), customer(row)?.id.into(), (&identity.channel_account_id).into()];
    Ok(!db.execute(statements::HAS_IDENTITY_ELSEWHERE, parameters).await?.is_empty())
}
