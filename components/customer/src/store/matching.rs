//! Keys in SQL: whose a number or an address is, however it is written.

use sdk::{
    Micros,
    sql::{self, Execute, SqlError},
};

use super::{columns, customer};
use crate::domain::Customer;

pub mod statements {
    use super::columns;

    /// `?3`: keys, the preferred first.
    pub const BY_KEYS: &str = concat!(
        "SELECT ",
        columns!(),
        " FROM json_each(?3) j \
         CROSS JOIN customer_keys k ON k.tenant_id = ?1 AND k.external_type = ?2 AND k.key = j.value \
         CROSS JOIN customers c ON c.tenant_id = ?1 AND c.id = k.customer_id LIMIT 1"
    );
    /// A key that is another's stays there.
    pub const ADD_KEYS: &str = "INSERT INTO customer_keys (tenant_id, external_type, key, customer_id, created_at) \
                                SELECT ?1, ?2, value, ?4, ?5 FROM json_each(?3) WHERE true ON CONFLICT DO NOTHING";
    pub const DELETE_KEYS: &str = "DELETE FROM customer_keys WHERE tenant_id = ?1 AND customer_id = ?2";
}

pub(super) async fn by_keys(
    db: &impl Execute,
    tenant: &str,
    external_type: &str,
    keys: &[String],
) -> Result<Option<Customer>, SqlError> {
    if keys.is_empty() {
        return Ok(None);
    }
    let parameters = vec![tenant.into(), external_type.into(), sql::list(keys)?];
    sql::one(db.execute(statements::BY_KEYS, parameters).await?, customer)
}

pub(super) async fn add_keys(
    db: &impl Execute,
    tenant: &str,
    customer: &Customer,
    keys: &[String],
    now: Micros,
) -> Result<(), SqlError> {
    if keys.is_empty() {
        return Ok(());
    }
    let Customer { id, external_type, .. } = customer;
    let parameters = vec![tenant.into(), external_type.into(), sql::list(keys)?, id.into(), now.into()];
    db.execute(statements::ADD_KEYS, parameters).await.map(|_| ())
}
