//! For whom a canary works: a share of the tenants, the same ones for as long as it lasts.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use wasmtime::component::Val;

/// What tells whose a request is, the surest first. A request from outside carries no tenant, and a credential is one tenant's.
const WHOSE: [&str; 3] = ["kobliat-tenant", "authorization", "x-api-key"];

/// A percentage of the tenants.
pub struct Share {
    percent: u64,
    /// What is nobody's in particular is shared out in turn.
    anonymous: AtomicU64,
}

impl Share {
    pub fn percent(percent: u8) -> Self {
        Self { percent: u64::from(percent.min(100)), anonymous: AtomicU64::new(0) }
    }

    pub(super) fn has_request<B>(&self, request: &http::Request<B>) -> bool {
        let headers = request.headers();
        match WHOSE.iter().find_map(|name| headers.get(*name)) {
            Some(whose) => self.has(whose.as_bytes()),
            None => self.anonymous.fetch_add(1, Relaxed) % 100 < self.percent,
        }
    }

    /// The first parameter of a typed call is a context with the tenant in it, by convention.
    pub(super) fn has_call(&self, params: &[Val]) -> bool {
        let tenant = params.first().and_then(|context| match context {
            Val::Record(fields) => fields.iter().find_map(|(name, value)| match value {
                Val::String(tenant) if name == "tenant" => Some(tenant),
                _ => None,
            }),
            _ => None,
        });
        match tenant {
            Some(tenant) => self.has(tenant.as_bytes()),
            None => self.anonymous.fetch_add(1, Relaxed) % 100 < self.percent,
        }
    }

    fn has(&self, whose: &[u8]) -> bool {
        // The default hasher's keys are fixed, so a tenant stays on its side.
        let mut hasher = DefaultHasher::new();
        whose.hash(&mut hasher);
        hasher.finish() % 100 < self.percent
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call_of(tenant: &str) -> Vec<Val> {
        vec![Val::Record(vec![("tenant".into(), Val::String(tenant.into()))])]
    }

    #[test]
    fn a_tenant_stays_on_its_side_by_http_and_by_call() {
        let share = Share::percent(30);
        let mut inside = 0;
        for number in 0..1000 {
            let tenant = format!("tenant-{number}");
            let request = http::Request::builder().header("kobliat-tenant", &tenant).body(()).unwrap();
            let has = share.has_request(&request);
            assert_eq!(has, share.has_request(&request));
            assert_eq!(has, share.has_call(&call_of(&tenant)));
            inside += usize::from(has);
        }
        assert!((250..350).contains(&inside), "{inside} of 1000");
    }

    #[test]
    fn what_is_nobodys_is_shared_out() {
        let share = Share::percent(10);
        let inside = (0..200).filter(|_| share.has_request(&http::Request::new(()))).count();
        assert_eq!(inside, 20);
    }

    #[test]
    fn the_ends_are_nobody_and_everybody() {
        assert!(!Share::percent(0).has_call(&call_of("a")));
        assert!(Share::percent(100).has_call(&call_of("a")));
    }
}
