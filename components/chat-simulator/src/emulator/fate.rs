//! What becomes of one call to the emulator: thrown for by its number, so that a seed gives the same trouble each time.

use super::{
    Knobs,
    codes::{self, Code},
};
use crate::dice::Dice;

/// Throws of the calls; those of the reports are another purpose.
const CALLS: u64 = 1 << 32;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    Taken,
    /// Not taken.
    Refused(&'static Code),
    /// Taken, and answered when nobody waits any more.
    Hangs,
    /// Taken, and answered with rubbish.
    Garbled,
}

/// Of call `number`, by a provider with these codes.
pub fn of(knobs: &Knobs, number: u64, table: &'static [Code]) -> Fate {
    let mut dice = Dice::new(knobs.seed, CALLS.wrapping_add(number));
    let (refused, hangs, garbled) =
        (dice.chance(knobs.error_rate), dice.chance(knobs.hang_rate), dice.chance(knobs.garble_rate));
    if refused && let Some(code) = dice.pick(&codes::among(table, &knobs.errors)) {
        return Fate::Refused(code);
    }
    match (hangs, garbled) {
        (true, _) => Fate::Hangs,
        (false, true) => Fate::Garbled,
        (false, false) => Fate::Taken,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::emulator::codes::{Class, META, TWILIO};

    fn fates(knobs: &Knobs, table: &'static [Code]) -> Vec<Fate> {
        (0..1000).map(|number| of(knobs, number, table)).collect()
    }

    #[test]
    fn is_kind_by_default() {
        assert!(fates(&Knobs::default(), META).iter().all(|fate| *fate == Fate::Taken));
    }

    #[test]
    fn the_same_seed_gives_the_same_trouble() {
        let knobs = Knobs { seed: 7, error_rate: 0.3, hang_rate: 0.1, garble_rate: 0.1, ..Knobs::default() };
        let one = fates(&knobs, META);
        assert_eq!(one, fates(&knobs, META));
        assert_ne!(one, fates(&Knobs { seed: 8, ..knobs }, META));
        let refused = one.iter().filter(|fate| matches!(fate, Fate::Refused(_))).count();
        assert!((230..370).contains(&refused), "{refused}");
        assert!(one.contains(&Fate::Hangs) && one.contains(&Fate::Garbled));
    }

    #[test]
    fn errors_are_those_that_were_named_or_pass_by_themselves() {
        let any = Knobs { error_rate: 1.0, ..Knobs::default() };
        let passes = |fate: &Fate| matches!(fate, Fate::Refused(code) if code.class == Class::Retry);
        assert!(fates(&any, META).iter().all(passes) && fates(&any, TWILIO).iter().all(passes));
        let named = Knobs { errors: vec![190], ..any };
        assert!(fates(&named, META).iter().all(|fate| matches!(fate, Fate::Refused(code) if code.code == 190)));
        assert!(fates(&named, TWILIO).iter().all(|fate| *fate == Fate::Taken), "190 is none of Twilio's");
    }
}
