//! The stand-in for the providers: takes what the platform sends, as unkindly as it is told to, and reports what became of it.
//!
//! `knobs` say how unkind, `fate` throws for each call, `codes` are the providers' own words for it; `graph` and `twilio` read what is sent, `media` is their files;
//! `reports` are the statuses that go back to our webhooks.

pub mod codes;
pub mod fate;
pub mod graph;
pub mod knobs;
pub mod media;
pub mod reports;
pub mod twilio;

use sdk::{
    Micros,
    sql::{Driver, SqlError},
};

pub use knobs::Knobs;

use crate::{
    account::{self, DEFAULT_TENANT},
    app::{App, World},
    persona,
    store::{accounts, emulated, personas},
};

/// Who has what the whole deployment shares: knobs and uploads.
pub const NOBODY: &str = "default";
/// Who has messages of accounts that somebody else has registered: only who operates the deployment sees them, because nobody here knows whose
/// they are.
pub const UNKNOWN: &str = "";

/// What a provider was given to send.
#[derive(Clone, Debug)]
pub struct Sent {
    pub channel: &'static str,
    pub account: String,
    /// Digits, or an id of WhatsApp's.
    pub recipient: String,
    pub kind: String,
    pub text: Option<String>,
    /// Our message's id, which every report repeats.
    pub ours: Option<String>,
    /// Twilio only: where reports go, behind the path of our webhook. Without it there are none.
    pub callback: Option<String>,
    /// Taken with a success, and never seen again.
    pub is_dropped: bool,
}

/// A message that the emulator has.
#[derive(Clone, Debug)]
pub struct Emulated {
    pub tenant: String,
    pub id: String,
    pub sent: Sent,
    pub taken_at: Micros,
}

impl<D: Driver, W: World> App<D, W> {
    /// Keeps it, with the reports that it will have, and lets the persona who it is for hear it.
    pub async fn take(&self, id: String, sent: Sent, knobs: &Knobs, number: u64) -> Result<(), SqlError> {
        let persona = personas::by_number(&self.database, sent.channel, &sent.account, &sent.recipient).await?;
        let tenant = match &persona {
            Some(persona) => persona.tenant.clone(),
            None if account::is_the_deployment_s(sent.channel, &sent.account) => DEFAULT_TENANT.to_owned(),
            None => {
                let owner = accounts::owner(&self.database, sent.channel, &sent.account).await?;
                owner.unwrap_or_else(|| UNKNOWN.to_owned())
            }
        };
        let now = self.clock.now();
        let has_reports = !sent.is_dropped && (sent.channel != twilio::CHANNEL || sent.callback.is_some());
        let reports = if has_reports { reports::plan(knobs, number, now) } else { Vec::new() };
        let message = Emulated { tenant, id, sent, taken_at: now };
        emulated::insert(&self.database, &message, &reports).await?;
        self.is_due.set(true);
        match persona {
            Some(mut persona) if !message.sent.is_dropped => {
                let text = message.sent.text.clone().unwrap_or_else(|| format!("[{}]", message.sent.kind));
                persona::hear(self, &mut persona, &text).await
            }
            _ => Ok(()),
        }
    }
}
