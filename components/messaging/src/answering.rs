//! What answering a customer needs to know: until when it is free, and what was said before.

use sdk::{Context, Micros, ids};

use crate::domain::{Direction, Error, Store, invalid};

/// How long WhatsApp and Messenger let a business answer freely, however they are reached.
const WINDOW: Micros = 24 * 3600 * 1_000_000;
pub const MAX_PARTIES: usize = 100;
pub const MAX_RECENT: u32 = 50;

/// A customer on one of our accounts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Party {
    pub channel: String,
    pub channel_account_id: String,
    pub customer_id: String,
}

/// Until when a customer may be answered freely; afterwards only approved templates go out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Window {
    /// The channel has no such rule.
    Unlimited,
    /// The customer has not written to this account.
    NeverOpened,
    /// It may be past.
    ClosesAt(Micros),
}

/// A message without its words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recent {
    pub id: String,
    pub seq: u64,
    pub direction: Direction,
    pub content_type: String,
    pub external_message_id: Option<String>,
    /// A JSON object, without what is long.
    pub metadata: String,
}

/// Twilio carries WhatsApp and Messenger too: there the account says what it is.
fn is_limited(party: &Party) -> bool {
    let account = party.channel_account_id.as_str();
    party.channel == "whatsapp" || account.starts_with("whatsapp:") || account.starts_with("messenger:")
}

/// The window of each, in order.
pub async fn windows(store: &impl Store, context: &Context, parties: &[Party]) -> Result<Vec<Window>, Error> {
    if parties.len() > MAX_PARTIES {
        return Err(invalid("parties", format!("at most {MAX_PARTIES}")));
    }
    let limited: Vec<&Party> = parties.iter().filter(|party| is_limited(party)).collect();
    let heard = if limited.is_empty() { Vec::new() } else { store.last_heard(&context.tenant, &limited).await? };
    let mut heard = heard.into_iter();
    let window = |party: &Party| match is_limited(party) {
        false => Window::Unlimited,
        true => heard.next().flatten().map_or(Window::NeverOpened, |at| Window::ClosesAt(at.saturating_add(WINDOW))),
    };
    Ok(parties.iter().map(window).collect())
}

/// A conversation's newest messages on an account, the newest first.
pub async fn recent(
    store: &impl Store,
    context: &Context,
    conversation_id: &str,
    account: &str,
    limit: u32,
) -> Result<Vec<Recent>, Error> {
    if !(1..=MAX_RECENT).contains(&limit) {
        return Err(invalid("limit", format!("must be 1 to {MAX_RECENT}")));
    }
    let id = ids::parse(conversation_id).ok_or(Error::NotFound)?;
    store.recent(&context.tenant, &id, account, limit).await
}
