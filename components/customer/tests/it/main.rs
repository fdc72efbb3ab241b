//! The customer service on its real SQL, in memory.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "in a test, a panic is the message; clippy.toml covers test functions only"
)]

mod changing;
mod erasure;
mod events;
mod finding;
mod http;
mod matching;
mod plans;
mod resolving;
mod rpc;

use std::ops::Deref;

use ::http::Method;
use customer::{
    domain::{Contact, Customer, Error, Identity},
    http::router,
    store::MIGRATIONS,
};
use sdk::{
    Context, Response,
    testing::{Instance, block_on},
};

/// The service, migrated, at one moment in 2025.
struct TestApp(Instance);

impl Deref for TestApp {
    type Target = Instance;

    fn deref(&self) -> &Instance {
        &self.0
    }
}

const NOW: i64 = 1_749_416_383_000_000;

impl TestApp {
    fn start() -> Self {
        Self(Instance::start(MIGRATIONS, router(), NOW))
    }

    fn events(&self, kind: &str) -> i64 {
        self.memory.scalar(&format!("SELECT count(*) FROM outbox WHERE type = 'com.kobliat.customer.{kind}.v1'"))
    }

    fn post(&self, body: &str) -> Response {
        self.send(Method::POST, "/customers", body)
    }

    async fn resolve(&self, contacts: Vec<Contact>) -> Vec<Result<Customer, Error>> {
        customer::domain::resolve_many(&self.app.store, &tenant("default"), contacts, NOW).await.unwrap()
    }

    fn resolve_one(&self, contact: Contact) -> Customer {
        block_on(self.resolve(vec![contact])).remove(0).unwrap()
    }

    fn count(&self, table: &str) -> i64 {
        self.memory.scalar(&format!("SELECT count(*) FROM {table}"))
    }
}

fn tenant(tenant: &str) -> Context {
    Context { tenant: tenant.to_owned(), ..Context::default() }
}

fn identity(account: &str, kind: &str, value: &str) -> Identity {
    Identity { channel_account_id: account.into(), kind: kind.into(), value: value.into() }
}

fn contact(identities: &[Identity]) -> Contact {
    Contact { external_type: "whatsapp".into(), identities: identities.to_vec(), name: Some("Sheena".into()) }
}

fn phone(value: &str) -> Contact {
    contact(&[identity("acc", "phone", value)])
}
