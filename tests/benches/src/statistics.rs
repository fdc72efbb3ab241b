//! Medians of few, noisy numbers, and how far they can be trusted.

/// A median with its bootstrap 95 % confidence interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    pub median: f64,
    pub low: f64,
    pub high: f64,
}

/// Resamples: the interval's ends are then stable to about 1 %.
const RESAMPLES: usize = 4000;

impl Estimate {
    pub fn of(values: &[f64]) -> Estimate {
        let mut random = Random::new(0x9e37_79b9_7f4a_7c15);
        let mut medians: Vec<f64> = (0..RESAMPLES).map(|_| median(&random.resample(values))).collect();
        medians.sort_by(f64::total_cmp);
        let at = |share: f64| medians.get((share * RESAMPLES as f64) as usize).copied().unwrap_or(f64::NAN);
        Estimate { median: median(values), low: at(0.025), high: at(0.975) }
    }

    /// The estimate of the ratio of two series measured side by side.
    pub fn of_ratio(numerators: &[f64], denominators: &[f64]) -> Estimate {
        let ratios: Vec<f64> = numerators.iter().zip(denominators).map(|(a, b)| a / b).collect();
        Estimate::of(&ratios)
    }
}

pub fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    let upper = sorted.get(middle).copied().unwrap_or(f64::NAN);
    match middle.checked_sub(1).and_then(|below| sorted.get(below)) {
        Some(lower) if sorted.len().is_multiple_of(2) => f64::midpoint(*lower, upper),
        _ => upper,
    }
}

/// A small generator (xorshift64*): the suite's shuffles are the same in every run.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Random {
        Random(seed.max(1))
    }

    pub fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let number = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33;
        usize::try_from(number).unwrap_or(0) % bound.max(1)
    }

    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last + 1));
        }
    }

    fn resample(&mut self, values: &[f64]) -> Vec<f64> {
        (0..values.len()).filter_map(|_| values.get(self.below(values.len())).copied()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_an_even_count_is_between_its_neighbours() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), 2.5);
        assert!(median(&[]).is_nan());
    }

    #[test]
    fn the_interval_holds_the_median_and_shrinks_with_agreement() {
        let noisy = Estimate::of(&[1.0, 5.0, 2.0, 9.0, 4.0, 3.0, 8.0]);
        let calm = Estimate::of(&[4.0, 4.1, 4.0, 3.9, 4.0, 4.1, 3.9]);
        assert!(noisy.low <= noisy.median && noisy.median <= noisy.high);
        assert!(calm.high - calm.low < noisy.high - noisy.low);
        assert_eq!(Estimate::of_ratio(&[2.0, 4.0], &[1.0, 2.0]).median, 2.0);
    }

    #[test]
    fn a_shuffle_keeps_every_item() {
        let mut items: Vec<_> = (0..50).collect();
        Random::new(7).shuffle(&mut items);
        assert_ne!(items, (0..50).collect::<Vec<_>>());
        items.sort_unstable();
        assert_eq!(items, (0..50).collect::<Vec<_>>());
    }
}
