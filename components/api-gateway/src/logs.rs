//! The log of requests: what is kept of each, what is made unreadable first, and how it is written without anybody waiting.

pub mod redact;
mod strangers;

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Duration;

use crate::clients::Outside;
use crate::logs::strangers::Strangers;
use crate::store;
use crate::tenants::STRANGERS;
use sdk::sql::SqlError;
use sdk::{Context, Micros, log};

/// Entries that wait while the database does not answer, of 12 KiB at most; then the oldest are given up, with a line in the log that says
/// how many.
const MAX_WAITING: usize = 2000;

/// A row of `api_logs`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entry {
    pub tenant: String,
    pub id: String,
    pub method: String,
    pub path: String,
    pub query_params: Option<String>,
    pub request_body: Option<String>,
    pub response_body: Option<String>,
    pub status: u16,
    pub duration_ms: i64,
    pub ip_address: Option<String>,
    pub principal: Option<String>,
    pub request_id: String,
    pub trace_id: String,
    pub created_at: Micros,
}

/// How long entries gather before they are written: a busy gateway writes twenty times a second, whatever it is asked.
const GATHERING: Duration = Duration::from_millis(50);
/// So many are written at once (a tenth of those that may wait).
const MANY: usize = 200;

/// Where entries wait until they are written. While a batch gathers, or is on its way to the disk, requests cost it nothing; a host
/// that drains waits for it.
#[derive(Clone, Default)]
pub struct Logs(Rc<Waiting>);

#[derive(Default)]
struct Waiting {
    entries: RefCell<VecDeque<Entry>>,
    /// Since the last line about it.
    given_up: Cell<u64>,
    stage: Cell<Stage>,
    strangers: Strangers,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Stage {
    #[default]
    Idle,
    /// The writer waits for more.
    Gathering,
    Writing,
}

impl Logs {
    /// Keeps the entry; the writing goes on after the answer. Of strangers' only some: they must not fill the disk.
    pub fn add<B: Outside>(&self, outside: &B, entry: Entry) {
        if entry.tenant == STRANGERS && !self.0.strangers.admits(outside.now()) {
            return;
        }
        let mut entries = self.0.entries.borrow_mut();
        entries.push_back(entry);
        if entries.len() > MAX_WAITING {
            entries.pop_front();
            self.0.given_up.update(|given_up| given_up + 1);
        }
        match self.0.stage.get() {
            Stage::Idle => self.start(outside, Stage::Gathering),
            Stage::Gathering if entries.len() >= MANY => self.start(outside, Stage::Writing),
            Stage::Gathering | Stage::Writing => {}
        }
    }

    fn start<B: Outside>(&self, outside: &B, stage: Stage) {
        self.0.stage.set(stage);
        let (logs, outside_too) = (self.clone(), outside.clone());
        outside.spawn(async move {
            if stage == Stage::Gathering {
                outside_too.sleep(GATHERING).await;
                if logs.0.stage.get() != Stage::Gathering {
                    return; // there were many, and somebody else has written them
                }
                logs.0.stage.set(Stage::Writing);
            }
            logs.write(&outside_too).await;
        });
    }

    async fn write<B: Outside>(&self, outside: &B) {
        loop {
            self.tell_given_up();
            let batch = Vec::from(self.0.entries.take());
            if batch.is_empty() {
                break;
            }
            if let Err((batch, error)) = self.insert(outside, batch).await {
                log::error(&Context::default(), "failed to write the request log", &[("reason", &error)]);
                self.keep(batch);
                break; // the next request tries again
            }
        }
        self.0.stage.set(Stage::Idle);
    }

    /// Gives the batch back when it could not be written.
    async fn insert<B: Outside>(&self, outside: &B, batch: Vec<Entry>) -> Result<(), (Vec<Entry>, SqlError)> {
        let batch = self.0.strangers.cut(outside, batch).await?;
        store::logs::insert(outside.tables(), &batch).await.map_err(|error| (batch, error))
    }

    fn tell_given_up(&self) {
        let given_up = self.0.given_up.take();
        if given_up > 0 {
            log::error(&Context::default(), "gave up entries of the request log", &[("entries", &given_up)]);
        }
    }

    fn keep(&self, batch: Vec<Entry>) {
        let mut entries = self.0.entries.borrow_mut();
        let newer = std::mem::replace(&mut *entries, batch.into());
        entries.extend(newer);
    }
}

/// How many days of `log_retention_days` make sense: ten years at most.
pub fn retention(days: &str) -> Option<i64> {
    days.trim().parse().ok().filter(|days| (1..=3650).contains(days))
}

/// How many entries of `log_max_entries` make sense.
pub fn max_entries(text: &str) -> Option<u32> {
    text.trim().parse().ok().filter(|entries| (1000..=100_000_000).contains(entries))
}
