//! One attempt at a stored delivery, bounded in time, and what it leaves behind.

use std::collections::BTreeMap;
use std::pin::pin;
use std::time::Duration;

use futures::future::{Either, select};

use super::Platform;
use super::authority::Grants;
use super::delivery::{Conclusion, MAX_ATTEMPTS, State, retry_at};
use super::ingest::Ingest;
use super::outcome::Outcomes;
use super::services::CallContext;
use super::update::Update;

/// A delivery that is stored, whose items are known, and whose lease is ours.
pub struct Attempt {
    /// Owns the row; its items may belong to others.
    pub tenant: String,
    pub id: String,
    pub channel: &'static str,
    /// 1 for the one made inline.
    pub number: u32,
    /// Applied to the updates already.
    pub grants: Grants,
    pub updates: Vec<Update>,
    pub earlier: Option<Outcomes>,
    pub request_id: String,
    pub traceparent: String,
}

impl Attempt {
    /// Does what can be done within `limit`. What was settled by then stays settled; a call that is still out is given up,
    /// and made again by the next attempt. Without any time nothing is tried.
    pub async fn run<P: Platform>(&mut self, platform: &P, limit: Duration) -> Outcomes {
        let mut outcomes = Outcomes::begin(&self.updates, self.earlier.take());
        if !outcomes.is_finished() && !limit.is_zero() {
            let work = pin!(self.work(platform, limit, &mut outcomes));
            let time_is_up = pin!(platform.sleep(limit));
            match select(work, time_is_up).await {
                Either::Left(_) | Either::Right(_) => {}
            }
        }
        outcomes
    }

    async fn work<P: Platform>(&self, platform: &P, limit: Duration, outcomes: &mut Outcomes) {
        let until = platform.now().saturating_add(i64::try_from(limit.as_micros()).unwrap_or(i64::MAX));
        for (tenant, updates) in self.open_by_tenant(outcomes) {
            let context = || self.context(tenant, until.saturating_sub(platform.now()));
            Ingest { platform, context, delivery: &self.id, outcomes }.run(&updates).await;
        }
    }

    fn open_by_tenant(&self, outcomes: &Outcomes) -> BTreeMap<&str, Vec<(usize, &Update)>> {
        let mut by_tenant: BTreeMap<&str, Vec<(usize, &Update)>> = BTreeMap::new();
        let open = self.updates.iter().zip(&outcomes.0).enumerate().filter(|(_, (_, item))| !item.is_finished());
        for (index, (update, _)) in open {
            by_tenant.entry(self.grants.tenant_of(&update.account)).or_default().push((index, update));
        }
        by_tenant
    }

    fn context(&self, tenant: &str, left_micros: i64) -> CallContext {
        CallContext {
            tenant: tenant.to_owned(),
            channel: self.channel,
            request_id: self.request_id.clone(),
            traceparent: self.traceparent.clone(),
            // 0 would mean "no limit".
            deadline_ms: u32::try_from(left_micros / 1000).unwrap_or(u32::MAX).max(1),
        }
    }

    /// What is to be written down. Until it is, the delivery counts as unfinished and is done again: late, but never wrong.
    pub fn conclude(&self, now: i64, outcomes: &mut Outcomes) -> Conclusion {
        let state = if outcomes.is_finished() {
            State::Done
        } else if self.number >= MAX_ATTEMPTS {
            outcomes.give_up();
            State::Failed
        } else {
            State::Pending { retry_at: retry_at(now, self.number, &self.id) }
        };
        Conclusion {
            tenant: self.tenant.clone(),
            id: self.id.clone(),
            attempt: self.number,
            state,
            outcome: outcomes.to_json(),
        }
    }
}
