//! A run: many customers write at once through a provider that is unkind, and then it is looked at what really arrived.
//!
//! `plan` is everything that will be sent, made from the order alone, so that a run goes on after a crash where it was; `chaos` disturbs it;
//! `sending` does it in slices; `check` asks the services; `report` compares; `working` goes on with it, or ends it.

pub mod chaos;
pub mod check;
pub mod plan;
pub mod report;
pub mod sending;
mod working;

use sdk::{Micros, ids};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

pub use working::{advance, cancel, lease, round};

use crate::provider::meta;
use report::Faults;

pub const MAX_CUSTOMERS: u64 = 1000;
pub const MAX_MESSAGES: u64 = 10_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order {
    pub customers: u64,
    pub messages: u64,
    /// In thousandths, so that it is the same when it is read again.
    pub chaos: u32,
    pub seed: u64,
}

impl Order {
    pub fn chance(&self) -> f64 {
        f64::from(self.chaos) / 1000.0
    }
}

sdk::words!(
    /// The last three are ends: a report, a reason why there is none, an order of the user's.
    State { Sending = "sending", Checking = "checking", Done = "done", Failed = "failed", Cancelled = "cancelled" }
);

#[derive(Clone, Debug)]
pub struct Run {
    pub tenant: String,
    pub id: String,
    /// Our account that its customers write to.
    pub account: String,
    pub order: Order,
    pub state: State,
    /// Webhooks that it will have sent, and those that are behind it.
    pub webhooks: u64,
    pub position: u64,
    /// The slice that was begun last, as its position and one.
    pub begun: u64,
    /// Customers whose messages were compared, and what was wrong with them.
    pub checked: u64,
    pub faults: Faults,
    /// When our front took something the last time.
    pub taken_at: Micros,
    /// Who goes on with it.
    pub owner: String,
    /// JSON, once it is over.
    pub report: Option<String>,
    /// Why there is no whole report.
    pub reason: Option<String>,
    pub created_at: Micros,
    /// Until it is over: when the last webhook was answered.
    pub updated_at: Micros,
    pub ended_at: Option<Micros>,
}

impl Run {
    pub fn new(tenant: &str, account: &str, order: Order, now: Micros) -> Self {
        Self {
            tenant: tenant.to_owned(),
            id: ids::new(),
            account: account.to_owned(),
            order,
            state: State::Sending,
            webhooks: 0,
            position: 0,
            begun: 0,
            checked: 0,
            faults: Faults::default(),
            taken_at: now,
            owner: ids::new(),
            report: None,
            reason: None,
            created_at: now,
            updated_at: now,
            ended_at: None,
        }
    }

    pub fn is_over(&self) -> bool {
        self.ended_at.is_some()
    }

    /// What all numbers of its customers begin with: by this they are found again.
    pub fn prefix(&self) -> String {
        let number =
            Sha256::digest(&self.id).iter().take(8).fold(0_u64, |number, byte| (number << 8) | u64::from(*byte));
        format!("999{:07}", number % 10_000_000)
    }

    pub fn json(&self) -> Value {
        let report = self.report.as_deref().and_then(|report| serde_json::from_str::<Value>(report).ok());
        let mut view = json!({
            "id": self.id,
            "status": self.state.as_str(),
            "reason": self.reason,
            "order": { "customers": self.order.customers, "messages": self.order.messages, "chaos": self.order.chance(), "seed": self.order.seed },
            "customers": { "external_type": meta::CHANNEL, "external_id_prefix": self.prefix(), "channel_account_id": self.account },
            "webhooks": self.webhooks,
            "webhooks_sent": self.position,
            "customers_checked": self.checked,
            "created_at": sdk::clock::rfc3339(self.created_at),
            "updated_at": sdk::clock::rfc3339(self.updated_at),
            "ended_at": self.ended_at.map(sdk::clock::rfc3339),
        });
        if let (Some(view), Some(Value::Object(report))) = (view.as_object_mut(), report) {
            view.extend(report);
        }
        view
    }
}
