//! Customers and their rules: what a contact must look like, and whose it is.

use sdk::{
    Context, Micros, etag,
    event::Incoming,
    idempotency::{Done, Once},
    merge::merged,
    pagination::Keyset,
    search::Words,
};
pub use sdk::{Error, invalid};

use crate::{
    erasure::{Erasure, History, Report},
    finding::Filter,
};

pub const MAX_CONTACTS: usize = 1000;
pub const MAX_IDS: usize = 500;
const MAX_IDENTITIES: usize = 16;
pub const MAX_TYPE: usize = 64;
pub const MAX_EXTERNAL_ID: usize = 255;
pub const MAX_NAME: usize = 255;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Customer {
    pub id: String,
    pub external_type: String,
    pub external_id: String,
    pub name: Option<String>,
    /// A JSON object.
    pub metadata: String,
    pub created_at: Micros,
    pub updated_at: Micros,
}

/// One name by which a channel account knows a customer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    pub channel_account_id: String,
    pub kind: String,
    pub value: String,
}

impl Identity {
    /// A phone number or an address is the same person in every account of its channel; a channel's own ids are only unique in theirs.
    pub fn is_global(&self) -> bool {
        matches!(self.kind.as_str(), "phone" | "address" | "email")
    }
}

/// What a channel tells about who wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contact {
    pub external_type: String,
    /// The preferred first.
    pub identities: Vec<Identity>,
    pub name: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewCustomer {
    pub external_type: String,
    pub external_id: String,
    pub name: Option<String>,
    /// Absent: a known customer keeps its own.
    pub metadata: Option<String>,
}

/// What is absent stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// `Some(None)` takes the name away.
    pub name: Option<Option<String>>,
    pub metadata: Option<Metadata>,
    /// The version that is to be changed.
    pub version: Option<Micros>,
}

/// Which customer is to be forgotten, in which version, and what with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deletion<'a> {
    pub id: &'a str,
    pub version: Option<Micros>,
    pub history: History,
}

/// A JSON object that takes the place of the old one, or is merged into it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Metadata {
    Instead(String),
    Merged(String),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upserted {
    pub customer: Customer,
    pub is_new: bool,
}

/// A contact's customer, and which of the contact's identities (by index) are its own already.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    pub customer: Customer,
    pub identities: Vec<usize>,
}

#[expect(async_fn_in_trait, reason = "a guest is single-threaded: no bound is needed")]
pub trait Store {
    /// For each contact, the customer of the first identity that is known. One read for all.
    async fn known(&self, tenant: &str, contacts: &[Contact]) -> Result<Vec<Option<Known>>, Error>;
    /// Finds or creates the customer of each and adds what was unknown of it; all in one transaction.
    async fn settle(&self, context: &Context, contacts: &[Contact], now: Micros) -> Result<Vec<Customer>, Error>;
    async fn get(&self, tenant: &str, id: &str) -> Result<Option<Customer>, Error>;
    async fn get_many(&self, tenant: &str, ids: &[String]) -> Result<Vec<Customer>, Error>;
    /// With whose it is; each customer's oldest first.
    async fn identities_of(&self, tenant: &str, ids: &[String]) -> Result<Vec<(String, Identity)>, Error>;
    /// By this spelling, else by another one of the same number or address.
    async fn by_external_id(&self, tenant: &str, kind: &str, external_id: &str) -> Result<Option<Customer>, Error>;
    /// Adds what is nobody's yet; unknown customers are passed over. All in one transaction.
    async fn add_identities(&self, context: &Context, known: &[(String, Identity)], now: Micros) -> Result<(), Error>;
    /// At most `limit` that come after `from`, in the filter's order.
    async fn list(&self, tenant: &str, filter: &Filter, from: &Keyset, limit: u32) -> Result<Vec<Customer>, Error>;
    /// At most `limit` that are found by the words, with their numbers, which are past `from` in the filter's order.
    async fn search(
        &self,
        tenant: &str,
        words: &Words,
        filter: &Filter,
        from: i64,
        limit: u32,
    ) -> Result<Vec<(i64, Customer)>, Error>;
    async fn upsert(
        &self,
        context: &Context,
        new: &NewCustomer,
        now: Micros,
        once: Option<&Once<'_, Upserted>>,
    ) -> Result<Done<Upserted>, Error>;
    async fn update(&self, context: &Context, id: &str, changes: &Changes, now: Micros) -> Result<Customer, Error>;
    /// Forgets who it was: the customer, its identities, and what answers to repeated requests say of it. Others follow.
    async fn delete(&self, context: &Context, deletion: &Deletion<'_>, now: Micros) -> Result<(), Error>;
    /// How far forgetting a customer is; `None` when nobody asked for it.
    async fn erasure(&self, tenant: &str, customer_id: &str) -> Result<Option<Erasure>, Error>;
    /// What a service removed: counted once, however often the event comes.
    async fn report(&self, event: &Incoming, report: &Report, now: Micros) -> Result<(), Error>;
    /// How many customers each channel has.
    async fn count_by_type(&self, tenant: &str) -> Result<Vec<(String, u64)>, Error>;
}

/// The customer of each contact, in order. Contacts that are known in full, nearly all, cost one read together and no write.
pub async fn resolve_many(
    store: &impl Store,
    context: &Context,
    contacts: Vec<Contact>,
    now: Micros,
) -> Result<Vec<Result<Customer, Error>>, Error> {
    if contacts.len() > MAX_CONTACTS {
        return Err(invalid("contacts", format!("at most {MAX_CONTACTS}")));
    }
    let mut answers: Vec<Option<Result<Customer, Error>>> = contacts.iter().map(|_| None).collect();
    let (mut places, mut valid) = (Vec::new(), Vec::new());
    for (place, contact) in contacts.into_iter().enumerate() {
        match check(contact) {
            Ok(contact) => {
                places.push(place);
                valid.push(contact);
            }
            Err(error) => put(&mut answers, place, Err(error)),
        }
    }
    let known = if valid.is_empty() { Vec::new() } else { store.known(&context.tenant, &valid).await? };
    let (mut unsettled_places, mut unsettled) = (Vec::new(), Vec::new());
    for ((place, contact), known) in places.into_iter().zip(valid).zip(known) {
        match known.filter(|known| is_settled(known, &contact)) {
            Some(known) => put(&mut answers, place, Ok(known.customer)),
            None => {
                unsettled_places.push(place);
                unsettled.push(contact);
            }
        }
    }
    if !unsettled.is_empty() {
        let settled = store.settle(context, &unsettled, now).await?;
        unsettled_places.into_iter().zip(settled).for_each(|(place, customer)| put(&mut answers, place, Ok(customer)));
    }
    Ok(answers.into_iter().map(|answer| answer.unwrap_or(Err(Error::Internal("no answer".to_owned())))).collect())
}

fn put(answers: &mut [Option<Result<Customer, Error>>], place: usize, answer: Result<Customer, Error>) {
    if let Some(slot) = answers.get_mut(place) {
        *slot = Some(answer);
    }
}

/// Nothing of this contact is new: its identities are known, and so is a name (which nobody's profile overwrites).
fn is_settled(known: &Known, contact: &Contact) -> bool {
    let has_name = known.customer.name.is_some() || contact.name.is_none();
    has_name && (0..contact.identities.len()).all(|index| known.identities.contains(&index))
}

fn check(mut contact: Contact) -> Result<Contact, Error> {
    if !bounded(&contact.external_type, MAX_TYPE) {
        return Err(invalid("external-type", format!("must have 1 to {MAX_TYPE} characters")));
    }
    if !(1..=MAX_IDENTITIES).contains(&contact.identities.len()) {
        return Err(invalid("identities", format!("must be 1 to {MAX_IDENTITIES}")));
    }
    if !contact.identities.iter().all(is_sound) {
        return Err(invalid("identities", "account, kind or value is empty or too long"));
    }
    contact.name = contact.name.as_deref().and_then(profile_name);
    Ok(contact)
}

fn bounded(text: &str, max: usize) -> bool {
    !text.is_empty() && text.chars().count() <= max && !text.contains('\0')
}

fn is_sound(i: &Identity) -> bool {
    bounded(&i.kind, 32) && bounded(&i.value, MAX_EXTERNAL_ID) && bounded(&i.channel_account_id, 128)
}

/// What a provider calls customers whom we wrote to. Safe to repeat.
pub async fn add_identities(
    store: &impl Store,
    context: &Context,
    known: &[(String, Identity)],
    now: Micros,
) -> Result<(), Error> {
    if known.len() > MAX_IDS {
        return Err(invalid("known", format!("at most {MAX_IDS}")));
    }
    if !known.iter().all(|(_, identity)| is_sound(identity)) {
        return Err(invalid("identities", "account, kind or value is empty or too long"));
    }
    if known.is_empty() { Ok(()) } else { store.add_identities(context, known, now).await }
}

/// A profile name is whatever its owner typed: cut it rather than refuse the message that came with it.
fn profile_name(name: &str) -> Option<String> {
    let name: String = name.trim().chars().filter(|c| !c.is_control()).take(MAX_NAME).collect();
    (!name.trim().is_empty()).then_some(name)
}

pub async fn get(store: &impl Store, context: &Context, id: &str) -> Result<Customer, Error> {
    store.get(&context.tenant, id).await?.ok_or(Error::NotFound)
}

pub async fn identities_of(
    store: &impl Store,
    context: &Context,
    ids: &[String],
) -> Result<Vec<(String, Identity)>, Error> {
    match ids.len() {
        0 => Ok(Vec::new()),
        n if n > MAX_IDS => Err(invalid("ids", format!("at most {MAX_IDS}"))),
        _ => store.identities_of(&context.tenant, ids).await,
    }
}

pub async fn get_many(store: &impl Store, context: &Context, ids: &[String]) -> Result<Vec<Customer>, Error> {
    match ids.len() {
        0 => Ok(Vec::new()),
        n if n > MAX_IDS => Err(invalid("ids", format!("at most {MAX_IDS}"))),
        _ => store.get_many(&context.tenant, ids).await,
    }
}

/// The customer as it is after the changes; `None` when they change nothing.
pub fn changed(before: &Customer, changes: &Changes, now: Micros) -> Result<Option<Customer>, Error> {
    etag::check(changes.version, before.updated_at)?;
    let name = changes.name.clone().unwrap_or_else(|| before.name.clone());
    let metadata = match &changes.metadata {
        None => before.metadata.clone(),
        Some(Metadata::Instead(new)) => new.clone(),
        Some(Metadata::Merged(patch)) => merged("metadata", &before.metadata, patch)?,
    };
    if name == before.name && metadata == before.metadata {
        return Ok(None);
    }
    Ok(Some(Customer { name, metadata, updated_at: etag::next(before.updated_at, now), ..before.clone() }))
}
