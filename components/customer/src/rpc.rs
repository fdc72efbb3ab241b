//! The typed interface `kobliat:customers/customers`: the domain's functions in WIT's types.

use sdk::{App, Context, service::Exported};

use crate::{
    bindings::exports::kobliat::customers::customers::{self as wit, Guest},
    domain::{self, Store},
    finding,
};

impl<E: Exported> Guest for E
where
    E::Store: Store,
{
    async fn resolve_many(
        context: Context,
        contacts: Vec<wit::Contact>,
    ) -> Result<Vec<Result<wit::Customer, wit::Error>>, wit::Error> {
        resolve_many(&E::app(), &context, contacts).await
    }

    async fn get_many(context: Context, ids: Vec<String>) -> Result<Vec<wit::Customer>, wit::Error> {
        let customers = domain::get_many(&E::app().store, &context, &ids).await;
        Ok(customers.map_err(|e| error(&context, e))?.into_iter().map(Into::into).collect())
    }

    async fn identities_of(context: Context, ids: Vec<String>) -> Result<Vec<wit::KnownIdentity>, wit::Error> {
        let found = domain::identities_of(&E::app().store, &context, &ids).await;
        let known = |(customer_id, identity): (String, domain::Identity)| wit::KnownIdentity {
            customer_id,
            identity: wit::Identity {
                channel_account_id: identity.channel_account_id,
                kind: identity.kind,
                value: identity.value,
            },
        };
        Ok(found.map_err(|e| error(&context, e))?.into_iter().map(known).collect())
    }

    async fn add_identities(context: Context, known: Vec<wit::KnownIdentity>) -> Result<(), wit::Error> {
        let identity = |known: wit::KnownIdentity| (known.customer_id, known.identity.into());
        let (app, known) = (E::app(), known.into_iter().map(identity).collect::<Vec<_>>());
        let added = domain::add_identities(&app.store, &context, &known, app.clock.now()).await;
        added.map_err(|e| error(&context, e))
    }

    async fn find_ids(context: Context, text: String, limit: u32) -> Result<Vec<String>, wit::Error> {
        finding::find_ids(&E::app().store, &context, &text, limit).await.map_err(|e| error(&context, e))
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

sdk::typed_error!(wit::Error);

impl From<wit::Identity> for domain::Identity {
    fn from(identity: wit::Identity) -> Self {
        let wit::Identity { channel_account_id, kind, value } = identity;
        Self { channel_account_id, kind, value }
    }
}

impl From<wit::Contact> for domain::Contact {
    fn from(contact: wit::Contact) -> Self {
        Self {
            external_type: contact.external_type,
            identities: contact.identities.into_iter().map(Into::into).collect(),
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
