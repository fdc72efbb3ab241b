//! What holds for every channel's webhook: who is let in, what is counted, and that many at once are each there once.

use sdk::sql::Driver;
use serde_json::Value;

use super::{Checks, Subject};
use crate::{
    app::World,
    lanes::side_by_side,
    run::check,
    webhook::{Answer, Webhook},
};

const GROUP: &str = "protocol";
/// People who write at once, and messages of each.
const PEOPLE: u32 = 20;
const EACH: u32 = 3;

/// What an answer counts; `None` where it counts nothing.
pub(super) fn count(answer: &Answer, name: &str) -> Option<u64> {
    answer.body.get(name).and_then(Value::as_u64)
}

/// What a signature vouches for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Vouches {
    ForTheBody,
    /// It is a password: whoever has it may send anything.
    ForTheSender,
}

/// A webhook that is right, tried in all the ways in which it is not.
pub(super) async fn refusals<D: Driver, W: World>(
    subject: &Subject<'_, D, W>,
    checks: &mut Checks,
    right: &Webhook,
    vouches: Vouches,
) {
    let wrong = right.signature.as_ref().map(|(name, value)| (*name, changed(value)));
    let mut tries = vec![
        ("a webhook without a signature is 401", Webhook { signature: None, ..right.clone() }),
        ("one with a wrong signature is 401", Webhook { signature: wrong, ..right.clone() }),
    ];
    if vouches == Vouches::ForTheBody {
        let body = [right.body.as_slice(), b" "].concat();
        tries.push(("one whose body was changed is 401", Webhook { body, ..right.clone() }));
    }
    for (name, webhook) in tries {
        let answer = subject.app.post(&webhook).await;
        checks.equal(GROUP, name, Some(401), answer.status);
    }
}

/// Another letter in the middle, where every letter counts.
fn changed(value: &str) -> String {
    let middle = value.len() / 2;
    let other = |(at, letter): (usize, char)| match at == middle {
        true if letter == 'a' => 'b',
        true => 'a',
        false => letter,
    };
    value.char_indices().map(other).collect()
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

/// A signed body that says nothing in the channel's form.
pub(super) async fn junk<D: Driver, W: World>(subject: &Subject<'_, D, W>, checks: &mut Checks, junk: &Webhook) {
    let name = "a signed body that is not in the channel's form is 400";
    checks.equal(GROUP, name, Some(400), subject.app.post(junk).await.status);
}

/// What the platform has of somebody: ids, types and words, in order.
pub(super) async fn said<D: Driver, W: World>(
    subject: &Subject<'_, D, W>,
    person: &str,
) -> Vec<(String, String, Option<String>)> {
    let found = check::of_number(subject.app, &subject.run.tenant, subject.account.channel, person).await;
    let mut found = found.unwrap_or_default();
    found.sort_by_key(|(_, message)| message.seq);
    found.into_iter().map(|(id, message)| (id, message.kind, message.body)).collect()
}

/// Many people at once, everyone's messages one after the other and each twice at once, and all of them once more at the end.
/// `message` gives the id, and the webhook, of a person's nth message.
pub(super) async fn many<D: Driver, W: World>(
    subject: &Subject<'_, D, W>,
    checks: &mut Checks,
    person: impl Fn(u32) -> String,
    message: impl AsyncFn(u32, u32) -> (String, Webhook),
) {
    let right = side_by_side(0..PEOPLE, 8, async |number| {
        let mut sent = Vec::new();
        for nth in 0..EACH {
            let (id, webhook) = message(number, nth).await;
            futures::future::join(subject.app.post(&webhook), subject.app.post(&webhook)).await;
            sent.push((id, webhook));
        }
        for (_, webhook) in sent.iter().rev() {
            subject.app.post(webhook).await;
        }
        let there: Vec<String> = said(subject, &person(number)).await.into_iter().map(|(id, ..)| id).collect();
        there == sent.into_iter().map(|(id, _)| id).collect::<Vec<_>>()
    })
    .await;
    let right = right.into_iter().filter(|right| *right).count();
    let name = "messages of many people, each sent three times, are there once and in order";
    checks.equal("chaos", name, usize::try_from(PEOPLE).unwrap_or(0), right);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_signature_is_another_of_the_same_length() {
        for value in ["sha256=aabb", "Basic cG9zdG1hcms6eA==", "aaa", "x"] {
            assert!(changed(value) != value && changed(value).len() == value.len(), "{value}");
        }
    }
}
