//! The services' typed interfaces, over what the world keeps.

use std::cell::RefCell;
use std::collections::HashSet;

use api_gateway::clients::{
    CallError, CallResult, Conversation, ConversationPage, Conversations, Customer, Customers, Filter, MessagePage,
    Messages, Touch,
};
use api_gateway::routes::Service;
use sdk::Context;

use crate::world::World;

fn of_tenant<T: Clone>(rows: &RefCell<Vec<(String, T)>>, tenant: &str, keep: impl Fn(&T) -> bool) -> Vec<T> {
    rows.borrow().iter().filter(|(owner, row)| owner == tenant && keep(row)).map(|(_, row)| row.clone()).collect()
}

/// The fakes' cursors: the place in the list.
fn place(cursor: Option<String>) -> CallResult<usize> {
    cursor.map_or(Ok(0), |cursor| cursor.parse().map_err(|_| CallError::Invalid("cursor: not one of ours".into())))
}

fn cut<T>(mut rows: Vec<T>, from: usize, limit: u32) -> (Vec<T>, Option<String>) {
    let end = from + limit as usize;
    let next = (rows.len() > end).then(|| end.to_string());
    rows.truncate(end);
    (rows.split_off(from.min(rows.len())), next)
}

impl Customers for World {
    async fn get_customers(&self, ctx: Context, ids: Vec<String>) -> CallResult<Vec<Customer>> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        self.called(Service::Customer, "customers.get-many", &ctx).await?;
        assert!(ids.len() <= 500, "the interface takes at most 500 ids");
        let wanted: HashSet<_> = ids.into_iter().collect();
        Ok(of_tenant(&self.customers, &ctx.tenant, |one| wanted.contains(&one.id)))
    }
}

impl Conversations for World {
    async fn get_conversations(&self, ctx: Context, ids: Vec<String>) -> CallResult<Vec<Conversation>> {
        self.called(Service::Conversation, "conversations.get-many", &ctx).await?;
        Ok(of_tenant(&self.conversations, &ctx.tenant, |one| ids.contains(&one.id)))
    }

    async fn list_conversations(
        &self,
        ctx: Context,
        filter: Filter,
        cursor: Option<String>,
        limit: u32,
    ) -> CallResult<ConversationPage> {
        self.called(Service::Conversation, "conversations.list-page", &ctx).await?;
        let from = place(cursor)?;
        let mut found = of_tenant(&self.conversations, &ctx.tenant, |one| {
            filter.status.is_none_or(|status| status == one.status)
                && filter.channel.as_ref().is_none_or(|channel| Some(channel) == one.channel.as_ref())
                && filter.customer_id.as_ref().is_none_or(|id| one.participants.iter().any(|p| p.customer_id == *id))
        });
        found.sort_by_key(|one| std::cmp::Reverse((one.last_message_at.unwrap_or(one.created_at), one.id.clone())));
        let (conversations, next_cursor) = cut(found, from, limit);
        Ok(ConversationPage { conversations, next_cursor })
    }

    async fn touch(&self, ctx: Context, touches: Vec<Touch>) -> CallResult<()> {
        self.called(Service::Conversation, "conversations.touch-many", &ctx).await?;
        if self.touches_to_fail.get() > 0 {
            self.touches_to_fail.set(self.touches_to_fail.get() - 1);
            return Err(CallError::Unavailable("overloaded".into()));
        }
        let mut conversations = self.conversations.borrow_mut();
        for touch in touches {
            let (_, one) =
                conversations.iter_mut().find(|(_, one)| one.id == touch.conversation_id).ok_or(CallError::NotFound)?;
            if touch.seq > one.last_seq {
                one.last_seq = touch.seq;
                one.last_message_at = Some(touch.at);
                one.last_message_preview = Some(touch.preview);
                one.unread_count += u64::from(touch.inbound);
            }
        }
        Ok(())
    }
}

impl Messages for World {
    async fn list_messages(
        &self,
        ctx: Context,
        conversation: String,
        cursor: Option<String>,
        after: Option<u64>,
        limit: u32,
    ) -> CallResult<MessagePage> {
        self.called(Service::Messaging, "messages.list-page", &ctx).await?;
        let from = place(cursor)?;
        let mut found = of_tenant(&self.messages, &ctx.tenant, |one| one.conversation_id == conversation);
        let total = found.len() as u64;
        match after {
            Some(after) => found.retain(|one| one.seq > after),
            None => found.reverse(),
        }
        let (messages, next_cursor) = cut(found, from, limit);
        Ok(MessagePage { messages, next_cursor, total })
    }
}
