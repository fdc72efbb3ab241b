//! Where a message goes: by which channel and account, to whom, and whether it may.

use std::collections::BTreeMap;

use sdk::Context;
use sha2::{Digest, Sha256};

use super::attachment::attach;
use super::services::{CallError, ChannelAccount, Conversation, Identity, Message, Person, Services};
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
    let channel = channel.unwrap_or(web::CHANNEL).to_owned();
    let named = message.channel_account_id.as_ref().or(conversation.channel_account_id.as_ref());
    let own = own_account(platform, context, provider, &channel, named.map(String::as_str)).await?;
    let settings = settings(platform, context, provider, own.as_ref()).await.map_err(CallError::Unavailable)?;
    let account = named.cloned().or_else(|| sender(provider, own.as_ref(), &settings));
    let permitted = permitted(context, provider, &settings, own.as_ref(), account.as_deref());
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
        attached: None,
        now: platform.now(),
    };
    let found = match permitted {
        Ok(()) => recipient(platform, context, provider, message, &conversation, &outgoing).await?,
        Err(failure) => Err(failure),
    };
    let target = match found {
        Ok(recipient) => {
            outgoing.recipient = recipient;
            let allowed = match window(platform, context, provider, &outgoing).await? {
                Ok(()) => attach(platform, context, provider, message, &mut outgoing).await?,
                Err(failure) => Err(failure),
            };
            allowed.map(|()| Target { provider, settings, outgoing })
        }
        Err(failure) => Err(failure),
    };
    Ok(Aimed { channel, account, target })
}

async fn own_account<P: Platform>(
    platform: &P,
    context: &Context,
    provider: &dyn Provider,
    channel: &str,
    name: Option<&str>,
) -> Result<Option<ChannelAccount>, CallError> {
    if provider.credentials().is_empty() {
        return Ok(None);
    }
    platform.services().account(context, channel, name).await
}

/// Whom a message is from that names nobody.
fn sender(provider: &dyn Provider, own: Option<&ChannelAccount>, settings: &Settings) -> Option<String> {
    let own = own.filter(|own| provider.is_sender(&own.name)).map(|own| own.name.clone());
    own.or_else(|| settings.get(provider.default_account()?).map(str::to_owned))
}

/// The account's own credentials where it has some. The variables' are the tenant `default`'s, and so is the account that they name.
async fn settings<P: Platform>(
    platform: &P,
    context: &Context,
    provider: &dyn Provider,
    own: Option<&ChannelAccount>,
) -> Result<Settings, String> {
    let names = provider.settings().iter().chain(provider.options()).copied().chain(provider.default_account());
    let mut settings = own_settings(provider, own);
    let has_own = !settings.is_empty();
    for name in names {
        let is_credential = provider.credentials().iter().any(|(_, variable)| *variable == name);
        let is_default = context.tenant == DEFAULT_TENANT;
        // Half of one account and half of another is none.
        let is_open = if is_credential { is_default && !has_own } else { is_default || !is_account(provider, name) };
        if let Some(value) = if is_open { platform.variable(name).await? } else { None } {
            settings.insert(name, value);
        }
    }
    Ok(Settings(settings))
}

fn own_settings(provider: &dyn Provider, own: Option<&ChannelAccount>) -> BTreeMap<&'static str, String> {
    let value = |(field, variable): &(&str, &'static str)| Some((*variable, own?.credentials.get(*field)?.clone()));
    provider.credentials().iter().filter_map(value).collect()
}

fn is_account(provider: &dyn Provider, name: &str) -> bool {
    provider.default_account() == Some(name)
}

fn permitted(
    context: &Context,
    provider: &dyn Provider,
    settings: &Settings,
    own: Option<&ChannelAccount>,
    account: Option<&str>,
) -> Result<(), Failure> {
    if provider.settings().is_empty() {
        return Ok(());
    }
    if own.is_some_and(|own| own.is_disabled) {
        return Err(Failure::new("channel_disabled", "the channel account is disabled: enable it, and send again"));
    }
    if let Some(reason) = not_set_up(context, provider, settings, account) {
        return Err(Failure::new("not_configured", reason));
    }
    Ok(())
}

/// What the channel still needs.
fn not_set_up(
    context: &Context,
    provider: &dyn Provider,
    settings: &Settings,
    account: Option<&str>,
) -> Option<String> {
    let missing = provider.settings().iter().find(|name| settings.get(name).is_none());
    if context.tenant != DEFAULT_TENANT {
        if provider.credentials().is_empty() {
            return Some("the deployment's settings for this channel are the tenant `default`'s".to_owned());
        }
        missing?;
        return Some(
            "this tenant has no account with credentials for the channel: add one at /api/v1/channels".to_owned(),
        );
    }
    match (missing, account, provider.default_account()) {
        (Some(missing), ..) => Some(format!("the channel is not set up: give the variable `{missing}` a value")),
        (None, None, Some(variable)) => {
            Some(format!("nothing says who sends: name an account, or give the variable `{variable}` a value"))
        }
        _ => None,
    }
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
