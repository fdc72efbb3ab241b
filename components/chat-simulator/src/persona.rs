//! A simulated customer: who it is, what was said so far, and how it speaks and hears.

mod speaking;

use sdk::{Micros, ids};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

pub use speaking::{Source, Spoken, hear, round, speak};

use crate::{
    account::Account,
    scenario::{Scenario, engine},
};

/// Lines that are remembered. A language model needs no more to stay in its role.
const MEMORY: usize = 40;

sdk::words!(
    /// The providers that carry it.
    Channel { WhatsApp = "whatsapp", Sms = "sms" }
);

#[derive(Clone, Debug)]
pub struct Persona {
    pub tenant: String,
    pub id: String,
    pub scenario: String,
    pub seed: u64,
    pub channel: Channel,
    pub account: String,
    /// Digits, of country code 999: no real person's.
    pub phone: String,
    pub name: String,
    pub progress: engine::Progress,
    pub version: u64,
    /// How often it still answers the agent by itself.
    pub answers_left: u32,
    /// In thousandths of how slow people are.
    pub pace: u32,
    pub lines: Vec<Line>,
    pub due_at: Option<Micros>,
    pub created_at: Micros,
    pub updated_at: Micros,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    pub who: Who,
    pub text: String,
    pub at: Micros,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Who {
    Customer,
    Agent,
}

/// What a new one is made of, beside its scenario.
#[derive(Clone, Copy, Debug)]
pub struct Traits {
    pub seed: u64,
    pub channel: Channel,
    pub answers: u32,
    pub pace: u32,
}

impl Persona {
    /// Somebody who has not said anything yet.
    pub fn new(account: &Account, scenario: &Scenario, traits: Traits, now: Micros) -> Self {
        let id = ids::new();
        Self {
            tenant: account.tenant.clone(),
            scenario: scenario.name.clone(),
            seed: traits.seed,
            channel: traits.channel,
            account: account.provider_id.clone(),
            phone: phone(&id),
            name: engine::name(scenario, traits.seed),
            progress: engine::Progress::default(),
            version: 0,
            answers_left: traits.answers,
            pace: traits.pace,
            lines: Vec::new(),
            due_at: None,
            created_at: now,
            updated_at: now,
            id,
        }
    }

    /// What the agent wrote since it spoke last.
    fn heard(&self) -> Option<String> {
        let since = self.lines.iter().rposition(|line| line.who == Who::Customer).map_or(0, |last| last + 1);
        let lines = self.lines.get(since..).unwrap_or_default();
        (!lines.is_empty()).then(|| lines.iter().map(|line| line.text.as_str()).collect::<Vec<_>>().join("\n"))
    }

    pub fn remember(&mut self, who: Who, text: String, at: Micros) {
        self.lines.push(Line { who, text, at });
        let forgotten = self.lines.len().saturating_sub(MEMORY);
        self.lines.drain(..forgotten);
    }

    /// After it was made to speak: what it had wanted to say by itself is said, and after goodbye it says nothing.
    pub fn remain(&mut self, spoken: &Spoken) {
        self.due_at = None;
        if spoken.is_over {
            self.answers_left = 0;
        }
    }

    /// The provider's id of what it says next: the same for a second attempt, so that the platform knows it again.
    fn next_message_id(&self) -> String {
        match self.channel {
            Channel::WhatsApp => format!("wamid.SIM.{}.{}", self.id, self.progress.throws),
            Channel::Sms => format!("SM{}", hash(&format!("{}.{}", self.id, self.progress.throws))),
        }
    }

    pub fn json(&self) -> Value {
        let line = |line: &Line| json!({ "from": line.who, "text": line.text, "at": sdk::clock::rfc3339(line.at) });
        json!({
            "id": self.id,
            "scenario": self.scenario,
            "seed": self.seed,
            "channel": self.channel.as_str(),
            "channel_account_id": self.account,
            "customer": { "external_type": self.channel.as_str(), "external_id": self.phone, "name": self.name },
            "answers_left": self.answers_left,
            "speaks_at": self.due_at.map(sdk::clock::rfc3339),
            "lines": self.lines.iter().map(line).collect::<Vec<_>>(),
            "created_at": sdk::clock::rfc3339(self.created_at),
            "updated_at": sdk::clock::rfc3339(self.updated_at),
        })
    }
}

/// `999` and twelve digits: as long as a number can be.
pub fn phone(id: &str) -> String {
    let digest = Sha256::digest(id);
    let number = digest.iter().take(8).fold(0_u64, |number, byte| (number << 8) | u64::from(*byte));
    format!("999{:012}", number % 1_000_000_000_000)
}

/// 32 hex digits.
fn hash(text: &str) -> String {
    Sha256::digest(text).iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}
