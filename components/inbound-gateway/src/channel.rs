//! Channels: one module per provider, each turning that provider's webhook into the updates that all channels share.

pub mod email;
pub mod sms;
pub mod telegram;
pub mod web;
pub mod whatsapp;

pub mod carried;
mod fields;
mod parts;
mod secret;
mod stamped;

use sdk::Request;

use crate::domain::Update;

/// A provider's webhook: who may call it, and what it says.
pub trait Channel: Sync {
    /// In routes, rows and typed calls.
    fn name(&self) -> &'static str;

    /// The variable that holds what only the provider and we know.
    fn secret(&self) -> &'static str;

    /// The credentials that an account of this channel may have of its own.
    fn credentials(&self) -> &'static [&'static str];

    /// Which of them takes the place of the variable's secret.
    fn own_secret(&self) -> &'static str;

    /// Which of them who sends needs; the others only let webhooks in.
    fn lent_credentials(&self) -> &'static [&'static str];

    /// The variables that name accounts of the deployment's own.
    fn deployments_accounts(&self) -> &'static [&'static str] {
        &[]
    }

    /// Whether such a variable's value names this account.
    fn is_named(&self, account: &str, value: &str) -> bool {
        account == value
    }

    /// The account whose row counts for those in the body that have none: the one that the webhook's address names.
    fn fallback(&self, payload: Payload<'_>) -> Option<String> {
        payload.parameter("account")
    }

    /// The account of webhooks that name none; no tenant but `default` may have it.
    fn unnamed_account(&self) -> Option<&'static str> {
        None
    }

    /// The header that proves who calls: kept with a delivery when it is a signature, and so no secret itself.
    fn signature(&self) -> Option<&'static str> {
        None
    }

    /// Whether a message's id is made up by whoever sent it, and so may be another sender's, too.
    fn ids_are_senders(&self) -> bool {
        false
    }

    /// Where its bodies carry files.
    fn files(&self) -> carried::Places {
        &[]
    }

    /// Whether the head of the call alone proves who makes it: then a body may be long, because it is read as it comes.
    fn is_authentic_by_its_head(&self, _secret: &str, _call: &Call<'_>) -> bool {
        false
    }

    /// What its provider makes of an answer's body; `None`: nothing, and it gets the counts.
    fn empty_answer(&self) -> Option<Answer> {
        None
    }

    /// Whether the call was made by somebody who knows the secret. An empty secret proves nothing, so nothing passes with it.
    fn is_authentic(&self, secret: &str, call: &Call<'_>) -> bool;

    /// What the body says. Depends on nothing but its arguments, so that every attempt sees the same.
    fn read(&self, payload: Payload<'_>, received_at: i64) -> Result<Contents, Unreadable>;
}

/// An answer in the provider's own form that asks for nothing.
pub struct Answer {
    pub content_type: &'static str,
    pub body: &'static str,
}

/// A webhook before anybody has said who sent it.
pub struct Call<'a> {
    pub request: &'a Request,
    /// The addresses that the provider may have called, `https://host/path?query`: the deployment's, or what the request says.
    pub urls: Vec<String>,
    /// Microseconds since the Unix epoch.
    pub now: i64,
}

impl Call<'_> {
    /// A header that is there exactly once: with two signatures nobody could say which one was checked.
    pub fn only_header(&self, name: &str) -> Option<&str> {
        let mut values = self.request.headers.get_all(name).iter();
        match (values.next(), values.next()) {
            (Some(value), None) => value.to_str().ok(),
            _ => None,
        }
    }
}

/// What is kept of a webhook, and read at every attempt.
#[derive(Clone, Copy, Debug)]
pub struct Payload<'a> {
    pub body: &'a [u8],
    /// As it came, without `?`.
    pub query: &'a str,
}

impl Payload<'_> {
    /// A parameter of the webhook's address, as whoever registered it wrote it.
    fn parameter(&self, name: &str) -> Option<String> {
        sdk::query::Query::parse(self.query).ok()?.get(name).filter(|value| value.len() <= 255).map(str::to_owned)
    }
}

/// A body, taken apart.
pub struct Contents {
    /// Those of our accounts that it names, each once, in order of appearance.
    pub accounts: Vec<String>,
    /// One per item, in order.
    pub updates: Vec<Update>,
}

impl Contents {
    /// The accounts are those that the updates name.
    fn of(updates: Vec<Update>) -> Self {
        let mut accounts: Vec<String> = Vec::new();
        for update in updates.iter().filter(|update| !update.account.is_empty()) {
            if !accounts.contains(&update.account) {
                accounts.push(update.account.clone());
            }
        }
        Self { accounts, updates }
    }
}

/// Why a body as a whole cannot be used.
#[derive(Debug, PartialEq, Eq)]
pub enum Unreadable {
    /// It is not in the form that its channel sends.
    Malformed,
    TooManyItems,
}

static ALL: [&dyn Channel; 5] = [&whatsapp::WhatsApp, &sms::Sms, &telegram::Telegram, &web::Web, &email::Email];

pub fn names() -> [&'static str; 5] {
    ALL.map(|channel| channel.name())
}

/// The channel of this name; `None` for one that there is not.
pub fn find(name: &str) -> Option<&'static dyn Channel> {
    ALL.into_iter().find(|channel| channel.name() == name)
}
