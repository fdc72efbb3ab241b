//! Customers in SQL. Every statement starts at the tenant. What contacts become, changes and the search are in `store/`.

mod changing;
pub mod erased;
mod searching;
mod settling;

use sdk::{
    Context, Micros,
    idempotency::{self, Done, Once},
    ids, outbox,
    search::Words,
    sql::{self, Database, Driver, Execute, Migration, Row, SqlError, Value},
};
use serde_json::json;

use crate::{
    domain::{Changes, Contact, Customer, Error, Identity, Known, NewCustomer, Store, Upserted},
    events,
};

pub const MIGRATIONS: &[Migration] = &[
    Migration::new(1, include_str!("../migrations/0001_customers.sql")),
    Migration::new(2, idempotency::MIGRATION),
    Migration::new(3, outbox::MIGRATION),
    Migration::new(4, outbox::RELAY_MIGRATION),
    Migration::new(5, include_str!("../migrations/0005_customer_texts.sql")),
    Migration::new(6, include_str!("../migrations/0006_customer_search.sql")).needing("fts5"),
];

macro_rules! columns {
    () => {
        "c.id, c.external_type, c.external_id, c.name, c.metadata, c.created_at, c.updated_at"
    };
}

macro_rules! returned {
    () => {
        "id, external_type, external_id, name, metadata, created_at, updated_at"
    };
}

macro_rules! insert {
    () => {
        "INSERT INTO customers (tenant_id, id, external_type, external_id, name, metadata, created_at, updated_at) \
         VALUES (?1, ?2, ?3, ?4, ?5, coalesce(?6, '{}'), ?7, ?7) "
    };
}
use {columns, insert, returned};

/// The statements whose plan a test reads.
pub mod statements {
    pub use super::{changing::statements::*, searching::statements::*};

    /// `?2`: a list of `[account, kind, value]`. Answers the index in it, then the customer.
    pub const BY_IDENTITIES: &str = concat!(
        "SELECT j.key, ",
        columns!(),
        " FROM json_each(?2) j \
         CROSS JOIN identities i ON i.tenant_id = ?1 AND i.channel_account_id = json_extract(j.value, '$[0]') \
         AND i.kind = json_extract(j.value, '$[1]') AND i.value = json_extract(j.value, '$[2]') \
         CROSS JOIN customers c ON c.tenant_id = ?1 AND c.id = i.customer_id"
    );
    pub const BY_ID: &str = concat!("SELECT ", columns!(), " FROM customers c WHERE c.tenant_id = ? AND c.id = ?");
    pub const BY_IDS: &str = concat!(
        "SELECT ",
        columns!(),
        " FROM json_each(?2) j CROSS JOIN customers c ON c.tenant_id = ?1 AND c.id = j.value"
    );
    pub const BY_EXTERNAL_ID: &str = concat!(
        "SELECT ",
        columns!(),
        " FROM customers c WHERE c.tenant_id = ? AND c.external_type = ? AND c.external_id = ?"
    );
    pub const LIST: &str = concat!(
        "SELECT ",
        columns!(),
        " FROM customers c WHERE c.tenant_id = ? AND c.id < ? ORDER BY c.id DESC LIMIT ?"
    );
    pub const LIST_OF_TYPE: &str = concat!(
        "SELECT ",
        columns!(),
        " FROM customers c WHERE c.tenant_id = ? AND c.external_type = ? AND c.id < ? ORDER BY c.id DESC LIMIT ?"
    );
    pub const IDENTITIES_OF: &str = "SELECT i.customer_id, i.channel_account_id, i.kind, i.value FROM json_each(?2) j \
                                     CROSS JOIN identities i ON i.tenant_id = ?1 AND i.customer_id = j.value \
                                     ORDER BY j.key, i.created_at";
    pub const COUNT_BY_TYPE: &str =
        "SELECT external_type, count(*) FROM customers WHERE tenant_id = ? GROUP BY external_type";
    pub const HAS_IDENTITY_ELSEWHERE: &str = "SELECT 1 FROM identities WHERE tenant_id = ? AND customer_id = ? \
                                              AND channel_account_id <> ? LIMIT 1";

    pub const ALL: &[&str] = &[
        BY_IDENTITIES,
        BY_ID,
        BY_IDS,
        BY_EXTERNAL_ID,
        LIST,
        LIST_OF_TYPE,
        COUNT_BY_TYPE,
        HAS_IDENTITY_ELSEWHERE,
        UPDATE,
        DELETE,
        DELETE_IDENTITIES,
        FORGET_ANSWERS,
        SEARCH,
        SEARCH_SLOWLY,
    ];
}

impl<D: Driver> Store for Database<D> {
    async fn known(&self, tenant: &str, contacts: &[Contact]) -> Result<Vec<Option<Known>>, Error> {
        Ok(self.single(async |c: &D::Connection| known(c, tenant, contacts).await).await?)
    }

    async fn settle(&self, context: &Context, contacts: &[Contact], now: Micros) -> Result<Vec<Customer>, Error> {
        let work = async |transaction: &D::Connection| -> Result<_, SqlError> {
            let mut settled = Vec::with_capacity(contacts.len());
            for contact in contacts {
                settled.push(settling::settle(transaction, context, contact, now).await?);
            }
            Ok(settled)
        };
        Ok(self.transaction(work).await?)
    }

    async fn get(&self, tenant: &str, id: &str) -> Result<Option<Customer>, Error> {
        Ok(sql::one(self.execute(statements::BY_ID, vec![tenant.into(), id.into()]).await?, customer)?)
    }

    async fn get_many(&self, tenant: &str, ids: &[String]) -> Result<Vec<Customer>, Error> {
        Ok(sql::many(self.execute(statements::BY_IDS, vec![tenant.into(), sql::list(ids)?]).await?, customer)?)
    }

    async fn identities_of(&self, tenant: &str, ids: &[String]) -> Result<Vec<(String, Identity)>, Error> {
        let rows = self.execute(statements::IDENTITIES_OF, vec![tenant.into(), sql::list(ids)?]).await?;
        let known = |mut row: Row| -> Result<_, SqlError> {
            let customer_id = row.take()?;
            let identity = Identity { channel_account_id: row.take()?, kind: row.take()?, value: row.take()? };
            Ok((customer_id, identity))
        };
        Ok(rows.into_iter().map(known).collect::<Result<_, _>>()?)
    }

    async fn by_external_id(&self, tenant: &str, kind: &str, external_id: &str) -> Result<Option<Customer>, Error> {
        let parameters = vec![tenant.into(), kind.into(), external_id.into()];
        Ok(sql::one(self.execute(statements::BY_EXTERNAL_ID, parameters).await?, customer)?)
    }

    async fn list(&self, tenant: &str, kind: Option<&str>, before: &str, limit: u32) -> Result<Vec<Customer>, Error> {
        let rows = match kind {
            None => self.execute(statements::LIST, vec![tenant.into(), before.into(), limit.into()]).await?,
            Some(kind) => {
                let parameters = vec![tenant.into(), kind.into(), before.into(), limit.into()];
                self.execute(statements::LIST_OF_TYPE, parameters).await?
            }
        };
        Ok(sql::many(rows, customer)?)
    }

    async fn search(
        &self,
        tenant: &str,
        words: &Words,
        kind: Option<&str>,
        before: i64,
        limit: u32,
    ) -> Result<Vec<(i64, Customer)>, Error> {
        searching::search(self, tenant, words, kind, before, limit).await
    }

    async fn upsert(
        &self,
        context: &Context,
        new: &NewCustomer,
        now: Micros,
        once: Option<&Once<'_, Upserted>>,
    ) -> Result<Done<Upserted>, Error> {
        let work = async |transaction: &D::Connection| -> Result<Upserted, Error> {
            Ok(upsert(transaction, context, new, now).await?)
        };
        idempotency::once(self, once, now, work).await
    }

    async fn update(&self, context: &Context, id: &str, changes: &Changes, now: Micros) -> Result<Customer, Error> {
        let work = async |transaction: &D::Connection| changing::update(transaction, context, id, changes, now).await;
        self.transaction(work).await
    }

    async fn delete(&self, context: &Context, id: &str, version: Option<Micros>, now: Micros) -> Result<(), Error> {
        let work = async |transaction: &D::Connection| changing::delete(transaction, context, id, version, now).await;
        self.transaction(work).await
    }

    async fn count_by_type(&self, tenant: &str) -> Result<Vec<(String, u64)>, Error> {
        let rows = self.execute(statements::COUNT_BY_TYPE, vec![tenant.into()]).await?;
        Ok(rows.into_iter().map(|mut row| Ok((row.take()?, row.take()?))).collect::<Result<_, SqlError>>()?)
    }
}

async fn known(db: &impl Execute, tenant: &str, contacts: &[Contact]) -> Result<Vec<Option<Known>>, SqlError> {
    let identities = contacts.iter().flat_map(|contact| &contact.identities);
    let list: Vec<_> = identities.map(|i| json!([i.channel_account_id, i.kind, i.value])).collect();
    let rows = db.execute(statements::BY_IDENTITIES, vec![tenant.into(), sql::list(&list)?]).await?;
    let mut found: Vec<Option<Customer>> = list.iter().map(|_| None).collect();
    for mut row in rows {
        let index: usize = row.take()?;
        if let Some(slot) = found.get_mut(index) {
            *slot = Some(customer(row)?);
        }
    }
    let mut found = found.into_iter();
    Ok(contacts.iter().map(|contact| first_known(found.by_ref().take(contact.identities.len()))).collect())
}

/// The customer of the first identity that has one, and which identities are its own.
fn first_known(customers: impl Iterator<Item = Option<Customer>>) -> Option<Known> {
    let mut known: Option<Known> = None;
    for (index, customer) in customers.enumerate() {
        match (customer, &mut known) {
            (Some(customer), None) => known = Some(Known { customer, identities: vec![index] }),
            // An identity of somebody else is left where it is; it counts as known, so that it is not tried again and again.
            (Some(_), Some(known)) => known.identities.push(index),
            (None, _) => {}
        }
    }
    known
}

fn insert_parameters(tenant: &str, new: &NewCustomer, now: Micros) -> Vec<Value> {
    let NewCustomer { external_type, external_id, name, metadata } = new;
    vec![
        tenant.into(),
        ids::new().into(),
        external_type.into(),
        external_id.into(),
        name.clone().into(),
        metadata.clone().into(),
        now.into(),
    ]
}

/// New when it comes back with the id that it was sent with. What changes nothing is no event.
async fn upsert(
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
    let parameters = insert_parameters(&context.tenant, new, now);
    let new_id = parameters.get(1).cloned();
    let rows = transaction.execute(UPSERT, parameters).await?;
    let row = rows.into_iter().next().ok_or_else(|| SqlError::Row("an upsert returned nothing".to_owned()))?;
    let customer = customer(row)?;
    let is_new = new_id == Some(Value::Text(customer.id.clone()));
    if is_new {
        outbox::append_all(transaction, &[events::created(context, &customer, now)]).await?;
    } else if new.name.is_some() || new.metadata.is_some() {
        outbox::append_all(transaction, &[events::updated(context, &customer, now)]).await?;
    }
    Ok(Upserted { is_new, customer })
}

fn customer(mut row: Row) -> Result<Customer, SqlError> {
    Ok(Customer {
        id: row.take()?,
        external_type: row.take()?,
        external_id: row.take()?,
        name: row.take()?,
        metadata: row.take()?,
        created_at: row.take()?,
        updated_at: row.take()?,
    })
}
