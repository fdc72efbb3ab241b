//! How unkind the emulator is: chances and times, set by an operator, and a seed that makes them repeatable.

use sdk::Input;
use serde::{Deserialize, Serialize};

use super::codes;

/// Longer than anybody waits for a provider, and shorter than a request may run.
const LONGEST_HANG_MS: u64 = 25_000;
const LONGEST_DELAY_MS: u64 = 3_600_000;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Knobs {
    pub seed: u64,
    /// Calls that are refused with one of `errors`.
    pub error_rate: f64,
    /// The providers' codes; empty: any that means another try is worth it.
    pub errors: Vec<i64>,
    /// Calls that are taken, and answered only after `hang_ms`.
    pub hang_rate: f64,
    pub hang_ms: u64,
    /// Calls that are taken, and answered with something that is no answer.
    pub garble_rate: f64,
    /// Calls a second that an account may make; 0 is any number.
    pub calls_per_second: u64,
    /// How long a report takes, at least and at most, after the one before.
    pub report_ms: [u64; 2],
    /// Reports that come twice, before the one before them, or a minute late.
    pub duplicate_rate: f64,
    pub reorder_rate: f64,
    pub late_rate: f64,
    /// Messages that are taken and reported as failed.
    pub failure_rate: f64,
    /// Messages that are read, of those that are delivered.
    pub read_rate: f64,
    /// Calls for files that fail; addresses that are too old when they are told; hashes that are another file's; bytes that are
    /// half of them, or come after `media_slow_ms`.
    pub media_error_rate: f64,
    pub media_expired_rate: f64,
    pub media_wrong_hash_rate: f64,
    pub media_truncated_rate: f64,
    pub media_slow_rate: f64,
    pub media_slow_ms: u64,
}

impl Default for Knobs {
    fn default() -> Self {
        Self {
            seed: 0,
            error_rate: 0.0,
            errors: Vec::new(),
            hang_rate: 0.0,
            hang_ms: 20_000,
            garble_rate: 0.0,
            calls_per_second: 0,
            report_ms: [100, 1500],
            duplicate_rate: 0.0,
            reorder_rate: 0.0,
            late_rate: 0.0,
            failure_rate: 0.0,
            read_rate: 1.0,
            media_error_rate: 0.0,
            media_expired_rate: 0.0,
            media_wrong_hash_rate: 0.0,
            media_truncated_rate: 0.0,
            media_slow_rate: 0.0,
            media_slow_ms: 20_000,
        }
    }
}

impl Knobs {
    /// What is not named is as it is by default.
    pub fn read(input: &mut Input) -> Self {
        let default = Self::default();
        let report_ms = [
            whole(input, "report_min_ms", LONGEST_DELAY_MS, default.report_ms[0]),
            whole(input, "report_max_ms", LONGEST_DELAY_MS, default.report_ms[1]),
        ];
        if report_ms[0] > report_ms[1] {
            input.refuse("report_min_ms", "must not be above report_max_ms");
        }
        Self {
            seed: whole(input, "seed", 1 << 53, 0),
            error_rate: rate(input, "error_rate", 0.0),
            errors: errors(input),
            hang_rate: rate(input, "hang_rate", 0.0),
            hang_ms: whole(input, "hang_ms", LONGEST_HANG_MS, default.hang_ms),
            garble_rate: rate(input, "garble_rate", 0.0),
            calls_per_second: whole(input, "calls_per_second", 100_000, 0),
            report_ms,
            duplicate_rate: rate(input, "duplicate_rate", 0.0),
            reorder_rate: rate(input, "reorder_rate", 0.0),
            late_rate: rate(input, "late_rate", 0.0),
            failure_rate: rate(input, "failure_rate", 0.0),
            read_rate: rate(input, "read_rate", 1.0),
            media_error_rate: rate(input, "media_error_rate", 0.0),
            media_expired_rate: rate(input, "media_expired_rate", 0.0),
            media_wrong_hash_rate: rate(input, "media_wrong_hash_rate", 0.0),
            media_truncated_rate: rate(input, "media_truncated_rate", 0.0),
            media_slow_rate: rate(input, "media_slow_rate", 0.0),
            media_slow_ms: whole(input, "media_slow_ms", LONGEST_HANG_MS, default.media_slow_ms),
        }
    }
}

fn rate(input: &mut Input, name: &str, default: f64) -> f64 {
    let rate = input.number(name).unwrap_or(default);
    if !(0.0..=1.0).contains(&rate) {
        input.refuse(name, "must be 0 to 1");
    }
    rate
}

fn whole(input: &mut Input, name: &str, most: u64, default: u64) -> u64 {
    let number = input.integer(name).map_or(Some(default), |number| u64::try_from(number).ok());
    let number = number.filter(|number| *number <= most);
    if number.is_none() {
        input.refuse(name, &format!("must be 0 to {most}"));
    }
    number.unwrap_or(default)
}

/// As texts, as every list of the API's inputs: `["130429", "190"]`.
fn errors(input: &mut Input) -> Vec<i64> {
    let named = input.texts("errors", 50).unwrap_or_default();
    let known: Vec<i64> =
        named.iter().filter_map(|code| code.parse().ok()).filter(|code| codes::is_known(*code)).collect();
    if known.len() < named.len() {
        input.refuse("errors", &format!("must be codes that the emulator knows: {}", codes::listed()));
    }
    known
}
