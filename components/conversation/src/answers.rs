//! Where answers arrive: what a customer writes comes into the conversation from which the business wrote last.

use sdk::{Context, Micros};

use crate::domain::{Conversation, Error, Kind, NewConversation, Store};

/// The conversation's customer on an account, whose messages arrive in it from now on.
pub async fn route(
    store: &impl Store,
    context: &Context,
    conversation_id: &str,
    direct: &NewConversation,
    now: Micros,
) -> Result<(), Error> {
    let conversation = store.get(&context.tenant, conversation_id).await?.ok_or(Error::NotFound)?;
    check(&conversation, direct)?;
    store.route_answers(context, &conversation, direct, now).await
}

/// Nobody is brought into a conversation by this: the customer is in it. A group's conversation is nobody's own.
fn check(conversation: &Conversation, direct: &NewConversation) -> Result<(), Error> {
    if conversation.kind != Kind::Direct {
        return Err(Error::Conflict("answers arrive in direct conversations only".to_owned()));
    }
    let takes_part = |id: &String| conversation.participants.iter().any(|one| one.customer_id == *id);
    match direct.participants.iter().all(takes_part) {
        true => Ok(()),
        false => Err(Error::Conflict("the customer takes no part in the conversation".to_owned())),
    }
}
