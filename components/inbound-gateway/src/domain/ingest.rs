//! The work on one tenant's items: customers, conversations, messages, receipts, each in one call for the whole delivery.
//!
//! Every call is safe to repeat, so an attempt that breaks off anywhere is simply made again. One bad item stays alone.

use std::collections::{HashMap, HashSet};
use std::hash::Hash;

use super::Platform;
use super::outcome::{Outcome, Outcomes};
use super::services::{
    Batch, CallContext, CallError, Conversations, Customers, Direct, Inserted, MAX_BATCH, Messages, NewMessage,
    Recorded, Touch,
};
use super::storing::{attachment, is_a_stranger_s, new_message, renamed, touch, wanted};
use super::update::{Content, Message, Receipt, Update};
use crate::attachments::{Queue, Wanted};

/// A message that is not at its goal yet, and its place among the outcomes.
#[derive(Clone)]
struct Open<'a> {
    index: usize,
    account: &'a str,
    message: &'a Message,
}

/// A message that is stored: itself, its customer, its conversation, and what storing it found.
type Kept<'a> = (((Open<'a>, String), String), Inserted);

pub(super) struct Ingest<'a, P, C> {
    pub platform: &'a P,
    /// The context of a call made now.
    pub context: C,
    /// By which the items came.
    pub delivery: &'a str,
    pub outcomes: &'a mut Outcomes,
}

impl<P: Platform, C: Fn() -> CallContext> Ingest<'_, P, C> {
    /// Works through those `updates` (with their places among the outcomes) that are not finished.
    pub async fn run(&mut self, updates: &[(usize, &Update)]) {
        let (mut messages, mut receipts) = (Vec::new(), Vec::new());
        for (index, update) in updates {
            match &update.content {
                Content::Message(message) => messages.push(Open { index: *index, account: &update.account, message }),
                Content::Receipt(receipt) => receipts.push((*index, receipt.clone())),
                Content::Ignored(_) | Content::Rejected(_) => {}
            }
        }
        if !messages.is_empty() {
            self.messages(messages).await;
        }
        if !receipts.is_empty() {
            self.receipts(receipts).await;
        }
    }

    /// In the order in which they were written: stable, so that equal times keep their order in the body.
    async fn messages(&mut self, mut messages: Vec<Open<'_>>) {
        messages.sort_by_key(|open| open.message.sent_at);
        let with_customer = self.customers_of(messages).await;
        let with_conversation = self.conversations(with_customer).await;
        let touches = self.insert(with_conversation).await;
        self.touch(touches).await;
    }

    async fn customers_of<'m>(&mut self, messages: Vec<Open<'m>>) -> Vec<(Open<'m>, String)> {
        let contacts = messages.iter().map(|open| open.message.contact.clone());
        let (platform, context) = (self.platform, &self.context);
        let customers =
            each_once(contacts, async |contacts| platform.customers().resolve_many(context(), contacts).await).await;
        let customer = |open: &Open| customers.get(&open.message.contact).cloned();
        let found = messages.into_iter().map(|open| (customer(&open), open)).collect();
        self.keep(found, "customer")
    }

    async fn conversations<'m>(&mut self, messages: Vec<(Open<'m>, String)>) -> Vec<((Open<'m>, String), String)> {
        let direct = |(open, customer): &(Open, String)| Direct {
            channel: open.message.contact.channel,
            channel_account_id: open.account.to_owned(),
            customer_id: customer.clone(),
        };
        let (platform, context) = (self.platform, &self.context);
        let conversations = each_once(messages.iter().map(direct), async |items| {
            platform.conversations().resolve_direct_many(context(), items).await
        })
        .await;
        let found = messages.into_iter().map(|pair| (conversations.get(&direct(&pair)).cloned(), pair)).collect();
        self.keep(found, "conversation")
    }

    async fn insert(&mut self, messages: Vec<((Open<'_>, String), String)>) -> Vec<(usize, Touch)> {
        let new: Vec<NewMessage> = messages
            .iter()
            .map(|((open, customer), conversation)| new_message((open.account, open.message), customer, conversation))
            .collect();
        let mut answers = self.insert_many(&new).await;
        // An id that its sender makes up may be another sender's, too: then the sender is part of it.
        let pairs = new.iter().zip(&messages).zip(&answers).enumerate();
        let (strangers, others): (Vec<usize>, Vec<NewMessage>) = pairs
            .filter(|(_, ((new, _), answer))| is_a_stranger_s(new, answer))
            .map(|(at, ((new, ((open, _), _)), _))| (at, renamed(new, open.message)))
            .unzip();
        for (at, answer) in strangers.into_iter().zip(self.insert_many(&others).await) {
            if let Some(place) = answers.get_mut(at) {
                *place = answer;
            }
        }
        let inserted = answers.into_iter().zip(messages).map(|(answer, message)| (Some(answer), message)).collect();
        let kept = self.keep(inserted, "message");
        let kept = self.want_attachments(kept).await;
        let mut touches = Vec::with_capacity(kept.len());
        for (((open, _), conversation), inserted) in kept {
            let outcome = if inserted.duplicate { Outcome::Duplicate } else { Outcome::Accepted };
            self.outcomes.note(open.index, outcome, "conversation: not told yet");
            touches.push((open.index, touch(open.message, conversation, inserted.seq)));
        }
        touches
    }

    async fn insert_many(&self, new: &[NewMessage]) -> Vec<Result<Inserted, CallError>> {
        let (platform, context) = (self.platform, &self.context);
        in_batches(new, async |batch| platform.messages().insert_many(context(), batch).await).await
    }

    /// Notes which files are to be fetched, once; duplicates too, because their first delivery may have stopped before it. Messages
    /// whose files could not be noted are left to the next attempt.
    async fn want_attachments<'m>(&mut self, kept: Vec<Kept<'m>>) -> Vec<Kept<'m>> {
        let tenant = (self.context)().tenant;
        let wanted: Vec<Wanted> = kept
            .iter()
            .filter_map(|(((open, _), conversation), inserted)| {
                wanted(&tenant, self.delivery, (open.account, open.message), conversation, inserted)
            })
            .collect();
        if wanted.is_empty() {
            return kept;
        }
        let platform = self.platform;
        if let Err(reason) = platform.store().want(&wanted, platform.now()).await {
            let (without, with): (Vec<_>, Vec<_>) =
                kept.into_iter().partition(|(((open, _), _), _)| attachment(open.message, self.delivery).is_none());
            with.iter().for_each(|(place, _)| self.outcomes.postpone(place.index(), &format!("attachment: {reason}")));
            return without;
        }
        platform.fetch_later();
        kept
    }

    /// Duplicates too: their first delivery may have stopped between message and conversation.
    async fn touch(&mut self, touches: Vec<(usize, Touch)>) {
        for batch in touches.chunks(MAX_BATCH) {
            let items = batch.iter().map(|(_, touch)| touch.clone()).collect();
            let told = self.platform.conversations().touch_many((self.context)(), items).await;
            for (index, _) in batch {
                match &told {
                    Ok(()) => self.outcomes.settle(*index, Outcome::Accepted, None),
                    Err(error) => self.outcomes.postpone(*index, &format!("conversation: {}", error.reason())),
                }
            }
        }
    }

    async fn receipts(&mut self, receipts: Vec<(usize, Receipt)>) {
        let (indices, receipts): (Vec<usize>, Vec<Receipt>) = receipts.into_iter().unzip();
        let (platform, context) = (self.platform, &self.context);
        let answers =
            in_batches(&receipts, async |batch| platform.messages().record_receipts(context(), batch).await).await;
        let recorded = answers.into_iter().zip(indices).map(|(answer, index)| (Some(answer), index)).collect();
        for (index, recorded) in self.keep(recorded, "receipt") {
            match recorded {
                Recorded::Accepted => self.outcomes.settle(index, Outcome::Accepted, None),
                Recorded::Duplicate => self.outcomes.settle(index, Outcome::Duplicate, None),
                Recorded::Waiting => {
                    self.outcomes.settle(index, Outcome::Accepted, Some("waits_for_its_message".to_owned()));
                }
            }
        }
    }

    /// Those that came through, with what they got; the others are settled as rejected, or left to the next attempt.
    fn keep<T: Place, R>(&mut self, answers: Vec<(Option<Result<R, CallError>>, T)>, step: &str) -> Vec<(T, R)> {
        let mut kept = Vec::with_capacity(answers.len());
        for (answer, item) in answers {
            let index = item.index();
            match answer {
                Some(Ok(found)) => kept.push((item, found)),
                Some(Err(CallError::Refused(reason))) => {
                    self.outcomes.settle(index, Outcome::Rejected, Some(format!("{step}: {reason}")));
                }
                Some(Err(CallError::Unfinished(reason))) => {
                    self.outcomes.postpone(index, &format!("{step}: {reason}"));
                }
                None => self.outcomes.postpone(index, &format!("{step}: no answer")),
            }
        }
        kept
    }
}

/// What knows its place among the outcomes.
trait Place {
    fn index(&self) -> usize;
}

impl Place for usize {
    fn index(&self) -> usize {
        *self
    }
}

impl Place for Open<'_> {
    fn index(&self) -> usize {
        self.index
    }
}

impl<T: Place, R> Place for (T, R) {
    fn index(&self) -> usize {
        self.0.index()
    }
}

/// One answer for each different key.
async fn each_once<K: Clone + Eq + Hash, T>(
    keys: impl Iterator<Item = K>,
    call: impl AsyncFn(Vec<K>) -> Batch<T>,
) -> HashMap<K, Result<T, CallError>> {
    let mut seen = HashSet::new();
    let different: Vec<K> = keys.filter(|key| seen.insert(key.clone())).collect();
    let answers = in_batches(&different, call).await;
    different.into_iter().zip(answers).collect()
}

/// One answer for each item, in order. A call that fails as a whole leaves its items and all after it unfinished:
/// a service that does not answer is not asked again and again.
async fn in_batches<K: Clone, T>(items: &[K], call: impl AsyncFn(Vec<K>) -> Batch<T>) -> Vec<Result<T, CallError>> {
    let mut answers = Vec::with_capacity(items.len());
    let mut missing = CallError::Unfinished("no answer for it".to_owned());
    for batch in items.chunks(MAX_BATCH) {
        match call(batch.to_vec()).await {
            Ok(batch_answers) => {
                let mut given = batch_answers.into_iter();
                answers.extend(batch.iter().map(|_| given.next().unwrap_or_else(|| Err(missing.clone()))));
            }
            Err(error) => {
                missing = CallError::Unfinished(error.reason().to_owned());
                break;
            }
        }
    }
    answers.resize_with(items.len(), || Err(missing.clone()));
    answers
}
