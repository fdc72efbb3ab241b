//! A run: many customers write at once through a provider that is unkind, and then it is looked at what really arrived.
//!
//! `plan` is everything that will be sent, made from the order alone, so that a run goes on after a crash where it was; `chaos` disturbs it;
//! `sending` does it in slices; `check` asks the services; `report` compares.

pub mod chaos;
pub mod check;
pub mod plan;
pub mod report;
pub mod sending;

use sdk::{
    Context, Micros, ids, log,
    sql::{Driver, SqlError},
};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::{
    app::{App, World},
    provider::meta,
    store::runs,
};
use plan::Plan;

pub const MAX_CUSTOMERS: u64 = 1000;
pub const MAX_MESSAGES: u64 = 10_000;
/// Longer than one slice takes, however slow our front is.
const LEASE: Micros = 120_000_000;
/// What the platform took and had not done when the last webhook was answered gets so long to appear, before it counts as lost.
const PATIENCE: Micros = 60_000_000;
/// Between two looks at what has not appeared yet.
const LOOK_AGAIN: Micros = 1_000_000;

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
    State { Sending = "sending", Checking = "checking", Done = "done" }
);

#[derive(Clone, Debug)]
pub struct Run {
    pub tenant: String,
    pub id: String,
    pub order: Order,
    pub state: State,
    /// Webhooks that are behind it.
    pub position: u64,
    /// JSON, once it is done.
    pub report: Option<String>,
    pub created_at: Micros,
    pub updated_at: Micros,
}

impl Run {
    pub fn new(tenant: &str, order: Order, now: Micros) -> Self {
        let (id, state) = (ids::new(), State::Sending);
        Self {
            tenant: tenant.to_owned(),
            id,
            order,
            state,
            position: 0,
            report: None,
            created_at: now,
            updated_at: now,
        }
    }

    pub fn account(&self) -> &'static str {
        meta::ACCOUNT
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
            "order": { "customers": self.order.customers, "messages": self.order.messages, "chaos": self.order.chance(), "seed": self.order.seed },
            "customers": { "external_type": meta::CHANNEL, "external_id_prefix": self.prefix(), "channel_account_id": self.account() },
            "webhooks_sent": self.position,
            "created_at": sdk::clock::rfc3339(self.created_at),
            "updated_at": sdk::clock::rfc3339(self.updated_at),
        });
        if let (Some(view), Some(Value::Object(report))) = (view.as_object_mut(), report) {
            view.extend(report);
        }
        view
    }
}

/// Goes on with a run that this caller has claimed, until it is done or the time is up; the next one goes on from there.
pub async fn advance<D: Driver, W: World>(app: &App<D, W>, run: &mut Run, until: Micros) -> Result<(), SqlError> {
    let plan = Plan::of(run);
    while run.state != State::Done && app.clock.now() < until {
        match run.state {
            State::Sending => send(app, run, &plan).await?,
            State::Checking => look(app, run, &plan).await?,
            State::Done => {}
        }
    }
    runs::release(&app.database, run).await
}

async fn send<D: Driver, W: World>(app: &App<D, W>, run: &mut Run, plan: &Plan) -> Result<(), SqlError> {
    let slice = sending::slice(app, run, plan).await;
    run.position = run.position.saturating_add(slice.webhooks);
    if usize::try_from(run.position).unwrap_or(usize::MAX) >= plan.posts.len() {
        run.state = State::Checking;
    }
    run.updated_at = app.clock.now();
    runs::save_slice(&app.database, run, &slice, run.updated_at.saturating_add(LEASE)).await
}

async fn look<D: Driver, W: World>(app: &App<D, W>, run: &mut Run, plan: &Plan) -> Result<(), SqlError> {
    let results = sending::Results::gathered(&runs::slices(&app.database, &run.tenant, &run.id).await?, plan);
    let found = match check::arrived(app, run, plan).await {
        Ok(found) => found,
        Err(reason) => {
            let context = Context { tenant: run.tenant.clone(), ..Context::default() };
            log::warn(&context, "a simulated run cannot be checked yet", &[("run", &run.id), ("reason", &reason)]);
            pause(app).await;
            return Ok(());
        }
    };
    let report = report::of(plan, &results, &found);
    // `updated_at` is when the last webhook was answered: checking does not move it.
    let is_late = app.clock.now().saturating_sub(run.updated_at) > PATIENCE;
    if report.lost > 0 && !is_late {
        pause(app).await;
        return Ok(());
    }
    run.state = State::Done;
    run.report = serde_json::to_string(&report).ok();
    run.updated_at = app.clock.now();
    runs::finish(&app.database, run).await
}

async fn pause<D: Driver, W: World>(app: &App<D, W>) {
    app.world.sleep(std::time::Duration::from_micros(LOOK_AGAIN.unsigned_abs())).await;
}

/// Goes on with whatever run nobody is working on.
pub async fn round<D: Driver, W: World>(app: &App<D, W>, budget: Micros) -> Result<(), SqlError> {
    let now = app.clock.now();
    match runs::claim(&app.database, now, now.saturating_add(LEASE)).await? {
        Some(mut run) => advance(app, &mut run, now.saturating_add(budget)).await,
        None => Ok(()),
    }
}

/// For whoever makes a run and goes on with it at once.
pub fn lease(now: Micros) -> Micros {
    now.saturating_add(LEASE)
}
