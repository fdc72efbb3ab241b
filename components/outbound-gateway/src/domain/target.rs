//! Where a message goes: by which channel and account, to whom, and whether it may.

use std::collections::BTreeMap;

use sdk::Context;
use sha2::{Digest, Sha256};

use super::addressee::{Addressee, addressee, party, window};
use super::attachment::attach;
use super::services::{CallError, ChannelAccount, Message, Services};
use super::{Order, Platform};
use crate::provider::{self, Failure, Outgoing, Provider, Settings, web};

/// Whose credentials the variables are.
const DEFAULT_TENANT: &str = "default";

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

/// With `with_earlier` also what was said before, where the provider does not ask for it itself. The error is for now: a service does
/// not answer.
pub(super) async fn aim<P: Platform>(
    platform: &P,
    order: &Order,
    message: &Message,
    with_earlier: bool,
) -> Result<Aimed, CallError> {
    let context = &order.context;
    let conversation = platform.services().conversation(context, &message.conversation_id).await?.unwrap_or_default();
    let channel = message.channel.as_deref().or(conversation.channel.as_deref());
    let provider = provider::of(channel);
    let has_channel = channel.is_some();
    let channel = channel.unwrap_or(web::CHANNEL).to_owned();
    let named = message.channel_account_id.as_ref().or(conversation.channel_account_id.as_ref());
    let own = own_account(platform, context, provider, &channel, named.map(String::as_str)).await?;
    let settings = settings(platform, context, provider, own.as_ref()).await.map_err(CallError::Unavailable)?;
    let account = named.cloned().or_else(|| sender(provider, own.as_ref(), &settings));
    let permitted = permitted(context, provider, &settings, own.as_ref(), account.as_deref());
    let has_account = has_channel && account.is_some();
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
        earlier: Vec::new(),
        attached: None,
        now: platform.now(),
    };
    let found = match permitted {
        Ok(()) => addressee(platform, context, provider, message, &conversation, &outgoing).await?,
        Err(failure) => Err(failure),
    };
    let target = match found {
        Ok(Addressee { customer_id, recipient }) => {
            outgoing.recipient = recipient;
            if provider.follows_thread() || with_earlier {
                let earlier = platform.services().earlier(context, &outgoing.conversation_id, &account).await?;
                outgoing.earlier = earlier.into_iter().filter(|one| one.id != message.id).collect();
            }
            let allowed = match window(platform, context, provider, &outgoing, customer_id.as_deref()).await? {
                Ok(()) => attach(platform, context, provider, message, &mut outgoing).await?,
                Err(failure) => Err(failure),
            };
            if let (Ok(()), Some(customer_id), true) = (&allowed, &customer_id, has_account) {
                route_answers(platform, context, &outgoing, customer_id).await?;
            }
            allowed.map(|()| Target { provider, settings, outgoing })
        }
        Err(failure) => Err(failure),
    };
    Ok(Aimed { channel, account, target })
}

/// What the customer answers comes into the conversation from which we write, also when the customer never wrote before. A group's
/// conversation stays as it is.
async fn route_answers<P: Platform>(
    platform: &P,
    context: &Context,
    outgoing: &Outgoing,
    customer_id: &str,
) -> Result<(), CallError> {
    let party = party(outgoing, customer_id);
    match platform.services().route_answers(context, &outgoing.conversation_id, &party).await {
        Err(CallError::Refused(_)) => Ok(()),
        answered => answered,
    }
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
