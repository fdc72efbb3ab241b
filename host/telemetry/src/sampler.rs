//! Which traces are recorded.

use crate::trace_context::TraceContext;

/// A share of the traces that begin here. What a caller has decided for its trace holds, unless told otherwise.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sampler {
    /// 0 to 1.
    pub rate: f64,
    /// What the caller says comes first (OpenTelemetry's `parentbased_*`).
    pub parent_based: bool,
}

impl Default for Sampler {
    fn default() -> Self {
        Self { rate: 1.0, parent_based: true }
    }
}

impl Sampler {
    pub(crate) fn samples(&self, trace_id: u128, parent: Option<&TraceContext>) -> bool {
        match parent {
            Some(parent) if self.parent_based => parent.sampled,
            _ => self.is_in_share(trace_id),
        }
    }

    /// By the trace's id, so that every host with the same rate decides alike.
    fn is_in_share(&self, trace_id: u128) -> bool {
        const SCALE: f64 = (1_u64 << 63) as f64;
        if self.rate >= 1.0 {
            return true;
        }
        let low = (trace_id as u64) >> 1;
        low < (self.rate.max(0.0) * SCALE) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_caller_decides_unless_the_sampler_does_not_ask() {
        let parent = |sampled| TraceContext { trace_id: u128::MAX, span_id: 1, sampled };
        let never = Sampler { rate: 0.0, parent_based: true };
        assert!(never.samples(u128::MAX, Some(&parent(true))));
        assert!(!Sampler::default().samples(1, Some(&parent(false))));
        assert!(Sampler { parent_based: false, ..Sampler::default() }.samples(1, Some(&parent(false))));
        assert!(!Sampler { parent_based: false, ..never }.samples(1, Some(&parent(true))));
    }

    #[test]
    fn a_share_is_about_as_large_as_it_should_be() {
        let sampler = Sampler { rate: 0.25, parent_based: true };
        let sampled = (0..10_000).filter(|_| sampler.samples(rand::random(), None)).count();
        assert!((2_000..3_000).contains(&sampled), "{sampled}");
        assert!(!Sampler { rate: 0.0, parent_based: true }.samples(0, None));
        assert!(Sampler::default().samples(u128::MAX, None));
    }
}
