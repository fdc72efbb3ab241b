//! Customers in SQL. Every statement starts at the tenant. What contacts become, changes and the search are in `store/`.

mod changing;
pub mod erased;
mod erasing;
mod listing;
mod matching;
mod searching;
mod settling;
mod texts;
mod upserting;

use sdk::{
    Context, Micros,
    event::{self, Incoming},
    idempotency::{self, Done, Once},
    ids, outbox,
    pagination::Keyset,
    search::Words,
    sql::{self, Database, Driver, Execute, Migration, Row, SqlError, Value},
};
use serde_json::json;

use crate::{
    domain::{Changes, Contact, Customer, Deletion, Error, Identity, Known, NewCustomer, Store, Upserted},
    erasure::{Erasure, Report},
    finding::Filter,
};

pub const MIGRATIONS: &[Migration] = &[
    Migration::new(1, include_str!("../migrations/0001_customers.sql")),
    Migration::new(2, idempotency::MIGRATION),
    Migration::new(3, outbox::MIGRATION),
    Migration::new(4, outbox::RELAY_MIGRATION),
    Migration::new(5, include_str!("../migrations/0005_customer_texts.sql")),
    Migration::new(6, include_str!("../migrations/0006_customer_search.sql")).needing("fts5"),
    Migration::new(7, include_str!("../migrations/0007_customer_keys.sql")),
    Migration::new(8, include_str!("../migrations/0008_found_by_digits.sql")),
    Migration::new(9, include_str!("../migrations/0009_customers_by_time.sql")),
    Migration::new(10, include_str!("../migrations/0010_erasures.sql")),
    Migration::new(11, event::CONSUMED_MIGRATION),
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
    pub use super::{
        changing::statements::*, erasing::statements::*, listing::statements::*, matching::statements::*,
        searching::statements::*, texts::statements::*,
    };

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
        LIST_DOWN,
        LIST_UP,
        LIST_OF_TYPE_DOWN,
        LIST_OF_TYPE_UP,
        COUNT_BY_TYPE,
        HAS_IDENTITY_ELSEWHERE,
        UPDATE,
        DELETE,
        DELETE_IDENTITIES,
        FORGET_ANSWERS,
        REQUESTED,
        DONE,
        REMOVED,
        SWEEP_OLD,
        BY_KEYS,
        ADD_KEYS,
        DELETE_KEYS,
        NAMES,
        SEARCH_DOWN,
        SEARCH_UP,
        SEARCH_SLOWLY_DOWN,
        SEARCH_SLOWLY_UP,
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
        let work = async |c: &D::Connection| upserting::named(c, tenant, kind, external_id).await;
        Ok(self.single(work).await?)
    }

    async fn add_identities(&self, context: &Context, known: &[(String, Identity)], now: Micros) -> Result<(), Error> {
        let work = async |t: &D::Connection| settling::add_identities(t, context, known, now).await;
        Ok(self.transaction(work).await?)
    }

    async fn list(&self, tenant: &str, filter: &Filter, from: &Keyset, limit: u32) -> Result<Vec<Customer>, Error> {
        listing::list(self, tenant, filter, from, limit).await
    }

    async fn search(
        &self,
        tenant: &str,
        words: &Words,
        filter: &Filter,
        from: i64,
        limit: u32,
    ) -> Result<Vec<(i64, Customer)>, Error> {
        searching::search(self, tenant, words, filter, from, limit).await
    }

    async fn upsert(
        &self,
        context: &Context,
        new: &NewCustomer,
        now: Micros,
        once: Option<&Once<'_, Upserted>>,
    ) -> Result<Done<Upserted>, Error> {
        let work = async |transaction: &D::Connection| -> Result<Upserted, Error> {
            Ok(upserting::upsert(transaction, context, new, now).await?)
        };
        idempotency::once(self, once, now, work).await
    }

    async fn update(&self, context: &Context, id: &str, changes: &Changes, now: Micros) -> Result<Customer, Error> {
        let work = async |transaction: &D::Connection| changing::update(transaction, context, id, changes, now).await;
        self.transaction(work).await
    }

    async fn delete(&self, context: &Context, deletion: &Deletion<'_>, now: Micros) -> Result<(), Error> {
        let work = async |transaction: &D::Connection| changing::delete(transaction, context, deletion, now).await;
        self.transaction(work).await
    }

    async fn erasure(&self, tenant: &str, customer_id: &str) -> Result<Option<Erasure>, Error> {
        erasing::get(self, tenant, customer_id).await
    }

    async fn report(&self, event: &Incoming, report: &Report, now: Micros) -> Result<(), Error> {
        let work = async |t: &D::Connection| erasing::report(t, event.tenant(), report, now).await;
        Ok(event::consume_once(self, event, now, work).await.map(|_| ())?)
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
