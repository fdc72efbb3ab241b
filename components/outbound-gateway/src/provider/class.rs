//! Classes of errors: what a provider's code means for the message and for the channel, as tables.

use super::{Answer, Failure, Verdict};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// A fault or a limit of the provider's: again, on our schedule or when the provider says.
    Retry,
    /// Again, but each time four times later: 4, 16, 64 … seconds (WhatsApp's pair rate limit).
    RetryByFours,
    /// The message or its recipient: the same call would fail again.
    Refuse,
    /// The account: every call would fail.
    Stop,
}

/// Codes and their classes.
pub type Table = &'static [(Class, &'static [i64])];

pub fn of(table: Table, code: i64) -> Option<Class> {
    table.iter().find(|(_, codes)| codes.contains(&code)).map(|(class, _)| *class)
}

/// What an answer that is no success says: by its code where the table knows it, else by its status.
///
/// A 5xx that nobody explains is uncertain: the provider, or something before it, failed after the message may have been taken. With
/// `Retry-After` a 503 says that nothing was done.
pub fn verdict(table: Table, code: Option<i64>, failure: Failure, answer: &Answer, attempt: u32) -> Verdict {
    let class = code.and_then(|code| of(table, code));
    match (class, answer.status) {
        (Some(Class::Refuse), _) => Verdict::Refused(failure),
        (Some(Class::Stop), _) => Verdict::Stop(failure),
        (Some(Class::RetryByFours), _) => {
            Verdict::Retry(failure, Some(answer.retry_after_seconds.unwrap_or(4_u64.saturating_pow(attempt.min(10)))))
        }
        (Some(Class::Retry), _) | (None, 408 | 425 | 429) => Verdict::Retry(failure, answer.retry_after_seconds),
        (None, 503 | 529) if answer.retry_after_seconds.is_some() => {
            Verdict::Retry(failure, answer.retry_after_seconds)
        }
        (None, 401) => Verdict::Stop(failure),
        (None, 400..500) => Verdict::Refused(failure),
        (None, _) => Verdict::Unknown(failure),
    }
}

/// The provider's own words, else the status.
pub fn failure(code: Option<i64>, words: Option<&str>, answer: &Answer) -> Failure {
    let fallback = || format!("the provider answered {}", answer.status);
    let reason = words.filter(|words| !words.trim().is_empty()).map_or_else(fallback, str::to_owned);
    Failure { code: Some(code.map_or_else(|| format!("http_{}", answer.status), |code| code.to_string())), reason }
}

/// A success that does not say what became of the message.
pub fn unreadable(answer: &Answer) -> Verdict {
    let reason = format!("the provider answered {} without the message's id", answer.status);
    Verdict::Unknown(Failure::new("answer_unreadable", reason))
}
