//! Messages and their rules: what one must look like, how its status moves, how a conversation is read.

use sdk::{
    Context, Micros, etag,
    event::Incoming,
    idempotency::{Done, Once},
    ids, input,
    pagination::{self, Keyset, Page},
    search::Words,
};
pub use sdk::{Error, invalid};

use crate::{
    answering::{Party, Recent},
    delivery::Delivery,
    erasure::Erasure,
    finding::Filter,
    history::{Reported, Version},
    media::MediaChange,
    reading::Place,
    receipts::{Outcome, Receipt},
};

pub const MAX_ITEMS: usize = 1000;
pub const MAX_IDS: usize = 500;
/// 1 MiB: what a provider sends is kept; nobody types more.
pub const MAX_BODY_BYTES: usize = 1 << 20;
pub const MAX_TYPED_CHARS: usize = 65_536;
pub const MAX_WORD: usize = 64;
/// RFC 6838: 127 characters on either side of the slash.
pub const MAX_MEDIA_TYPE: usize = 255;
pub const MAX_REF: usize = 255;
const MAX_METADATA_BYTES: usize = 256 << 10;

sdk::words!(Direction { Inbound = "inbound", Outbound = "outbound", System = "system" });
sdk::words!(
    /// In the order in which one wins over another: any report over not knowing, a failure over `sent` only, and what was delivered
    /// after all over the failure. So the status is the greatest of all that was reported, whatever the order in which reports come.
    Status { Queued = "queued", Unknown = "unknown", Sent = "sent", Failed = "failed", Delivered = "delivered", Read = "read" }
);

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewMessage {
    pub conversation_id: String,
    pub sender_customer_id: Option<String>,
    pub direction: Direction,
    pub body: Option<String>,
    pub content_type: String,
    pub media_id: Option<String>,
    pub channel: Option<String>,
    pub channel_account_id: Option<String>,
    pub external_message_id: Option<String>,
    pub client_ref: Option<String>,
    pub sent_at: Option<Micros>,
    /// A JSON object.
    pub metadata: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    pub id: String,
    pub conversation_id: String,
    pub seq: u64,
    pub sender_customer_id: Option<String>,
    pub direction: Direction,
    pub body: Option<String>,
    pub content_type: String,
    pub media_id: Option<String>,
    pub channel: Option<String>,
    pub channel_account_id: Option<String>,
    pub external_message_id: Option<String>,
    pub client_ref: Option<String>,
    pub status: Status,
    pub sent_at: Micros,
    pub metadata: String,
    pub created_at: Micros,
    pub updated_at: Micros,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inserted {
    pub message: Message,
    /// The message was there already.
    pub duplicate: bool,
}

/// What is absent stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    pub body: Option<String>,
    pub status: Option<Status>,
    /// The version that is to be changed.
    pub version: Option<Micros>,
}

/// Which part of a conversation to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Position {
    /// Below this sequence number, the highest first.
    Before(u64),
    /// Past this sequence number, the lowest first.
    After(u64),
}

#[expect(async_fn_in_trait, reason = "a guest is single-threaded: no bound is needed")]
pub trait Store {
    /// Each with its event, or the message that is there already; all in one transaction.
    async fn insert(&self, context: &Context, new: &[NewMessage], now: Micros) -> Result<Vec<Inserted>, Error>;
    async fn insert_once(
        &self,
        context: &Context,
        new: &NewMessage,
        now: Micros,
        once: Option<&Once<'_, Inserted>>,
    ) -> Result<Done<Inserted>, Error>;
    /// Each with what follows for its message; all in one transaction.
    async fn record(&self, context: &Context, receipts: &[Receipt], now: Micros) -> Result<Vec<Outcome>, Error>;
    async fn get(&self, tenant: &str, id: &str) -> Result<Option<Message>, Error>;
    async fn get_many(&self, tenant: &str, ids: &[String]) -> Result<Vec<Message>, Error>;
    /// The change, what was before, and the event in one transaction.
    async fn update(&self, context: &Context, id: &str, changes: &Changes, now: Micros) -> Result<Message, Error>;
    /// Sets the message forward, with its event; all in one transaction.
    async fn deliver(&self, context: &Context, delivery: &Delivery, now: Micros) -> Result<Message, Error>;
    /// Queues the message again: the change, what was before, and the event in one transaction.
    async fn retry(
        &self,
        context: &Context,
        id: &str,
        now: Micros,
        once: Option<&Once<'_, Message>>,
    ) -> Result<Done<Message>, Error>;
    /// When each customer's newest message to the account was sent, in order.
    async fn last_heard(&self, tenant: &str, parties: &[&Party]) -> Result<Vec<Option<Micros>>, Error>;
    /// At most `limit` of a conversation's messages on an account, the newest first.
    async fn recent(
        &self,
        tenant: &str,
        conversation_id: &str,
        account: &str,
        limit: u32,
    ) -> Result<Vec<Recent>, Error>;
    /// At most `limit` messages from there, and how many the conversation has.
    async fn list(
        &self,
        tenant: &str,
        conversation_id: &str,
        from: Position,
        limit: u32,
    ) -> Result<(Vec<Message>, u64), Error>;
    /// What becomes of its media: the change and its event in one transaction.
    async fn set_media(&self, context: &Context, change: &MediaChange, now: Micros) -> Result<Message, Error>;
    /// At most `limit` that come after `from`, in the filter's order, whatever is said in them.
    async fn list_all(&self, tenant: &str, filter: &Filter, from: &Keyset, limit: u32) -> Result<Vec<Message>, Error>;
    /// At most `limit` that are found by the words, each with its place in that list; those after the place `from`.
    async fn search(
        &self,
        tenant: &str,
        words: &Words,
        filter: &Filter,
        from: Option<&str>,
        limit: u32,
    ) -> Result<Vec<(String, Message)>, Error>;
    async fn search_conversations(&self, tenant: &str, words: &Words, limit: u32) -> Result<Vec<String>, Error>;
    /// Brings the search's index closer to what is stored.
    async fn index_more(&self) -> Result<(), Error>;
    /// At most `limit` with a number below `before`, the highest first.
    async fn versions(&self, tenant: &str, id: &str, before: u64, limit: u32) -> Result<Vec<Version>, Error>;
    async fn reported(&self, tenant: &str, message: &Message) -> Result<Vec<Reported>, Error>;
    /// Removes what was said to and by a customer who is forgotten. False when there is more than one turn can do.
    async fn erase(&self, event: &Incoming, erasure: &Erasure, now: Micros) -> Result<bool, Error>;
    async fn place_of(&self, tenant: &str, id: &str) -> Result<Option<Place>, Error>;
}

/// Stores each or finds it stored, in order; one bad message does not fail the others.
pub async fn insert_many(
    store: &impl Store,
    context: &Context,
    messages: Vec<NewMessage>,
    now: Micros,
) -> Result<Vec<Result<Inserted, Error>>, Error> {
    if messages.len() > MAX_ITEMS {
        return Err(invalid("messages", format!("at most {MAX_ITEMS}")));
    }
    let checks: Vec<_> = messages.iter().map(check).collect();
    let valid: Vec<_> = messages.into_iter().zip(&checks).filter(|(_, check)| check.is_ok()).map(|(m, _)| m).collect();
    let stored = if valid.is_empty() { Vec::new() } else { store.insert(context, &valid, now).await? };
    let mut stored = stored.into_iter();
    let answer =
        |check: Result<(), Error>| check.and_then(|()| stored.next().ok_or(Error::Internal("no answer".into())));
    Ok(checks.into_iter().map(answer).collect())
}

pub fn check(new: &NewMessage) -> Result<(), Error> {
    let is_id = |id: &String| ids::parse(id).as_ref() == Some(id);
    let fits = |text: &Option<String>, max: usize| {
        text.as_ref().is_none_or(|t| (1..=max).contains(&t.len()) && !t.contains('\0'))
    };
    if !is_id(&new.conversation_id) {
        return Err(invalid("conversation_id", "must be a UUID"));
    }
    if !new.sender_customer_id.as_ref().is_none_or(is_id) {
        return Err(invalid("sender_customer_id", "must be a UUID"));
    }
    if new.body.as_ref().is_some_and(|body| body.len() > MAX_BODY_BYTES || body.contains('\0')) {
        return Err(invalid("body", "is too long or contains NUL"));
    }
    if !(1..=MAX_WORD).contains(&new.content_type.len()) {
        return Err(invalid("content_type", "is empty or too long"));
    }
    let refs = [&new.media_id, &new.channel, &new.channel_account_id, &new.external_message_id, &new.client_ref];
    if !refs.into_iter().all(|text| fits(text, 4 * MAX_REF)) {
        return Err(invalid("external_message_id", "or another reference is empty or too long"));
    }
    if new.metadata.len() > MAX_METADATA_BYTES || !input::is_object(&new.metadata) {
        return Err(invalid("metadata", "must be a JSON object of at most 256 KiB"));
    }
    Ok(())
}

/// The kind of message that a media type stands for. Without a file, ours or one that the metadata name, it stands for nothing; plain
/// text is what the body is.
pub fn kind_of(media_type: &str, is_attached: bool, metadata: &str) -> Option<&'static str> {
    let essence = media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let (family, subtype) = essence.split_once('/').filter(|(_, subtype)| !subtype.is_empty())?;
    let metadata: serde_json::Value = serde_json::from_str(metadata).unwrap_or_default();
    let has_file = is_attached || metadata.get("media").is_some_and(serde_json::Value::is_object);
    match family {
        "image" if has_file => Some("image"),
        "audio" if has_file => Some("audio"),
        "video" if has_file => Some("video"),
        "application" | "text" if has_file => Some("document"),
        "text" if subtype == "plain" => Some("text"),
        _ => None,
    }
}

/// A message that the provider has an id for has left us; what has come in is here.
pub fn first_status(new: &NewMessage) -> Status {
    match (new.direction, &new.external_message_id) {
        (Direction::Inbound | Direction::System, _) => Status::Delivered,
        (Direction::Outbound, Some(_)) => Status::Sent,
        (Direction::Outbound, None) => Status::Queued,
    }
}

pub async fn get(store: &impl Store, context: &Context, id: &str) -> Result<Message, Error> {
    store.get(&context.tenant, id).await?.ok_or(Error::NotFound)
}

pub async fn get_many(store: &impl Store, context: &Context, ids: &[String]) -> Result<Vec<Message>, Error> {
    match ids.len() {
        0 => Ok(Vec::new()),
        n if n > MAX_IDS => Err(invalid("ids", format!("at most {MAX_IDS}"))),
        _ => store.get_many(&context.tenant, ids).await,
    }
}

/// Whether the change may be made to this message.
pub fn check_change(message: &Message, changes: &Changes) -> Result<(), Error> {
    etag::check(changes.version, message.updated_at)?;
    let Some(status) = changes.status else { return Ok(()) };
    if message.direction != Direction::Outbound && status < Status::Delivered {
        return Err(invalid(
            "status",
            format!("of a message that came in is delivered or read, not {}", status.as_str()),
        ));
    }
    if status < message.status {
        let (from, to) = (message.status.as_str(), status.as_str());
        return Err(Error::Conflict(format!("the status is {from} and does not go back to {to}")));
    }
    Ok(())
}

/// A page of a conversation. With `after`, past that number in the order of writing; else the newest first.
pub async fn list(
    store: &impl Store,
    context: &Context,
    conversation_id: &str,
    cursor: Option<&str>,
    after: Option<u64>,
    limit: u32,
) -> Result<(Page<Message>, u64), Error> {
    let name = format!("messages/{}/{conversation_id}", context.tenant);
    let from = match (cursor, after) {
        (Some(cursor), _) => pagination::open(&name, cursor).and_then(|p| position(&p)).ok_or(Error::BadCursor)?,
        (None, Some(seq)) => Position::After(seq),
        (None, None) => Position::Before(u64::MAX),
    };
    let (rows, total) = store.list(&context.tenant, conversation_id, from, limit + 1).await?;
    let word = if matches!(from, Position::After(_)) { "after" } else { "before" };
    let page = Page::cut(rows, limit, |last| pagination::seal(&name, &format!("{word}:{}", last.seq)));
    Ok((page, total))
}

fn position(text: &str) -> Option<Position> {
    let (word, seq) = text.split_once(':')?;
    let seq = seq.parse().ok()?;
    match word {
        "after" => Some(Position::After(seq)),
        "before" => Some(Position::Before(seq)),
        _ => None,
    }
}
