//! The three services in memory: real rules, and moods in which real services are found.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;

use inbound_gateway::domain::services::{
    Batch, CallContext, CallError, Conversations, Customers, Direct, Inserted, Messages, NewMessage, Recorded, Touch,
};
use inbound_gateway::domain::{Contact, Receipt};

/// How a service is today.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Mood {
    #[default]
    Well,
    /// Answers `unavailable` and does nothing.
    Down,
    /// Does the work, and then its answer is lost.
    LosesAnswers,
    /// Never answers.
    Hangs,
    /// Answers fewer items than it was asked for.
    AnswersShort,
}

#[derive(Default)]
pub struct Line {
    mood: Cell<Mood>,
    /// Contexts of the calls that came.
    pub calls: RefCell<Vec<CallContext>>,
}

impl Line {
    pub fn is(&self, mood: Mood) {
        self.mood.set(mood);
    }

    async fn answer<T>(&self, ctx: CallContext, work: impl FnOnce() -> Vec<Result<T, CallError>>) -> Batch<T> {
        assert!(ctx.deadline_ms > 0, "0 would mean no limit");
        self.calls.borrow_mut().push(ctx);
        let lost = || CallError::Unfinished("unavailable: lost".to_owned());
        match self.mood.get() {
            Mood::Well => Ok(work()),
            Mood::Down => Err(CallError::Unfinished("unavailable: down".to_owned())),
            Mood::LosesAnswers => {
                work();
                Err(lost())
            }
            Mood::Hangs => std::future::pending().await,
            Mood::AnswersShort => {
                let mut answers = work();
                answers.pop();
                Ok(answers)
            }
        }
    }
}

#[derive(Default)]
pub struct CustomerService {
    pub line: Line,
    /// (tenant, account, kind, value) → customer id.
    pub identities: RefCell<HashMap<(String, String, String, String), String>>,
    pub names: RefCell<HashMap<String, String>>,
    /// A contact with this identity is refused.
    pub refuses: RefCell<Option<String>>,
}

impl Customers for CustomerService {
    async fn resolve_many(&self, ctx: CallContext, contacts: Vec<Contact>) -> Batch<String> {
        assert!(contacts.len() <= 500);
        let tenant = ctx.tenant.clone();
        self.line.answer(ctx, || contacts.into_iter().map(|contact| self.resolve(&tenant, contact)).collect()).await
    }
}

impl CustomerService {
    fn resolve(&self, tenant: &str, contact: Contact) -> Result<String, CallError> {
        let refused = self.refuses.borrow().clone();
        if contact.identities.iter().any(|identity| Some(&identity.value) == refused.as_ref()) {
            return Err(CallError::Refused("value: not a customer".to_owned()));
        }
        let mut known = self.identities.borrow_mut();
        let keys: Vec<_> = contact
            .identities
            .iter()
            .map(|i| (tenant.to_owned(), i.channel_account_id.clone(), i.kind.to_owned(), i.value.clone()))
            .collect();
        let next = format!("customer-{}", self.names.borrow().len() + 1);
        let id = keys.iter().find_map(|key| known.get(key).cloned()).unwrap_or(next);
        known.extend(keys.into_iter().map(|key| (key, id.clone())));
        self.names.borrow_mut().entry(id.clone()).or_insert(contact.name.unwrap_or_default());
        Ok(id)
    }
}

#[derive(Default)]
pub struct ConversationService {
    pub resolve_line: Line,
    pub touch_line: Line,
    /// Tenant and pair, in order of opening: `conversation-1`, …
    pub opened: RefCell<Vec<(String, Direct)>>,
    /// Conversation id → (last seq, its preview, how many were unread).
    pub state: RefCell<HashMap<String, (u64, String, u64)>>,
    pub touched: RefCell<Vec<Touch>>,
}

impl Conversations for ConversationService {
    async fn resolve_direct_many(&self, ctx: CallContext, items: Vec<Direct>) -> Batch<String> {
        assert!(items.len() <= 500);
        let tenant = ctx.tenant.clone();
        let resolve = |item: Direct| {
            let mut opened = self.opened.borrow_mut();
            let pair = (tenant.clone(), item);
            let place = opened.iter().position(|known| *known == pair).unwrap_or_else(|| {
                opened.push(pair);
                opened.len() - 1
            });
            Ok(format!("conversation-{}", place + 1))
        };
        self.resolve_line.answer(ctx, || items.into_iter().map(resolve).collect()).await
    }

    async fn touch_many(&self, ctx: CallContext, items: Vec<Touch>) -> Result<(), CallError> {
        assert!(items.len() <= 500);
        let touch = |touch: Touch| {
            let mut state = self.state.borrow_mut();
            let known = state.entry(touch.conversation_id.clone()).or_default();
            if touch.seq > known.0 {
                *known = (touch.seq, touch.preview.clone(), known.2 + u64::from(touch.inbound));
            }
            self.touched.borrow_mut().push(touch);
            Ok(())
        };
        self.touch_line.answer(ctx, || items.into_iter().map(touch).collect()).await.map(|_| ())
    }
}

#[derive(Default)]
pub struct MessageService {
    pub insert_line: Line,
    pub receipt_line: Line,
    /// Tenant and message, in order of acceptance.
    pub rows: RefCell<Vec<(String, NewMessage)>>,
    pub receipts: RefCell<Vec<Receipt>>,
    /// A message with this external id is refused.
    pub refuses: RefCell<Option<String>>,
}

impl Messages for MessageService {
    async fn insert_many(&self, ctx: CallContext, messages: Vec<NewMessage>) -> Batch<Inserted> {
        assert!(messages.len() <= 500);
        let tenant = ctx.tenant.clone();
        self.insert_line.answer(ctx, || messages.into_iter().map(|new| self.insert(&tenant, new)).collect()).await
    }

    async fn record_receipts(&self, ctx: CallContext, receipts: Vec<Receipt>) -> Batch<Recorded> {
        assert!(receipts.len() <= 500);
        self.receipt_line.answer(ctx, || receipts.into_iter().map(|receipt| self.record(receipt)).collect()).await
    }
}

impl MessageService {
    fn insert(&self, tenant: &str, new: NewMessage) -> Result<Inserted, CallError> {
        if Some(&new.external_message_id) == self.refuses.borrow().as_ref() {
            return Err(CallError::Refused("body: too long".to_owned()));
        }
        let key = |new: &NewMessage| (new.channel_account_id.clone(), new.external_message_id.clone());
        let mut rows = self.rows.borrow_mut();
        let known = rows.iter().position(|(of, row)| of == tenant && key(row) == key(&new));
        let external_message_id = new.external_message_id.clone();
        let conversation = known.map_or(&new, |place| &rows[place].1).conversation_id.clone();
        if known.is_none() {
            rows.push((tenant.to_owned(), new));
        }
        let upto = known.map_or(rows.len(), |place| place + 1);
        let seq = rows[..upto].iter().filter(|(_, row)| row.conversation_id == conversation).count() as u64;
        let id = format!("message-{upto}");
        Ok(Inserted { id, conversation_id: conversation, external_message_id, seq, duplicate: known.is_some() })
    }

    fn record(&self, receipt: Receipt) -> Result<Recorded, CallError> {
        let mut receipts = self.receipts.borrow_mut();
        let same = |known: &Receipt| {
            known.external_message_id == receipt.external_message_id && known.status == receipt.status
        };
        if receipts.iter().any(same) {
            return Ok(Recorded::Duplicate);
        }
        let known = self.rows.borrow().iter().any(|(_, row)| row.external_message_id == receipt.external_message_id);
        receipts.push(receipt);
        Ok(if known { Recorded::Accepted } else { Recorded::Waiting })
    }

    pub fn bodies(&self) -> Vec<String> {
        self.rows.borrow().iter().map(|(_, row)| row.body.clone().unwrap_or_default()).collect()
    }
}
