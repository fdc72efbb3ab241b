//! The conformance report of a channel's adapter: the published vectors, what a provider does on a good day, and what it does on a bad one.
//!
//! Everything is tried against the running platform: its answers, and what its services have afterwards.

mod email;
mod protocol;
mod sms;
mod telegram;
mod web;
mod whatsapp;

use ::http::StatusCode;
use sdk::{Context, Problem, sql::Driver};
use serde::Serialize;
use serde_json::{Value, json};

use crate::{
    account::Account,
    app::{App, World},
    provider,
    run::{Order, Run},
};

/// One thing that an adapter has to do.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Check {
    pub group: &'static str,
    pub name: String,
    pub passed: bool,
    pub expected: String,
    pub got: String,
}

/// Letters of more than one byte, and what JSON escapes.
const WORDS: &str = "Grüße \u{1f44b} / \u{65e5}\u{672c} \"q\" \\ end";

/// All checks of a report, in order.
#[derive(Default)]
pub struct Checks(pub Vec<Check>);

impl Checks {
    pub fn equal<T: PartialEq + Serialize>(&mut self, group: &'static str, name: &str, expected: T, got: T) {
        let (passed, name) = (expected == got, name.to_owned());
        self.0.push(Check { group, name, passed, expected: shown(&expected), got: shown(&got) });
    }
}

/// As JSON, enough of it to see what is wrong.
fn shown(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default().chars().take(300).collect()
}

/// Whose messages the checks send: a run's numbers, so that they are found again like those of any run.
pub struct Subject<'a, D, W> {
    pub app: &'a App<D, W>,
    pub account: Account,
    pub run: Run,
}

impl<D: Driver, W: World> Subject<'_, D, W> {
    /// The number of somebody who has not written yet.
    pub fn phone(&self, number: u32) -> String {
        format!("{}{:05}", self.run.prefix(), 90_000 + number)
    }

    /// A provider's id that nobody has had yet.
    pub fn id(&self, name: &str) -> String {
        format!("wamid.CONF.{}.{name}", self.run.prefix())
    }

    pub fn now(&self) -> i64 {
        self.app.clock.now() / 1_000_000
    }
}

/// The whole report. It takes some seconds, and leaves its messages in the tenant.
pub async fn report<D: Driver, W: World>(
    app: &App<D, W>,
    context: &Context,
    channel: &'static str,
) -> Result<Value, Problem> {
    let account = app.account(context, channel).await?;
    let order = Order { customers: 10, messages: 100, chaos: 500, seed: 7 };
    let run = Run::new(&account.tenant, &account.provider_id, order, app.clock.now());
    let subject = Subject { app, account, run };
    let mut checks = Checks::default();
    match channel {
        provider::twilio::CHANNEL => sms::run(&subject, &mut checks).await,
        provider::telegram::CHANNEL => telegram::run(&subject, &mut checks).await,
        provider::web::CHANNEL => web::run(&subject, &mut checks).await,
        provider::email::CHANNEL => email::run(&subject, &mut checks).await,
        _ => whatsapp::run(&subject, &mut checks).await,
    }
    let failed = checks.0.iter().filter(|check| !check.passed).count();
    Ok(json!({
        "channel": channel,
        "passed": failed == 0,
        "checks_passed": checks.0.len() - failed,
        "checks_failed": failed,
        "checks": checks.0,
        "channel_account_id": subject.account.provider_id,
        "created_at": sdk::clock::rfc3339(subject.run.created_at),
    }))
}

/// The channel of this name, for which there is a report.
pub fn channel(name: &str) -> Result<&'static str, Problem> {
    provider::channel(name).ok_or_else(|| {
        let known = provider::CHANNELS.join(", ");
        Problem::new(StatusCode::NOT_FOUND, "not_found", format!("there is a report of the channels {known}"))
    })
}
