//! The services: one message, its conversation and its customer, or no answer.

use outbound_gateway::domain::services::{
    Alias, Attachment, CallError, ChannelAccount, Conversation, Message, Party, Person, Report, Services, Window,
};
use outbound_gateway::provider::Earlier;
use sdk::Context;

use super::{CONVERSATION, CUSTOMER, MEDIA, World};

impl Services for World {
    async fn message(&self, _: &Context, id: &str) -> Result<Option<Message>, CallError> {
        self.is_up().map(|()| self.message.borrow().clone().filter(|message| message.id == id))
    }

    async fn conversation(&self, _: &Context, id: &str) -> Result<Option<Conversation>, CallError> {
        self.is_up().map(|()| (id == CONVERSATION).then(|| self.conversation.borrow().clone()))
    }

    async fn people(&self, _: &Context, ids: &[String]) -> Result<Vec<Person>, CallError> {
        self.is_up()?;
        let known = [self.person.borrow().clone(), self.colleague.borrow().clone()];
        Ok(known.into_iter().filter(|one| ids.contains(&one.id)).collect())
    }

    /// As messaging has it.
    async fn window(&self, _: &Context, party: &Party) -> Result<Window, CallError> {
        self.is_up()?;
        let is_limited = party.channel == "whatsapp"
            || ["whatsapp:", "messenger:"].iter().any(|prefix| party.channel_account_id.starts_with(prefix));
        Ok(match self.last_inbound_at.get().filter(|_| party.customer_id == CUSTOMER) {
            _ if !is_limited => Window::Unlimited,
            None => Window::NeverOpened,
            Some(at) => Window::ClosesAt(at + 24 * 3_600_000_000),
        })
    }

    async fn earlier(&self, _: &Context, id: &str, _: &str) -> Result<Vec<Earlier>, CallError> {
        self.is_up()?;
        assert_eq!(id, CONVERSATION);
        Ok(self.earlier.borrow().clone())
    }

    async fn route_answers(&self, _: &Context, conversation_id: &str, party: &Party) -> Result<(), CallError> {
        self.is_up()?;
        self.routed.borrow_mut().push((conversation_id.to_owned(), party.clone()));
        if self.conversation.borrow().is_direct { Ok(()) } else { Err(CallError::Refused("a group".to_owned())) }
    }

    async fn learn(&self, _: &Context, channel: &str, account: &str, aliases: &[Alias]) -> Result<(), CallError> {
        assert_eq!(channel, "whatsapp");
        self.is_up()?;
        if self.forgetful.get() {
            return Err(CallError::Unavailable("forgetful".to_owned()));
        }
        self.learned.borrow_mut().extend(aliases.iter().map(|alias| (account.to_owned(), alias.clone())));
        Ok(())
    }

    async fn account(
        &self,
        context: &Context,
        channel: &str,
        name: Option<&str>,
    ) -> Result<Option<ChannelAccount>, CallError> {
        self.is_up()?;
        let accounts = self.accounts.borrow();
        let mut own = accounts.iter().filter(|(tenant, kind, _)| *tenant == context.tenant && kind == channel);
        let found = own.find(|(_, _, account)| name.map_or(!account.is_disabled, |name| account.name == name));
        Ok(found.map(|(_, _, account)| account.clone()))
    }

    async fn attachment(&self, _: &Context, id: &str) -> Result<Option<Attachment>, CallError> {
        self.is_up().map(|()| self.attachment.borrow().clone().filter(|_| id == MEDIA))
    }

    async fn attachment_bytes(&self, _: &Context, _: &str) -> Result<Vec<u8>, CallError> {
        self.is_up().map(|()| b"the bytes".to_vec())
    }

    /// As `messaging` does: what is not queued any more stays as it is.
    async fn report(&self, _: &Context, report: Report) -> Result<(), CallError> {
        self.is_up()?;
        if self.deaf.get() {
            return Err(CallError::Unavailable("deaf".to_owned()));
        }
        if let Some(message) = self.message.borrow_mut().as_mut() {
            message.is_queued = false;
        }
        self.reports.borrow_mut().push(report);
        Ok(())
    }
}

impl World {
    fn is_up(&self) -> Result<(), CallError> {
        if self.down.get() { Err(CallError::Unavailable("down".to_owned())) } else { Ok(()) }
    }
}
