//! Time: a clock that tests can set, and the two forms of a moment (microseconds inside, RFC 3339 outside).

use std::time::{SystemTime, UNIX_EPOCH};

/// Microseconds since the Unix epoch, UTC: the form of every time in the database and in typed calls.
pub type Micros = i64;

const SECOND: Micros = 1_000_000;
const DAY: i64 = 86_400;

pub trait Clock {
    fn now(&self) -> Micros;
}

#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Micros {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Micros::try_from(since.as_micros()).unwrap_or(Micros::MAX)
    }
}

/// `2025-06-08T18:39:43.000Z`: RFC 3339, UTC, milliseconds, the form of every time in the API.
pub fn rfc3339(at: Micros) -> String {
    let (seconds, micros) = (at.div_euclid(SECOND), at.rem_euclid(SECOND));
    let (year, month, day) = civil(seconds.div_euclid(DAY));
    let second = seconds.rem_euclid(DAY);
    let (h, m, s, ms) = (second / 3600, second / 60 % 60, second % 60, micros / 1000);
    format!("{year:04}-{month:02}-{day:02}T{h:02}:{m:02}:{s:02}.{ms:03}Z")
}

/// Reads RFC 3339 with any offset; `None` for anything else, leap seconds included.
pub fn parse_rfc3339(text: &str) -> Option<Micros> {
    let (date, rest) = (text.get(..10)?, text.get(10..)?);
    let time = rest.strip_prefix(['T', 't', ' '])?;
    let clock = time.get(..8)?;
    let (fraction, offset) = split_fraction(time.get(8..)?)?;
    let [year, month, day] = numbers(date, '-', [4, 2, 2])?;
    let [hour, minute, second] = numbers(clock, ':', [2, 2, 2])?;
    let in_range = (1..=12).contains(&month) && (1..=31).contains(&day) && hour < 24 && minute < 60 && second < 60;
    let days = days(year, month, day);
    if !in_range || civil(days) != (year, month, day) {
        return None; // 30 February is no day
    }
    Some((days * DAY + hour * 3600 + minute * 60 + second - offset_seconds(offset)?) * SECOND + fraction)
}

/// The fraction of a second in microseconds (what is finer is cut), and the offset that follows.
fn split_fraction(text: &str) -> Option<(Micros, &str)> {
    let Some(rest) = text.strip_prefix('.') else { return Some((0, text)) };
    let digits = rest.get(..rest.bytes().take_while(u8::is_ascii_digit).count())?;
    if digits.is_empty() || digits.len() > 9 {
        return None;
    }
    let micros = format!("{digits:0<6}");
    Some((micros.get(..6)?.parse().ok()?, rest.get(digits.len()..)?))
}

fn offset_seconds(text: &str) -> Option<i64> {
    if text.eq_ignore_ascii_case("z") {
        return Some(0);
    }
    let sign = if text.starts_with('+') { 1 } else { -1 };
    let [hours, minutes] = numbers(text.strip_prefix(['+', '-'])?, ':', [2, 2])?;
    (hours < 24 && minutes < 60).then_some(sign * (hours * 3600 + minutes * 60))
}

/// `Thu, 24 Aug 2023 05:01:45 +0000`: the form of mail, and of some APIs (RFC 5322). A time before 1970 is shown as 1970.
pub fn mail_date(at: Micros) -> String {
    let since = std::time::Duration::from_micros(u64::try_from(at).unwrap_or(0));
    httpdate::fmt_http_date(UNIX_EPOCH + since).replace("GMT", "+0000")
}

/// Reads an HTTP date, and the same with a numeric offset of zero, as mail and some APIs write it (RFC 5322).
pub fn http_date(text: &str) -> Option<Micros> {
    let text = text.trim();
    let text = text.strip_suffix("+0000").map_or_else(|| text.to_owned(), |rest| format!("{rest}GMT"));
    let since = httpdate::parse_http_date(&text).ok()?.duration_since(UNIX_EPOCH).ok()?;
    Micros::try_from(since.as_micros()).ok()
}

/// Exactly these widths of digits, so that `2025-6-8` and `+025` are refused.
fn numbers<const N: usize>(text: &str, separator: char, widths: [usize; N]) -> Option<[i64; N]> {
    let parts: Vec<&str> = text.split(separator).collect();
    let right = |(part, width): (&&str, usize)| part.len() == width && part.bytes().all(|b| b.is_ascii_digit());
    if parts.len() != N || !parts.iter().zip(widths).all(right) {
        return None;
    }
    let values: Option<Vec<i64>> = parts.iter().map(|part| part.parse().ok()).collect();
    values?.try_into().ok()
}

/// Days since the epoch to year, month, day (Howard Hinnant's `civil_from_days`).
fn civil(days: i64) -> (i64, i64, i64) {
    let z = days + 719_468;
    let (era, doe) = (z.div_euclid(146_097), z.rem_euclid(146_097));
    let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let month = if mp < 10 { mp + 3 } else { mp - 9 };
    (yoe + era * 400 + i64::from(month <= 2), month, doy - (153 * mp + 2) / 5 + 1)
}

/// The inverse of [`civil`].
fn days(year: i64, month: i64, day: i64) -> i64 {
    let y = if month <= 2 { year - 1 } else { year };
    let (era, yoe) = (y.div_euclid(400), y.rem_euclid(400));
    let mp = if month > 2 { month - 3 } else { month + 9 };
    let doy = (153 * mp + 2) / 5 + day - 1;
    era * 146_097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719_468
}
