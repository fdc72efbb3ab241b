//! The component that sends, with accounts that are stopped; it may be away.

use std::cell::{Cell, RefCell};

use inbound_gateway::domain::sending::{Sender, Stop};
use sdk::Context;

#[derive(Default)]
pub struct SenderService {
    /// By tenant.
    stopped: RefCell<Vec<(String, Stop)>>,
    pub is_away: Cell<bool>,
}

impl SenderService {
    pub fn stop(&self, tenant: &str, channel: &str, account: &str) {
        let stop = Stop {
            channel: channel.to_owned(),
            channel_account_id: account.to_owned(),
            code: Some("190".to_owned()),
            reason: "the access token has expired".to_owned(),
            stopped_at: "2025-06-08T21:00:00.000Z".to_owned(),
        };
        self.stopped.borrow_mut().push((tenant.to_owned(), stop));
    }
}

impl Sender for SenderService {
    async fn stops(&self, context: &Context) -> Result<Vec<Stop>, String> {
        if self.is_away.get() {
            return Err("away".to_owned());
        }
        let stopped = self.stopped.borrow();
        Ok(stopped.iter().filter(|(tenant, _)| *tenant == context.tenant).map(|(_, stop)| stop.clone()).collect())
    }

    async fn start(&self, context: &Context, channel: &str, account: &str) -> Result<bool, String> {
        let mut stopped = self.stopped.borrow_mut();
        let before = stopped.len();
        stopped.retain(|(tenant, stop)| {
            (tenant, stop.channel.as_str(), stop.channel_account_id.as_str()) != (&context.tenant, channel, account)
        });
        Ok(stopped.len() < before)
    }
}
