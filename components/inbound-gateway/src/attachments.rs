//! Attachments of inbound messages: the message is there at once, and its file is fetched afterwards, tried again, and told to `messaging`
//! as ready or failed.
//!
//! `source` says where a message's file is, `hosts` where we may go for it, `fetching` is one attempt, `round` works through what is due.

pub mod fetching;
pub mod hosts;
pub mod round;
pub mod source;

use sdk::Context;

use crate::domain::files::Holder;
use source::Source;

/// Eight attempts over about five hours. WhatsApp keeps a file for seven days, Twilio until it is deleted.
const SCHEDULE_SECONDS: [i64; 7] = [5, 30, 120, 600, 1800, 3600, 10_800];
pub const MAX_ATTEMPTS: u32 = SCHEDULE_SECONDS.len() as u32 + 1;

/// A file that a stored message has, and that we do not have yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    pub tenant: String,
    /// Names it across attempts and in `media`.
    pub reference: String,
    pub message_id: String,
    pub conversation_id: String,
    pub channel: String,
    pub channel_account_id: String,
    pub source: Source,
}

/// One that is ours to fetch until the lease ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claimed {
    pub wanted: Wanted,
    /// This one included.
    pub attempts: u32,
}

/// What came of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fetched {
    Ready(Medium),
    /// For good, and why: told to people.
    Failed(String),
    /// Worth another attempt.
    Later(String),
}

/// What `media` knows of an attachment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Medium {
    pub id: String,
    pub is_ready: bool,
    pub mime_type: Option<String>,
    pub size: Option<u64>,
    pub filename: String,
}

/// What a message learns of its attachment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    pub message_id: String,
    pub medium: Medium,
    /// Why it will not come.
    pub failure: Option<String>,
}

/// When the attempt after this many is due, in microseconds; `None` after the last.
pub fn next_attempt(attempts: u32, now: i64) -> Option<i64> {
    let index = usize::try_from(attempts.saturating_sub(1)).ok()?;
    SCHEDULE_SECONDS.get(index).map(|seconds| now.saturating_add(seconds * 1_000_000))
}

/// How far away the next attempt may be, by the number of attempts so far: half a minute more than planned, for clocks that differ.
pub fn longest_waits() -> Vec<i64> {
    let planned = SCHEDULE_SECONDS.iter().map(|seconds| (seconds + 30) * 1_000_000);
    std::iter::once(0).chain(planned).collect()
}

/// The queue, in the gateway's own database. The errors are for the log.
#[expect(async_fn_in_trait, reason = "a guest has one thread; a Send bound would only shut out its futures")]
pub trait Queue {
    /// Those that are known already stay as they are.
    async fn want(&self, wanted: &[Wanted], now: i64) -> Result<(), String>;
    async fn claim_wanted(&self, now: i64, lease_until: i64, limit: u32) -> Result<Vec<Claimed>, String>;
    /// It is done with, however it ended.
    async fn settle(&self, wanted: &Wanted, failure: Option<&str>) -> Result<(), String>;
    async fn postpone(&self, wanted: &Wanted, due_at: i64, reason: &str) -> Result<(), String>;
    /// Makes those due that would wait for longer than any lease or retry does: a clock that was ahead set their time.
    async fn mend_wanted(&self, now: i64, limit: u32) -> Result<(), String>;
    /// Deletes up to `limit` that were wanted before `before`; how many went.
    async fn sweep_wanted(&self, before: i64, limit: u32) -> Result<u64, String>;
}

/// The world, as far as fetching needs it.
#[expect(async_fn_in_trait, reason = "a guest has one thread; a Send bound would only shut out its futures")]
pub trait Outside {
    /// A file that is read as it comes.
    type File;

    /// Of the account, or of the deployment; absent when neither has it.
    async fn credential(&self, wanted: &Wanted, name: &str) -> Result<Option<String>, String>;
    async fn setting(&self, name: &str) -> Option<String>;
    /// GETs it, without following redirects.
    async fn get(&self, url: &str, authorization: Option<&str>) -> Result<Answer<Self::File>, String>;
    async fn read(&self, file: Self::File, limit_bytes: usize) -> Result<Vec<u8>, String>;
    /// A file that came along with its delivery; `None` when it is not there any more.
    async fn carried(&self, holder: Holder, file: u32) -> Result<Option<Answer<Self::File>>, String>;

    /// Announces the attachment to `media`, or finds it there.
    async fn expect(&self, context: Context, wanted: &Wanted) -> Result<Medium, Refusal>;
    /// Hands `media` the file as it comes. `sha256` is what it ought to be.
    async fn keep(
        &self,
        context: Context,
        id: &str,
        file: Answer<Self::File>,
        sha256: Option<&str>,
    ) -> Result<Medium, Refusal>;
    async fn give_up(&self, context: Context, id: &str, reason: &str) -> Result<(), Refusal>;
    async fn tell(&self, context: Context, told: Told) -> Result<(), Refusal>;
}

/// The head of a provider's answer, and its body.
pub struct Answer<F> {
    pub status: u16,
    pub location: Option<String>,
    pub length: Option<u64>,
    pub file: F,
}

/// Why one of our services did not take it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// It never will, and why.
    Never(String),
    NotNow(String),
}
