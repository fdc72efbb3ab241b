//! A customer in the API and in events.

use sdk::{clock::rfc3339, response};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::domain::Customer;

#[derive(Serialize)]
pub(crate) struct View {
    id: String,
    external_id: String,
    external_type: String,
    name: Option<String>,
    metadata: Box<RawValue>,
    created_at: String,
    updated_at: String,
}

impl From<Customer> for View {
    fn from(customer: Customer) -> Self {
        Self {
            id: customer.id,
            external_id: customer.external_id,
            external_type: customer.external_type,
            name: customer.name,
            metadata: response::raw_object(customer.metadata),
            created_at: rfc3339(customer.created_at),
            updated_at: rfc3339(customer.updated_at),
        }
    }
}
