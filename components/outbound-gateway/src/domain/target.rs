//! Where a message goes: by which channel and account, to whom, and whether it may.

use std::collections::BTreeMap;

use sdk::Context;
use sha2::{Digest, Sha256};

use super::services::{CallError, Conversation, Identity, Message, Person, Services};
use super::{Order, Platform};
use crate::provider::{self, Failure, Outgoing, Provider, Recipient, Settings, web};

/// Whose credentials the variables are.
const DEFAULT_TENANT: &str = "default";

/// WhatsApp's customer service window.
const WINDOW: sdk::Micros = 24 * 3600 * 1_000_000;

/// Everything that an attempt needs.
pub(super) struct Target {
    pub provider: &'static dyn Provider,
    pub settings: Settings,
    pub outgoing: Outgoing,
}

impl Target {
    /// Changes when the settings do: a stop holds for those that were refused.
    pub fn fingerprint(&self) -> String {
        let mut hash = Sha256::new();
        for (name, value) in &self.settings.0 {
            hash.update(name.as_bytes());
            hash.update([0]);
            hash.update(value.as_bytes());
            hash.update([0]);
        }
        hex::encode(hash.finalize())
    }
}

/// The target, or the reason why there is none; with the channel and account as far as they are known.
pub(super) struct Aimed {
    pub channel: String,
    pub account: String,
    pub target: Result<Target, Failure>,
}

/// The error is for now: a service does not answer.
pub(super) async fn aim<P: Platform>(platform: &P, order: &Order, message: &Message) -> Result<Aimed, CallError> {
    let context = &order.context;
    let conversation = platform.services().conversation(context, &message.conversation_id).await?.unwrap_or_default();
    let channel = message.channel.as_deref().or(conversation.channel.as_deref());
    let provider = provider::of(channel);
    let settings = settings(platform, provider).await.map_err(CallError::Unavailable)?;
    let account = message.channel_account_id.clone().or_else(|| conversation.channel_account_id.clone());
    let account = account.or_else(|| settings.get(provider.default_account()?).map(str::to_owned));
    let channel = channel.unwrap_or(web::CHANNEL).to_owned();
    let account = account.unwrap_or_else(|| channel.clone());
    let mut outgoing = Outgoing {
        message_id: message.id.clone(),
        conversation_id: message.conversation_id.clone(),
        channel: channel.clone(),
        account: account.clone(),
        recipient: None,
        kind: message.content_type.clone(),
        body: message.body.clone(),
        metadata: message.metadata.clone(),
        subject: conversation.subject.clone(),
        now: platform.now(),
    };
    let found = match permitted(context, provider, &settings, message) {
        Ok(()) => recipient(platform, context, provider, message, &conversation, &outgoing).await?,
        Err(failure) => Err(failure),
    };
    let target = match found {
        Ok(recipient) => {
            outgoing.recipient = recipient;
            window(platform, context, provider, &outgoing).await?.map(|()| Target { provider, settings, outgoing })
        }
        Err(failure) => Err(failure),
    };
    Ok(Aimed { channel, account, target })
}

async fn settings<P: Platform>(platform: &P, provider: &dyn Provider) -> Result<Settings, String> {
    let names = provider.settings().iter().chain(provider.options()).copied().chain(provider.default_account());
    let mut settings = BTreeMap::new();
    for name in names {
        if let Some(value) = platform.variable(name).await? {
            settings.insert(name, value);
        }
    }
    Ok(Settings(settings))
}

fn permitted(
    context: &Context,
    provider: &dyn Provider,
    settings: &Settings,
    message: &Message,
) -> Result<(), Failure> {
    if provider.settings().is_empty() {
        return Ok(());
    }
    if context.tenant != DEFAULT_TENANT {
        let reason = "this tenant has no credentials for the channel: the deployment's are the tenant `default`'s";
        return Err(Failure::new("not_configured", reason));
    }
    if let Some(missing) = provider.settings().iter().find(|name| settings.get(name).is_none()) {
        return Err(Failure::new(
            "not_configured",
            format!("the channel is not set up: give the variable `{missing}` a value"),
        ));
    }
    if message.media_id.is_some() && !message.metadata.contains_key("media") {
        let reason = "stored media cannot be sent yet: name them by a `url` under `media` in the metadata";
        return Err(Failure::new("no_media", reason));
    }
    Ok(())
}

/// The one other side. `Ok(None)` where the provider needs nobody.
async fn recipient<P: Platform>(
    platform: &P,
    context: &Context,
    provider: &dyn Provider,
    message: &Message,
    conversation: &Conversation,
    outgoing: &Outgoing,
) -> Result<Result<Option<Recipient>, Failure>, CallError> {
    if provider.identities().is_empty() {
        return Ok(Ok(None));
    }
    let others = conversation.participants.iter().filter(|id| message.sender_customer_id.as_ref() != Some(id));
    let others: Vec<&String> = others.collect();
    let [only] = others.as_slice() else {
        let reason = format!("{} customers take part: only a message to one can be sent by this channel", others.len());
        return Ok(Err(Failure::new("no_recipient", reason)));
    };
    let Some(person) = platform.services().person(context, only).await? else {
        return Ok(Err(Failure::new("no_recipient", "the customer is gone")));
    };
    let found = address(provider, &person, outgoing);
    let missing = || Failure::new("no_recipient", "the customer has no address on this channel");
    Ok(found.map(Some).ok_or_else(missing))
}

/// The provider's preferred kind first; of a kind, what this account knows before what holds everywhere.
fn address(provider: &dyn Provider, person: &Person, outgoing: &Outgoing) -> Option<Recipient> {
    let here = |identity: &&Identity| identity.channel_account_id == outgoing.account;
    let everywhere = |identity: &&Identity| matches!(identity.kind.as_str(), "phone" | "email" | "address");
    let of_kind = |kind: &str| {
        let mut same = person.identities.iter().filter(move |identity| kind == "*" || identity.kind == kind);
        same.clone().find(here).or_else(|| same.find(everywhere))
    };
    let known = provider.identities().iter().find_map(|kind| of_kind(kind));
    let known = known.map(|identity| (identity.kind.clone(), identity.value.clone()));
    let (kind, value) = known.or_else(|| named(provider, person, &outgoing.channel))?;
    Some(Recipient { kind, value, name: person.name.clone() })
}

/// A customer that the API made is known by its external id only.
fn named(provider: &dyn Provider, person: &Person, channel: &str) -> Option<(String, String)> {
    if person.external_type != channel {
        return None;
    }
    let is_number = person.external_id.trim_start_matches('+').bytes().all(|byte| byte.is_ascii_digit());
    let kinds = provider.identities();
    let kind = if kinds.contains(&"bsuid") && !is_number { "bsuid" } else { kinds.first().copied()? };
    let kind = if kind == "*" { "external-id" } else { kind };
    Some((kind.to_owned(), person.external_id.clone()))
}

async fn window<P: Platform>(
    platform: &P,
    context: &Context,
    provider: &dyn Provider,
    outgoing: &Outgoing,
) -> Result<Result<(), Failure>, CallError> {
    if !provider.has_window(outgoing) {
        return Ok(Ok(()));
    }
    let last = platform.services().last_inbound_at(context, &outgoing.conversation_id).await?;
    if last.is_some_and(|last| outgoing.now.saturating_sub(last) < WINDOW) {
        return Ok(Ok(()));
    }
    let since = if last.is_some() { "wrote last more than 24 hours ago" } else { "has not written yet" };
    let reason = format!("the customer {since}: only an approved template may be sent");
    Ok(Err(Failure::new("window_closed", reason)))
}
