//! The list of customers by age: a walk along an index, in both directions and within a period.

use sdk::{
    pagination::Keyset,
    period::Order,
    sql::{self, Database, Driver, Value},
};

use super::{columns, customer};
use crate::{
    domain::{Customer, Error},
    finding::Filter,
};

macro_rules! page {
    ($of:literal, $place:literal) => {
        concat!("SELECT ", columns!(), " FROM customers c WHERE c.tenant_id = ?1 ", $of, $place, " LIMIT ?5")
    };
}

macro_rules! down {
    ($of:literal) => {
        page!($of, "AND (c.created_at, c.id) < (?2, ?3) AND c.created_at >= ?4 ORDER BY c.created_at DESC, c.id DESC")
    };
}

macro_rules! up {
    ($of:literal) => {
        page!($of, "AND (c.created_at, c.id) > (?2, ?3) AND c.created_at < ?4 ORDER BY c.created_at, c.id")
    };
}

pub mod statements {
    use super::columns;

    pub const LIST_DOWN: &str = down!("");
    pub const LIST_UP: &str = up!("");
    pub const LIST_OF_TYPE_DOWN: &str = down!("AND c.external_type = ?6 ");
    pub const LIST_OF_TYPE_UP: &str = up!("AND c.external_type = ?6 ");
}

pub(super) async fn list<D: Driver>(
    database: &Database<D>,
    tenant: &str,
    filter: &Filter,
    from: &Keyset,
    limit: u32,
) -> Result<Vec<Customer>, Error> {
    let (statement, end) = match (filter.order, &filter.external_type) {
        (Order::NewestFirst, None) => (statements::LIST_DOWN, filter.period.from),
        (Order::NewestFirst, Some(_)) => (statements::LIST_OF_TYPE_DOWN, filter.period.from),
        (Order::OldestFirst, None) => (statements::LIST_UP, filter.period.to),
        (Order::OldestFirst, Some(_)) => (statements::LIST_OF_TYPE_UP, filter.period.to),
    };
    let mut parameters: Vec<Value> = vec![tenant.into(), from.at.into(), (&from.id).into(), end.into(), limit.into()];
    parameters.extend(filter.external_type.as_deref().map(Value::from));
    Ok(sql::many(database.execute(statement, parameters).await?, customer)?)
}
