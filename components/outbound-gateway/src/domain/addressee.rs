//! To whom a message goes: the one other side of its conversation, by the address that the channel reaches, while that is allowed.

use sdk::Context;

use super::Platform;
use super::services::{CallError, Conversation, Identity, Message, Party, Person, Services, Window};
use crate::provider::{Failure, Outgoing, Provider, Recipient};

/// Of a direct conversation, in which one is a customer and the others are of the business.
const MAX_ASKED: usize = 10;

/// The other side.
pub(super) struct Addressee {
    pub customer_id: Option<String>,
    /// Where the provider needs one.
    pub recipient: Option<Recipient>,
}

/// The one other side. Where several take part in a direct conversation, it is the one whom this channel reaches: agents are customers
/// without an address.
pub(super) async fn addressee<P: Platform>(
    platform: &P,
    context: &Context,
    provider: &dyn Provider,
    message: &Message,
    conversation: &Conversation,
    outgoing: &Outgoing,
) -> Result<Result<Addressee, Failure>, CallError> {
    let others = conversation.participants.iter().filter(|id| message.sender_customer_id.as_ref() != Some(id));
    let others: Vec<String> = others.cloned().collect();
    if provider.identities(&outgoing.account).is_empty() {
        let customer_id = if others.len() == 1 { others.into_iter().next() } else { None };
        return Ok(Ok(Addressee { customer_id, recipient: None }));
    }
    let most = if conversation.is_direct { MAX_ASKED } else { 1 };
    if others.is_empty() || others.len() > most {
        let reason = format!("{} customers take part: only a message to one can be sent by this channel", others.len());
        return Ok(Err(Failure::new("no_recipient", reason)));
    }
    let people = platform.services().people(context, &others).await?;
    let reached = people.iter().filter_map(|person| {
        let recipient = address(provider, person, outgoing)?;
        Some(Addressee { customer_id: Some(person.id.clone()), recipient: Some(recipient) })
    });
    let mut reached: Vec<Addressee> = reached.collect();
    let reason = match (people.len(), reached.len()) {
        (_, 1) => return Ok(Ok(reached.remove(0))),
        (0, _) => "the customer is gone".to_owned(),
        (_, 0) => "the customer has no address on this channel".to_owned(),
        (_, several) => {
            format!(
                "{several} customers are reached by this channel: say by `sender_customer_id` which of them sends it"
            )
        }
    };
    Ok(Err(Failure::new("no_recipient", reason)))
}

/// The provider's preferred kind first; of a kind, what this account knows before what holds everywhere.
fn address(provider: &dyn Provider, person: &Person, outgoing: &Outgoing) -> Option<Recipient> {
    let here = |identity: &&Identity| identity.channel_account_id == outgoing.account;
    let everywhere = |identity: &&Identity| matches!(identity.kind.as_str(), "phone" | "email" | "address");
    let of_kind = |kind: &str| {
        let mut same = person.identities.iter().filter(move |identity| kind == "*" || identity.kind == kind);
        same.clone().find(here).or_else(|| same.find(everywhere))
    };
    let known = provider.identities(&outgoing.account).iter().find_map(|kind| of_kind(kind));
    let known = known.map(|identity| (identity.kind.clone(), identity.value.clone()));
    let (kind, value) = known.or_else(|| named(provider, person, outgoing))?;
    Some(Recipient { kind, value, name: person.name.clone() })
}

/// A customer that the API made is known by its external id only.
fn named(provider: &dyn Provider, person: &Person, outgoing: &Outgoing) -> Option<(String, String)> {
    if person.external_type != outgoing.channel {
        return None;
    }
    let is_number = person.external_id.trim_start_matches('+').bytes().all(|byte| byte.is_ascii_digit());
    let kinds = provider.identities(&outgoing.account);
    let kind = if kinds.contains(&"bsuid") && !is_number { "bsuid" } else { kinds.first().copied()? };
    let kind = if kind == "*" { "external-id" } else { kind };
    Some((kind.to_owned(), person.external_id.clone()))
}

/// Of the customer on this account, whichever conversation it is.
pub(super) async fn window<P: Platform>(
    platform: &P,
    context: &Context,
    provider: &dyn Provider,
    outgoing: &Outgoing,
    customer_id: Option<&str>,
) -> Result<Result<(), Failure>, CallError> {
    let Some(customer_id) = customer_id.filter(|_| provider.needs_window(outgoing)) else { return Ok(Ok(())) };
    let closed = match platform.services().window(context, &party(outgoing, customer_id)).await? {
        Window::Unlimited => return Ok(Ok(())),
        Window::ClosesAt(at) if outgoing.now < at => return Ok(Ok(())),
        Window::ClosesAt(_) => "wrote last more than 24 hours ago",
        Window::NeverOpened => "has not written to this account yet",
    };
    let reason = format!("the customer {closed}: only an approved template may be sent");
    Ok(Err(Failure::new("window_closed", reason)))
}

pub(super) fn party(outgoing: &Outgoing, customer_id: &str) -> Party {
    Party {
        channel: outgoing.channel.clone(),
        channel_account_id: outgoing.account.clone(),
        customer_id: customer_id.to_owned(),
    }
}
