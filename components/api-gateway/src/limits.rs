//! Rate limits: a token bucket per caller, shared by all instances, out of which each takes a slice and spends it without asking.

use std::cell::RefCell;
use std::collections::HashMap;

use http::HeaderMap;
use http::header::{HeaderName, HeaderValue, RETRY_AFTER};

use crate::auth::{Caller, Quota};
use crate::clients::Outside;
use crate::problem::too_many;
use crate::store::quotas::{self, Bucket};
use sdk::{Context, Micros, Problem, log};

/// For tenants without a plan of their own.
const DEFAULT_PER_HOUR: u32 = 1000;
/// A slice is a fiftieth of the bucket, 64 tokens at most: so many may be lost with an instance, and so few writes does a read cost.
const SLICES: i64 = 50;
const MAX_SLICE: i64 = 64;
/// An unspent slice is worth nothing after this (60 s, in microseconds): what it held flows back with time anyway.
const SLICE_TTL_MICROS: Micros = 60_000_000;
/// Callers remembered per instance.
const CAPACITY: usize = 4096;

const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// What this instance holds of its callers' buckets.
#[derive(Default)]
pub struct Slices(RefCell<HashMap<String, Slice>>);

#[derive(Clone, Copy)]
struct Slice {
    tokens: i64,
    /// In the bucket, for everybody.
    left: i64,
    taken_at: Micros,
    /// Empty until then: no need to ask.
    empty_until: Micros,
}

/// What the client is told of its quota, with every answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    pub per_hour: i64,
    pub remaining: i64,
}

impl Standing {
    /// `RateLimit` and `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers), and the older names where they are wanted.
    pub fn tell(self, headers: &mut HeaderMap, with_x: bool) {
        let (quota, left) = (self.per_hour, self.remaining);
        let mut put = |name: HeaderName, text: String| {
            headers.extend(HeaderValue::from_str(&text).ok().map(|value| (name, value)));
        };
        put(RATE_LIMIT_POLICY, format!("\"default\";q={quota};w=3600"));
        put(RATE_LIMIT, format!("\"default\";r={left};t={}", seconds_per_token(quota)));
        if with_x {
            put(HeaderName::from_static("x-ratelimit-limit"), quota.to_string());
            put(HeaderName::from_static("x-ratelimit-remaining"), left.to_string());
            put(HeaderName::from_static("x-ratelimit-reset"), seconds_per_token(quota).to_string());
        }
    }
}

/// How long one token takes to flow back, rounded up.
fn seconds_per_token(per_hour: i64) -> i64 {
    (3600 + per_hour - 1) / per_hour.max(1)
}

impl Slices {
    /// Spends one token of the caller's. `None`: this caller has no quota.
    pub async fn spend<B: Outside>(
        &self,
        outside: &B,
        caller: &Caller,
    ) -> Result<Option<Standing>, (Problem, Standing)> {
        let per_hour = match caller.quota {
            Quota::Unlimited => return Ok(None),
            Quota::PerHour(number) => i64::from(number),
            Quota::Default => i64::from(DEFAULT_PER_HOUR),
        };
        let (name, now) = (format!("{} {}", caller.tenant, caller.principal), outside.now());
        if let Some(standing) = self.spend_held(&name, per_hour, now) {
            return standing.map(Some);
        }
        let bucket = Bucket { capacity_tokens: per_hour, per_hour, now };
        let slice = (per_hour / SLICES).clamp(1, MAX_SLICE);
        let (taken, left) = match quotas::take(outside.tables(), &caller.tenant, &caller.principal, bucket, slice).await
        {
            Ok(taken) => taken,
            Err(error) => {
                // A limit that cannot be counted stops nobody: what is protected is still there.
                log::warn(&Context::default(), "failed to take from a quota", &[("reason", &error)]);
                return Ok(None);
            }
        };
        self.hold(&name, per_hour, taken, left, now);
        self.spend_held(&name, per_hour, now).unwrap_or(Ok(Standing { per_hour, remaining: left })).map(Some)
    }

    /// With what is held, if it is still worth something; `None`: the bucket must be asked.
    fn spend_held(&self, name: &str, per_hour: i64, now: Micros) -> Option<Result<Standing, (Problem, Standing)>> {
        let mut slices = self.0.borrow_mut();
        let slice = slices.get_mut(name)?;
        if now < slice.empty_until {
            let seconds = (slice.empty_until - now + 999_999) / 1_000_000;
            return Some(Err((refused(per_hour, seconds), Standing { per_hour, remaining: 0 })));
        }
        if slice.tokens == 0 || !(0..SLICE_TTL_MICROS).contains(&(now - slice.taken_at)) {
            return None;
        }
        slice.tokens -= 1;
        Some(Ok(Standing { per_hour, remaining: slice.tokens + slice.left }))
    }

    fn hold(&self, name: &str, per_hour: i64, tokens: i64, left: i64, now: Micros) {
        let mut slices = self.0.borrow_mut();
        if slices.len() >= CAPACITY && !slices.contains_key(name) {
            let oldest = slices.iter().min_by_key(|(_, slice)| slice.taken_at).map(|(name, _)| name.clone());
            oldest.and_then(|name| slices.remove(&name));
        }
        let empty_until = if tokens == 0 { now + seconds_per_token(per_hour) * 1_000_000 } else { now };
        // Several requests of one caller may have asked at once: what each took counts.
        let held =
            slices.get(name).filter(|slice| now - slice.taken_at < SLICE_TTL_MICROS).map_or(0, |slice| slice.tokens);
        slices.insert(name.to_owned(), Slice { tokens: held + tokens, left, taken_at: now, empty_until });
    }
}

fn refused(per_hour: i64, seconds: i64) -> Problem {
    too_many(&format!("the quota of {per_hour} requests an hour is used up"))
        .header(RETRY_AFTER, &seconds.max(1).to_string())
}
