//! The log of requests: what is kept of each, what is made unreadable first, and how it is written without anybody waiting.

pub mod redact;

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Duration;

use crate::clients::Outside;
use crate::store;
use sdk::{Context, Micros, log};

/// Entries that wait while the database does not answer, of 12 KiB at most; then the oldest are given up, with a line in the log that says
/// how many.
const MAX_WAITING: usize = 2000;
/// How often an instance looks for entries that are too old, in microseconds (1 h).
const SWEEP_EVERY_MICROS: Micros = 3_600_000_000;
const DEFAULT_RETENTION_DAYS: i64 = 30;
const DAY_MICROS: Micros = 86_400_000_000;

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
    swept_at: Cell<Micros>,
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
    /// Keeps the entry; the writing goes on after the answer.
    pub fn add<B: Outside>(&self, outside: &B, entry: Entry) {
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
            if let Err(error) = store::logs::insert(outside.tables(), &batch).await {
                log::error(&Context::default(), "failed to write the request log", &[("reason", &error)]);
                self.keep(batch);
                break; // the next request tries again
            }
        }
        self.0.stage.set(Stage::Idle);
        self.sweep(outside).await;
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

    async fn sweep<B: Outside>(&self, outside: &B) {
        let now = outside.now();
        if (0..SWEEP_EVERY_MICROS).contains(&(now - self.0.swept_at.get())) {
            return;
        }
        self.0.swept_at.set(now);
        if let Err(error) = store::attempts::sweep(outside.tables(), now).await {
            log::warn(&Context::default(), "failed to sweep attempts", &[("reason", &error)]);
        }
        let days = outside.variable("log_retention_days").await.and_then(|days| retention(&days));
        let days = days.unwrap_or(DEFAULT_RETENTION_DAYS);
        if let Err(error) = store::logs::sweep(outside.tables(), now - days * DAY_MICROS).await {
            log::warn(&Context::default(), "failed to sweep the request log", &[("reason", &error)]);
        }
    }
}

/// How many days of `log_retention_days` make sense: ten years at most.
pub fn retention(days: &str) -> Option<i64> {
    days.trim().parse().ok().filter(|days| (1..=3650).contains(days))
}
