//! Chance that can be repeated: the same seed gives the same throws, on every machine and in every version.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

pub struct Dice(ChaCha8Rng);

impl Dice {
    /// Throws of different purposes under one seed have nothing to do with each other.
    pub fn new(seed: u64, purpose: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(purpose);
        Self(rng)
    }

    /// One of `0..count`; 0 when there are none.
    pub fn below(&mut self, count: usize) -> usize {
        let wide = u128::from(self.0.next_u64()) * u128::try_from(count).unwrap_or(0);
        usize::try_from(wide >> 64).unwrap_or(0)
    }

    /// One of `from..=to`.
    pub fn between(&mut self, from: u64, to: u64) -> u64 {
        let span = u128::from(to.saturating_sub(from)) + 1;
        from.saturating_add(u64::try_from((u128::from(self.0.next_u64()) * span) >> 64).unwrap_or(0))
    }

    pub fn chance(&mut self, probability: f64) -> bool {
        const BITS: u32 = 53;
        #[expect(clippy::cast_precision_loss, reason = "53 bits are what a double holds")]
        let throw = (self.0.next_u64() >> (u64::BITS - BITS)) as f64 / (1_u64 << BITS) as f64;
        throw < probability
    }

    pub fn pick<'a, T>(&mut self, items: &'a [T]) -> Option<&'a T> {
        items.get(self.below(items.len()))
    }

    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            let other = self.below(last + 1);
            items.swap(last, other);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_is_a_promise() {
        let mut dice = Dice::new(7, 0);
        let throws: Vec<usize> = (0..8).map(|_| dice.below(100)).collect();
        assert_eq!(throws, throws_of(7, 0));
        assert_ne!(throws, throws_of(8, 0));
        assert_ne!(throws, throws_of(7, 1), "another purpose");
    }

    fn throws_of(seed: u64, purpose: u64) -> Vec<usize> {
        let mut dice = Dice::new(seed, purpose);
        (0..8).map(|_| dice.below(100)).collect()
    }

    #[test]
    fn chances_are_kept() {
        let mut dice = Dice::new(1, 0);
        assert!((0..1000).all(|_| !dice.chance(0.0)));
        assert!((0..1000).all(|_| dice.chance(1.0)));
        let hits = (0..10_000).filter(|_| dice.chance(0.3)).count();
        assert!((2700..3300).contains(&hits), "{hits}");
        assert!((0..1000).all(|_| (3..=5).contains(&dice.between(3, 5))));
        assert_eq!(dice.below(0), 0);
    }

    #[test]
    fn a_shuffle_loses_nothing() {
        let mut items: Vec<u32> = (0..50).collect();
        Dice::new(3, 0).shuffle(&mut items);
        assert_ne!(items, (0..50).collect::<Vec<_>>());
        items.sort_unstable();
        assert_eq!(items, (0..50).collect::<Vec<_>>());
    }
}
