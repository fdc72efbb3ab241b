//! Conversations and their rules: what one must look like, and when it is one that exists already.

use sdk::{
    Context, Micros,
    event::Incoming,
    idempotency::{Done, Once},
    ids,
    pagination::Keyset,
};
pub use sdk::{Error, invalid};

use crate::{
    changes::{Changes, Reading},
    finding::Filter,
    participants::{Joined, NewParticipant},
    touch::{Rewording, Run},
};

pub const MAX_ITEMS: usize = 1000;
pub const MAX_IDS: usize = 500;
pub const MAX_PARTICIPANTS: usize = 1000;
pub const MAX_SUBJECT: usize = 255;
pub const MAX_CHANNEL: usize = 64;
pub const MAX_ACCOUNT: usize = 128;

sdk::words!(Kind { Direct = "direct", Group = "group", Channel = "channel" });
sdk::words!(Status { Open = "open", Pending = "pending", Closed = "closed" });
sdk::words!(
    /// What becomes of what a customer who is forgotten said and was told.
    History { Keep = "keep", Erase = "erase" }
);
sdk::words!(Role { Member = "member", Admin = "admin" });

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Participant {
    pub id: String,
    pub customer_id: String,
    pub role: Role,
    pub joined_at: Micros,
    pub left_at: Option<Micros>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conversation {
    pub id: String,
    pub kind: Kind,
    pub status: Status,
    pub channel: Option<String>,
    pub channel_account_id: Option<String>,
    pub subject: Option<String>,
    /// A JSON object.
    pub metadata: String,
    /// 0 when there is no message yet.
    pub last_seq: u64,
    pub last_message_at: Option<Micros>,
    pub last_message_preview: Option<String>,
    pub unread_count: u64,
    pub created_at: Micros,
    pub updated_at: Micros,
    pub participants: Vec<Participant>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewConversation {
    pub kind: Kind,
    /// Customer ids.
    pub participants: Vec<String>,
    pub channel: Option<String>,
    pub channel_account_id: Option<String>,
    pub subject: Option<String>,
    /// A JSON object.
    pub metadata: String,
}

impl NewConversation {
    /// The one direct conversation of a customer on a channel account.
    pub fn direct(channel: String, channel_account_id: String, customer_id: String) -> Self {
        Self {
            kind: Kind::Direct,
            participants: vec![customer_id],
            channel: Some(channel),
            channel_account_id: Some(channel_account_id),
            subject: None,
            metadata: "{}".to_owned(),
        }
    }

    /// What makes a direct conversation the same as another. Ids have a fixed length, so no account can look like one.
    pub fn direct_key(&self) -> Option<String> {
        if self.kind != Kind::Direct {
            return None;
        }
        let mut customers = self.participants.clone();
        customers.sort_unstable();
        Some(format!("{}@{}", customers.join("+"), self.channel_account_id.as_deref().unwrap_or_default()))
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Created {
    pub conversation: Conversation,
    pub is_new: bool,
}

#[expect(async_fn_in_trait, reason = "a guest is single-threaded: no bound is needed")]
pub trait Store {
    /// For each of the keys, the conversation in which its messages arrive: that to which they are routed, else the direct one that
    /// has it. One read for all.
    async fn by_direct_keys(&self, tenant: &str, keys: &[String]) -> Result<Vec<Option<Conversation>>, Error>;
    /// Opens each, or finds the direct one that another request has just opened; all in one transaction.
    async fn open_direct(
        &self,
        context: &Context,
        new: &[NewConversation],
        now: Micros,
    ) -> Result<Vec<Conversation>, Error>;
    async fn create(
        &self,
        context: &Context,
        new: &NewConversation,
        now: Micros,
        once: Option<&Once<'_, Created>>,
    ) -> Result<Done<Created>, Error>;
    async fn get(&self, tenant: &str, id: &str) -> Result<Option<Conversation>, Error>;
    async fn get_many(&self, tenant: &str, ids: &[String]) -> Result<Vec<Conversation>, Error>;
    /// At most `limit` that come after `from`, in the filter's order.
    async fn list(&self, tenant: &str, filter: &Filter, from: &Keyset, limit: u32) -> Result<Vec<Conversation>, Error>;
    /// Whether every conversation is known; those that are have been touched.
    async fn touch(&self, context: &Context, runs: &[Run], now: Micros) -> Result<bool, Error>;
    /// Of the newest message; a change that is older than the one shown is passed over.
    async fn reword(&self, tenant: &str, rewording: &Rewording, now: Micros) -> Result<(), Error>;
    /// The change and its event in one transaction.
    async fn update(&self, context: &Context, id: &str, changes: &Changes, now: Micros) -> Result<Conversation, Error>;
    /// Moves the mark forward, never back; the conversation as it is then.
    async fn mark_read(&self, context: &Context, reading: &Reading, now: Micros) -> Result<Conversation, Error>;
    /// What the one of `direct` writes arrives in the conversation; the change and its event in one transaction.
    async fn route_answers(
        &self,
        context: &Context,
        conversation: &Conversation,
        direct: &NewConversation,
        now: Micros,
    ) -> Result<(), Error>;
    async fn join(
        &self,
        context: &Context,
        id: &str,
        new: &NewParticipant,
        now: Micros,
        once: Option<&Once<'_, Joined>>,
    ) -> Result<Done<Joined>, Error>;
    async fn leave(&self, context: &Context, id: &str, participant_id: &str, now: Micros) -> Result<(), Error>;
    /// Removes what conversations show of a customer who is forgotten (the event's subject); once for each event.
    async fn erase(&self, event: &Incoming, history: History, now: Micros) -> Result<(), Error>;
}

/// The direct conversation of each, in order. Known ones, nearly all, cost one read together and no write.
pub async fn resolve_direct_many(
    store: &impl Store,
    context: &Context,
    items: Vec<NewConversation>,
    now: Micros,
) -> Result<Vec<Result<Conversation, Error>>, Error> {
    if items.len() > MAX_ITEMS {
        return Err(invalid("items", format!("at most {MAX_ITEMS}")));
    }
    let mut answers: Vec<Result<Conversation, Error>> = Vec::with_capacity(items.len());
    let (mut places, mut valid, mut keys) = (Vec::new(), Vec::new(), Vec::new());
    for (place, item) in items.into_iter().enumerate() {
        match (check_direct(&item), item.direct_key()) {
            (Ok(()), Some(key)) => {
                places.push(place);
                valid.push(item);
                keys.push(key);
                answers.push(Err(Error::NotFound));
            }
            (checked, _) => answers.push(Err(checked.err().unwrap_or(Error::NotFound))),
        }
    }
    let known = if keys.is_empty() { Vec::new() } else { store.by_direct_keys(&context.tenant, &keys).await? };
    let (mut missing_places, mut missing) = (Vec::new(), Vec::new());
    for ((place, item), known) in places.into_iter().zip(valid).zip(known) {
        match known {
            Some(conversation) => put(&mut answers, place, conversation),
            None => {
                missing_places.push(place);
                missing.push(item);
            }
        }
    }
    if !missing.is_empty() {
        let opened = store.open_direct(context, &missing, now).await?;
        missing_places.into_iter().zip(opened).for_each(|(place, conversation)| put(&mut answers, place, conversation));
    }
    Ok(answers)
}

fn put(answers: &mut [Result<Conversation, Error>], place: usize, conversation: Conversation) {
    if let Some(slot) = answers.get_mut(place) {
        *slot = Ok(conversation);
    }
}

pub(crate) fn check_direct(item: &NewConversation) -> Result<(), Error> {
    let bounded = |text: Option<&String>, max: usize| {
        text.is_some_and(|text| !text.is_empty() && text.len() <= max && !text.contains('\0'))
    };
    if !bounded(item.channel.as_ref(), MAX_CHANNEL) {
        return Err(invalid("channel", "is empty or too long"));
    }
    if !bounded(item.channel_account_id.as_ref(), MAX_ACCOUNT) {
        return Err(invalid("channel-account-id", "is empty or too long"));
    }
    check_ids(&item.participants)
}

fn check_ids(participants: &[String]) -> Result<(), Error> {
    match participants.iter().all(|id| ids::parse(id).as_ref() == Some(id)) {
        true => Ok(()),
        false => Err(invalid("participants", "must be ids of customers")),
    }
}

/// The rules for a conversation that somebody asks for. That the participants exist, the caller has checked.
pub fn check_new(new: &NewConversation) -> Result<(), Error> {
    let fewest = if new.kind == Kind::Channel { 1 } else { 2 };
    if new.participants.len() < fewest {
        return Err(invalid("participants", format!("must be {fewest} or more")));
    }
    if new.participants.len() > MAX_PARTICIPANTS {
        return Err(invalid("participants", format!("must be {MAX_PARTICIPANTS} or fewer")));
    }
    let mut sorted: Vec<_> = new.participants.iter().collect();
    sorted.sort_unstable();
    sorted.dedup();
    if sorted.len() != new.participants.len() {
        return Err(invalid("participants", "must not name a customer twice"));
    }
    check_ids(&new.participants)
}

pub async fn create(
    store: &impl Store,
    context: &Context,
    new: &NewConversation,
    now: Micros,
    once: Option<&Once<'_, Created>>,
) -> Result<Done<Created>, Error> {
    check_new(new)?;
    store.create(context, new, now, once).await
}

pub async fn get(store: &impl Store, context: &Context, id: &str) -> Result<Conversation, Error> {
    store.get(&context.tenant, id).await?.ok_or(Error::NotFound)
}

pub async fn get_many(store: &impl Store, context: &Context, ids: &[String]) -> Result<Vec<Conversation>, Error> {
    match ids.len() {
        0 => Ok(Vec::new()),
        n if n > MAX_IDS => Err(invalid("ids", format!("at most {MAX_IDS}"))),
        _ => store.get_many(&context.tenant, ids).await,
    }
}
