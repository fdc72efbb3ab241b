//! `web`, and conversations without a channel: the other side reads by the API, so a message has arrived where it can be read.

use super::{Answer, Failure, Outgoing, Plan, Provider, Settings, Verdict, class};

pub const CHANNEL: &str = "web";

pub struct Web;

impl Provider for Web {
    fn settings(&self) -> &'static [&'static str] {
        &[]
    }

    fn identities(&self, _: &str) -> &'static [&'static str] {
        &[]
    }

    fn is_idempotent(&self) -> bool {
        true
    }

    /// Our id is the provider's too: a receipt of the site names it.
    fn plan(&self, outgoing: &Outgoing, _: &Settings) -> Result<Plan, Failure> {
        Ok(Plan::Arrived(outgoing.message_id.clone()))
    }

    fn verdict(&self, answer: &Answer, _: u32) -> Verdict {
        class::unreadable(answer)
    }
}
