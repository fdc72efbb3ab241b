//! The typed interface `kobliat:customers/customers`: the domain's functions in WIT's types.

use sdk::{Context, log};

use crate::{
    App,
    bindings::exports::kobliat::customers::customers::{self as wit, Guest},
    domain::{self, Error, Store},
};

/// What the component lends to the interface.
pub trait Exported: 'static {
    type Store: Store;

    fn app() -> &'static App<Self::Store>;
}

impl<E: Exported> Guest for E {
    async fn resolve_many(
        context: Context,
        contacts: Vec<wit::Contact>,
    ) -> Result<Vec<Result<wit::Customer, wit::Error>>, wit::Error> {
        resolve_many(E::app(), &context, contacts).await
    }

    async fn get_many(context: Context, ids: Vec<String>) -> Result<Vec<wit::Customer>, wit::Error> {
        let customers = domain::get_many(&E::app().store, &context, &ids).await;
        Ok(customers.map_err(|e| error(&context, e))?.into_iter().map(Into::into).collect())
    }
}

async fn resolve_many<S: Store>(
    app: &App<S>,
    context: &Context,
    contacts: Vec<wit::Contact>,
) -> Result<Vec<Result<wit::Customer, wit::Error>>, wit::Error> {
    let contacts = contacts.into_iter().map(Into::into).collect();
    let answers = domain::resolve_many(&app.store, context, contacts, app.clock.now()).await;
    let answers = answers.map_err(|e| error(context, e))?.into_iter();
    Ok(answers.map(|answer| answer.map(Into::into).map_err(|e| error(context, e))).collect())
}

/// The caller learns what it can act on; the reason is logged here.
fn error(context: &Context, error: Error) -> wit::Error {
    match error {
        Error::NotFound => wit::Error::NotFound,
        Error::Invalid { field, reason } => wit::Error::Invalid(format!("{field}: {reason}")),
        Error::BadCursor => wit::Error::Invalid("cursor: is not one of this list".to_owned()),
        Error::Key(refused) => wit::Error::Conflict(format!("idempotency key: {refused:?}")),
        Error::Unavailable(reason) => {
            log::warn(context, "typed call failed for now", &[("error", &reason)]);
            wit::Error::Unavailable("the database is not available".to_owned())
        }
        Error::Internal(reason) => {
            log::error(context, "typed call failed", &[("error", &reason)]);
            wit::Error::Other("internal error".to_owned())
        }
    }
}

impl From<wit::Contact> for domain::Contact {
    fn from(contact: wit::Contact) -> Self {
        let identity = |i: wit::Identity| domain::Identity {
            channel_account_id: i.channel_account_id,
            kind: i.kind,
            value: i.value,
        };
        Self {
            external_type: contact.external_type,
            identities: contact.identities.into_iter().map(identity).collect(),
            name: contact.name,
        }
    }
}

impl From<domain::Customer> for wit::Customer {
    fn from(customer: domain::Customer) -> Self {
        let domain::Customer { id, external_type, external_id, name, metadata, created_at, updated_at } = customer;
        Self { id, external_id, external_type, name, metadata, created_at, updated_at }
    }
}
