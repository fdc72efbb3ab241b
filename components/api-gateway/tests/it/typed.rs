//! The services' typed interfaces, over what the world keeps.

use std::cell::RefCell;
use std::collections::HashSet;

use api_gateway::clients::conversations::Sort;
use api_gateway::clients::messages::Direction;
use api_gateway::clients::{
    CallError, CallResult, Conversation, ConversationPage, ConversationQuery, Conversations, Customer, Customers,
    FoundMessages, Message, MessagePage, MessageQuery, Messages, Party, Place, Reading, ReplyWindow, Rewording, Touch,
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

fn holds(text: Option<&str>, words: &str) -> bool {
    let text = text.unwrap_or_default().to_lowercase();
    words.to_lowercase().split(' ').all(|word| text.contains(word))
}

fn is_inbound_in(message: &Message, conversation: &str, up_to: u64) -> bool {
    message.conversation_id == conversation && message.seq <= up_to && message.direction == Direction::Inbound
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

    async fn find_customers(&self, ctx: Context, text: String, limit: u32) -> CallResult<Vec<String>> {
        self.called(Service::Customer, "customers.find-ids", &ctx).await?;
        let found = of_tenant(&self.customers, &ctx.tenant, |one| holds(one.name.as_deref(), &text));
        Ok(found.into_iter().map(|one| one.id).take(limit as usize).collect())
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
        query: ConversationQuery,
        cursor: Option<String>,
        limit: u32,
    ) -> CallResult<ConversationPage> {
        self.called(Service::Conversation, "conversations.find-page", &ctx).await?;
        let from = place(cursor)?;
        let mut found = of_tenant(&self.conversations, &ctx.tenant, |one| {
            let has = |id: &String| one.participants.iter().any(|p| p.customer_id == *id);
            query.status.is_none_or(|status| status == one.status)
                && query.channel.as_ref().is_none_or(|channel| Some(channel) == one.channel.as_ref())
                && query.customer_id.as_ref().is_none_or(has)
                && query.unread.is_none_or(|unread| unread == (one.unread_count > 0))
                && query.created_from.is_none_or(|from| one.created_at >= from)
                && query.created_until.is_none_or(|until| one.created_at < until)
                && query.search.as_ref().is_none_or(|search| {
                    holds(one.subject.as_deref(), &search.text)
                        || search.conversation_ids.contains(&one.id)
                        || search.customer_ids.iter().any(has)
                })
        });
        found.sort_by_key(|one| match query.sort {
            Sort::LastMessageDown | Sort::LastMessageUp => {
                (one.last_message_at.unwrap_or(one.created_at), one.id.clone())
            }
            Sort::CreatedDown | Sort::CreatedUp => (one.created_at, one.id.clone()),
        });
        if matches!(query.sort, Sort::LastMessageDown | Sort::CreatedDown) {
            found.reverse();
        }
        let (conversations, next_cursor) = cut(found, from, limit);
        Ok(ConversationPage { conversations, next_cursor })
    }

    async fn mark_read(&self, ctx: Context, reading: Reading) -> CallResult<Conversation> {
        self.called(Service::Conversation, "conversations.mark-read", &ctx).await?;
        let mut conversations = self.conversations.borrow_mut();
        let found =
            conversations.iter_mut().find(|(owner, one)| *owner == ctx.tenant && one.id == reading.conversation_id);
        let (_, one) = found.ok_or(CallError::NotFound)?;
        // Every message of the tests is touched once, so what came in is all that was ever unread.
        let inbound =
            of_tenant(&self.messages, &ctx.tenant, |message| is_inbound_in(message, &one.id, u64::MAX)).len() as u64;
        one.unread_count = inbound - reading.inbound;
        Ok(one.clone())
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

    async fn reword(&self, ctx: Context, rewording: Rewording) -> CallResult<()> {
        self.called(Service::Conversation, "conversations.reword", &ctx).await?;
        let mut conversations = self.conversations.borrow_mut();
        let shown = conversations.iter_mut().find(|(owner, one)| {
            *owner == ctx.tenant && one.id == rewording.conversation_id && one.last_seq == rewording.seq
        });
        if let Some((_, one)) = shown {
            one.last_message_preview = Some(rewording.preview);
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

    async fn find_messages(
        &self,
        ctx: Context,
        query: MessageQuery,
        cursor: Option<String>,
        limit: u32,
    ) -> CallResult<FoundMessages> {
        self.called(Service::Messaging, "messages.find-page", &ctx).await?;
        let from = place(cursor)?;
        let mut found = of_tenant(&self.messages, &ctx.tenant, |one| {
            query.conversation_id.as_ref().is_none_or(|id| *id == one.conversation_id)
                && holds(one.body.as_deref(), &query.text)
        });
        found.reverse();
        let (messages, next_cursor) = cut(found, from, limit);
        Ok(FoundMessages { messages, next_cursor })
    }

    async fn conversations_saying(&self, ctx: Context, text: String, limit: u32) -> CallResult<Vec<String>> {
        self.called(Service::Messaging, "messages.find-conversations", &ctx).await?;
        let found = of_tenant(&self.messages, &ctx.tenant, |one| holds(one.body.as_deref(), &text));
        Ok(found.into_iter().map(|one| one.conversation_id).take(limit as usize).collect())
    }

    async fn place_of(&self, ctx: Context, message: String) -> CallResult<Place> {
        self.called(Service::Messaging, "messages.place-of", &ctx).await?;
        let found = of_tenant(&self.messages, &ctx.tenant, |one| one.id == message).pop().ok_or(CallError::NotFound)?;
        let before = |one: &Message| is_inbound_in(one, &found.conversation_id, found.seq);
        let inbound = of_tenant(&self.messages, &ctx.tenant, before).len() as u64;
        Ok(Place { conversation_id: found.conversation_id, seq: found.seq, inbound })
    }

    /// As messaging has it: a day from the last word of the customer.
    async fn reply_windows(&self, ctx: Context, parties: Vec<Party>) -> CallResult<Vec<ReplyWindow>> {
        self.called(Service::Messaging, "messages.reply-windows", &ctx).await?;
        assert!(parties.len() <= 100, "the interface takes at most 100 parties");
        let window = |party: Party| {
            let is_theirs = |one: &Message| {
                one.direction == Direction::Inbound && one.sender_customer_id.as_ref() == Some(&party.customer_id)
            };
            let heard = of_tenant(&self.messages, &ctx.tenant, is_theirs).iter().map(|one| one.sent_at).max();
            match (party.channel.as_str(), heard) {
                ("whatsapp", Some(at)) => ReplyWindow::ClosesAt(at + 86_400_000_000),
                ("whatsapp", None) => ReplyWindow::NeverOpened,
                _ => ReplyWindow::Unlimited,
            }
        };
        Ok(parties.into_iter().map(window).collect())
    }
}
