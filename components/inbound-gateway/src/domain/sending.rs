//! Accounts that send nothing more because their provider refused them as a whole: outbound-gateway knows them, operators see them here.

use std::collections::HashSet;

use sdk::Context;
use serde::{Deserialize, Serialize};

use crate::accounts::Account;
use crate::channel;

/// An account that is stopped, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stop {
    pub channel: String,
    pub channel_account_id: String,
    /// The provider's.
    pub code: Option<String>,
    pub reason: String,
    /// RFC 3339.
    pub stopped_at: String,
}

/// The component that sends. The errors are for the log.
#[expect(async_fn_in_trait, reason = "a guest has one thread; a Send bound would only shut out its futures")]
pub trait Sender {
    /// The tenant's stopped accounts.
    async fn stops(&self, context: &Context) -> Result<Vec<Stop>, String>;
    /// It sends again. `false`: it was not stopped.
    async fn start(&self, context: &Context, channel: &str, account: &str) -> Result<bool, String>;
}

/// What stops this account. Twilio's own account (`AC…`) stands for all its numbers that are not `registered` by themselves.
pub fn stops_of<'a>(account: &Account, stops: &'a [Stop], registered: &HashSet<String>) -> Vec<&'a Stop> {
    let is_twilios = account.kind == channel::sms::CHANNEL && account.provider_id.starts_with("AC");
    let is_its = |stop: &&Stop| {
        let named = &stop.channel_account_id;
        stop.channel == account.kind && (*named == account.provider_id || (is_twilios && !registered.contains(named)))
    };
    stops.iter().filter(is_its).collect()
}
