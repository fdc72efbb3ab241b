//! The services: one message, its conversation and its customer, or no answer.

use outbound_gateway::domain::services::{
    Attachment, CallError, ChannelAccount, Conversation, Message, Person, Report, Services,
};
use sdk::{Context, Micros};

use super::{CONVERSATION, CUSTOMER, MEDIA, World};

impl Services for World {
    async fn message(&self, _: &Context, id: &str) -> Result<Option<Message>, CallError> {
        self.is_up().map(|()| self.message.borrow().clone().filter(|message| message.id == id))
    }

    async fn conversation(&self, _: &Context, id: &str) -> Result<Option<Conversation>, CallError> {
        self.is_up().map(|()| (id == CONVERSATION).then(|| self.conversation.borrow().clone()))
    }

    async fn person(&self, _: &Context, id: &str) -> Result<Option<Person>, CallError> {
        self.is_up().map(|()| (id == CUSTOMER).then(|| self.person.borrow().clone()))
    }

    async fn last_inbound_at(&self, _: &Context, _: &str) -> Result<Option<Micros>, CallError> {
        self.is_up().map(|()| self.last_inbound_at.get())
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
