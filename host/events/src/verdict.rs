//! What a subscriber's answer means for the event.

use crate::attempt::Undelivered;
use crate::engine::Failure;
use bytes::Bytes;
use http::{Response, StatusCode, header::RETRY_AFTER};
use std::time::{Duration, SystemTime};

/// As much of a reason as an operator reads.
const MAX_REASON: usize = 500;

#[derive(Debug, PartialEq, Eq)]
pub enum Verdict {
    Done,
    /// Again later, and not before the consumer's own wish.
    Retry {
        failure: Failure,
        asked: Option<Duration>,
    },
    /// Again would be the same.
    Dead(Failure),
    /// The component is away: its subscription rests, and this was no attempt.
    Paused,
    /// The host had no place for it: soon again, and this was no attempt.
    Busy,
}

pub fn verdict(answer: Result<Response<Bytes>, Undelivered>) -> Verdict {
    let response = match answer {
        Ok(response) => response,
        Err(Undelivered::Stopped) => return Verdict::Paused,
        Err(Undelivered::Busy) => return Verdict::Busy,
        Err(Undelivered::Failed(reason)) => {
            return Verdict::Retry { failure: Failure { status: None, reason: shortened(&reason) }, asked: None };
        }
    };
    let status = response.status();
    if status.is_success() {
        return Verdict::Done;
    }
    let failure = Failure { status: Some(status.as_u16()), reason: reason(&response) };
    match status {
        StatusCode::NOT_FOUND
        | StatusCode::METHOD_NOT_ALLOWED
        | StatusCode::REQUEST_TIMEOUT
        | StatusCode::TOO_EARLY
        | StatusCode::TOO_MANY_REQUESTS => Verdict::Retry { failure, asked: asked(&response) },
        status if status.is_client_error() => Verdict::Dead(failure),
        // 5xx; and what is neither success nor error is a mistake that may be mended.
        _ => Verdict::Retry { failure, asked: asked(&response) },
    }
}

/// The consumer's own words, where it has some for people.
fn reason(response: &Response<Bytes>) -> String {
    let problem: Option<serde_json::Value> = serde_json::from_slice(response.body()).ok();
    let detail = problem.as_ref().and_then(|problem| problem.get("detail")?.as_str());
    match detail {
        Some(detail) => shortened(&format!("answered {}: {detail}", response.status())),
        None => format!("answered {}", response.status()),
    }
}

fn shortened(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(MAX_REASON).collect()
}

/// Seconds, or a date.
fn asked(response: &Response<Bytes>) -> Option<Duration> {
    let text = response.headers().get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    httpdate::parse_http_date(text).ok()?.duration_since(SystemTime::now()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, retry_after: Option<&str>, body: &'static str) -> Verdict {
        let mut response = Response::builder().status(status);
        if let Some(value) = retry_after {
            response = response.header(RETRY_AFTER, value);
        }
        verdict(Ok(response.body(Bytes::from(body)).unwrap()))
    }

    #[test]
    fn success_is_the_end() {
        for status in [200, 202, 204] {
            assert_eq!(answer(status, None, ""), Verdict::Done);
        }
    }

    #[test]
    fn what_may_pass_is_tried_again() {
        for status in [302, 404, 405, 408, 425, 429, 500, 502, 503, 504] {
            assert!(matches!(answer(status, None, ""), Verdict::Retry { asked: None, .. }), "{status}");
        }
        let failed = verdict(Err(Undelivered::Failed("the instance crashed".to_owned())));
        assert!(matches!(failed, Verdict::Retry { failure: Failure { status: None, .. }, .. }));
    }

    #[test]
    fn what_will_not_pass_is_dead_at_once() {
        for status in [400, 401, 403, 409, 410, 415, 422] {
            assert!(matches!(answer(status, None, ""), Verdict::Dead(_)), "{status}");
        }
    }

    #[test]
    fn a_component_that_is_away_costs_nothing() {
        assert_eq!(verdict(Err(Undelivered::Stopped)), Verdict::Paused);
        assert_eq!(verdict(Err(Undelivered::Busy)), Verdict::Busy);
    }

    #[test]
    fn a_wish_for_later_is_seconds_or_a_date() {
        let Verdict::Retry { asked, .. } = answer(503, Some("7"), "") else { panic!() };
        assert_eq!(asked, Some(Duration::from_secs(7)));
        let soon = httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(100));
        let Verdict::Retry { asked, .. } = answer(503, Some(&soon), "") else { panic!() };
        assert!(asked.unwrap() > Duration::from_secs(90));
        for bad in ["soon", "-1", "1e9", "Thu, 01 Jan 1970 00:00:00 GMT"] {
            assert!(matches!(answer(503, Some(bad), ""), Verdict::Retry { asked: None, .. }), "{bad}");
        }
    }

    #[test]
    fn the_reason_is_the_consumers_own_words() {
        let Verdict::Dead(failure) = answer(422, None, r#"{"detail":"no such channel"}"#) else { panic!() };
        assert_eq!(failure.status, Some(422));
        assert_eq!(failure.reason, "answered 422 Unprocessable Entity: no such channel");
    }
}
