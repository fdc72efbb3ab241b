//! One request to a provider, and what its answer comes to.

use std::pin::pin;
use std::time::Duration;

use futures::future::{Either, select};

use super::services::Alias;
use super::target::Target;
use super::{Broken, Platform};
use crate::provider::{Answer, Failure, Verdict};

/// The answer, while it is worth waiting for.
pub(super) async fn exchange<P: Platform>(
    platform: &P,
    request: http::Request<Vec<u8>>,
    patience: Duration,
) -> Result<Answer, Broken> {
    let answer = pin!(platform.send(request));
    let time_is_up = pin!(platform.sleep(patience));
    match select(answer, time_is_up).await {
        Either::Left((answer, _)) => answer,
        Either::Right(_) => Err(Broken::Lost(format!("no answer within {} ms", patience.as_millis()))),
    }
}

/// Sends the message. With the names that the provider has for its recipient.
pub(super) async fn call<P: Platform>(
    platform: &P,
    target: &Target,
    request: http::Request<Vec<u8>>,
    patience: Duration,
    attempt: u32,
) -> (Verdict, Vec<Alias>) {
    let provider = target.provider;
    let verdict = match exchange(platform, request, patience).await {
        Ok(answer) => match provider.verdict(&answer, attempt) {
            Verdict::Sent(id) => {
                let id = if id.is_empty() { target.outgoing.message_id.clone() } else { id };
                return (Verdict::Sent(id), aliases(target, &answer));
            }
            Verdict::Unknown(failure) if provider.is_idempotent() => {
                Verdict::Retry(failure, answer.retry_after_seconds)
            }
            verdict => verdict,
        },
        Err(Broken::NotSent(reason)) => Verdict::Retry(Failure::new("unreachable", reason), None),
        Err(Broken::Lost(reason)) if provider.is_idempotent() => Verdict::Retry(Failure::new("lost", reason), None),
        Err(Broken::Lost(reason)) => Verdict::Unknown(Failure::new("lost", reason)),
    };
    (verdict, Vec::new())
}

/// The name that we wrote to and those that the provider has besides: whoever answers from one of these is our recipient.
fn aliases(target: &Target, answer: &Answer) -> Vec<Alias> {
    let Some(recipient) = &target.outgoing.recipient else { return Vec::new() };
    let others = target.provider.known_as(answer, recipient);
    if others.is_empty() {
        return Vec::new();
    }
    let written = Alias { kind: recipient.kind.clone(), value: recipient.value.clone() };
    let other = |(kind, value): (&str, String)| Alias { kind: kind.to_owned(), value };
    std::iter::once(written).chain(others.into_iter().map(other)).collect()
}
