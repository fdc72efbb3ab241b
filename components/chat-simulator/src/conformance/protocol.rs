//! What holds for every signed webhook: who is let in, and what is counted.

use sdk::sql::Driver;
use serde_json::Value;

use super::{Checks, Subject};
use crate::{
    app::World,
    webhook::{Answer, Webhook},
};

const GROUP: &str = "protocol";

/// What an answer counts; `None` where it counts nothing.
pub(super) fn count(answer: &Answer, name: &str) -> Option<u64> {
    answer.body.get(name).and_then(Value::as_u64)
}

/// A webhook that is right, tried in all the ways in which it is not.
pub(super) async fn refusals<D: Driver, W: World>(subject: &Subject<'_, D, W>, checks: &mut Checks, right: &Webhook) {
    let wrong_signature = right.signature.as_ref().map(|(name, value)| {
        let last = if value.ends_with('0') { "1" } else { "0" };
        (*name, format!("{}{last}", value.get(..value.len().saturating_sub(1)).unwrap_or_default()))
    });
    let mut other_body = right.clone();
    other_body.body.push(b' ');
    for (name, webhook) in [
        ("a webhook without a signature is 401", Webhook { signature: None, ..right.clone() }),
        ("one with a wrong signature is 401", Webhook { signature: wrong_signature, ..right.clone() }),
        ("one whose body was changed is 401", other_body),
    ] {
        let answer = subject.app.post(&webhook).await;
        checks.equal(GROUP, name, Some(401), answer.status);
    }
}

/// The same webhook twice at once, and once more: one of the three is the first.
pub(super) async fn repetitions<D: Driver, W: World>(
    subject: &Subject<'_, D, W>,
    checks: &mut Checks,
    webhook: &Webhook,
) {
    let app = subject.app;
    let (one, two) = futures::future::join(app.post(webhook), app.post(webhook)).await;
    let three = app.post(webhook).await;
    let sum = |name: &str| [&one, &two, &three].iter().filter_map(|answer| count(answer, name)).sum::<u64>();
    let statuses = [one.status, two.status, three.status];
    checks.equal(GROUP, "a repeated webhook is answered 200 each time", [Some(200); 3], statuses);
    checks.equal(
        GROUP,
        "of three repetitions, two at once, one is accepted and two are duplicates",
        (1, 2),
        (sum("accepted"), sum("duplicates")),
    );
}
