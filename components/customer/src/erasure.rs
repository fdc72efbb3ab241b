//! Forgetting a customer, everywhere: what this service removed, what the others report, and when all are done.
//!
//! The deletion publishes `customer.deleted`. Each service that holds something of the person removes it and publishes
//! `customer.erased` with what that was, as often as it takes; the last one says `done`. Events are delivered until they are taken, so
//! the work goes on after a crash, and each report counts once.

use std::collections::BTreeMap;

use sdk::{Context, Micros, clock::rfc3339, event::Incoming};
use serde::{Deserialize, Serialize};

use crate::domain::{Error, Store};

pub const ERASED: &str = "com.kobliat.customer.erased.v1";
/// Those that hold what a person said: forgetting is complete when they are done. Others may report, too.
pub const SERVICES: [&str; 2] = ["conversation", "messaging"];
/// Kinds of things that one report may count.
const MAX_COUNTS: usize = 32;
const MAX_WORD: usize = 64;

sdk::words!(
    /// What becomes of what was said to and by the person. Who it was is forgotten in any case.
    History { Keep = "keep", Erase = "erase" }
);

/// What a service removed.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Report {
    pub customer_id: String,
    pub service: String,
    pub removed: BTreeMap<String, u32>,
    /// Nothing more will come of this service.
    pub done: bool,
}

impl Report {
    /// `None` for what no service of ours would say.
    pub fn of(event: &Incoming) -> Option<Self> {
        let report: Self = event.read().ok()?;
        let is_word = |text: &String| (1..=MAX_WORD).contains(&text.len());
        let is_sound =
            is_word(&report.service) && report.removed.len() <= MAX_COUNTS && report.removed.keys().all(is_word);
        is_sound.then_some(report)
    }
}

/// How far forgetting a customer is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Erasure {
    pub customer_id: String,
    pub requested_at: Micros,
    /// Services that are done, and when.
    pub done: BTreeMap<String, Micros>,
    /// By service, then by what.
    pub removed: BTreeMap<String, BTreeMap<String, u64>>,
}

impl Erasure {
    /// When the last of [`SERVICES`] was done.
    pub fn completed_at(&self) -> Option<Micros> {
        let times: Option<Vec<Micros>> = SERVICES.iter().map(|service| self.done.get(*service).copied()).collect();
        times?.into_iter().max()
    }
}

pub async fn get(store: &impl Store, context: &Context, customer_id: &str) -> Result<Erasure, Error> {
    store.erasure(&context.tenant, customer_id).await?.ok_or(Error::NotFound)
}

#[derive(Serialize)]
pub(crate) struct View {
    customer_id: String,
    requested_at: String,
    completed_at: Option<String>,
    services: Vec<ServiceView>,
}

#[derive(Serialize)]
struct ServiceView {
    service: String,
    state: &'static str,
    removed: BTreeMap<String, u64>,
}

impl From<Erasure> for View {
    fn from(erasure: Erasure) -> Self {
        let completed_at = erasure.completed_at().map(rfc3339);
        let Erasure { customer_id, requested_at, done, mut removed } = erasure;
        let reported: Vec<String> = removed.keys().chain(done.keys()).cloned().collect();
        let mut services: Vec<String> = reported.into_iter().chain(SERVICES.map(str::to_owned)).collect();
        services.sort_unstable();
        services.dedup();
        let view = |service: String| {
            let is_awaited = SERVICES.contains(&service.as_str()) && !done.contains_key(&service);
            let state = if is_awaited { "pending" } else { "done" };
            ServiceView { state, removed: removed.remove(&service).unwrap_or_default(), service }
        };
        Self {
            customer_id,
            requested_at: rfc3339(requested_at),
            completed_at,
            services: services.into_iter().map(view).collect(),
        }
    }
}
