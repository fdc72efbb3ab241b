//! `sms`: Twilio's vectors, forms of every kind, and repetitions.

use sdk::sql::Driver;

use super::{Checks, Subject, protocol};
use crate::{
    app::World,
    lanes::side_by_side,
    provider::twilio::{self, Form},
    run::check,
};

const URL: &str = "https://mycompany.com/myapp.php?foo=1&bar=2";
const WORDS: &str = "It's a + & = % Grüße \u{1f44b}";
const MESSAGES: u32 = 40;

pub(super) async fn run<D: Driver, W: World>(subject: &Subject<'_, D, W>, checks: &mut Checks) {
    vectors(checks);
    let mut form = form(subject, 0, WORDS);
    form.push(("A_Field_Of_Tomorrow".to_owned(), "x".to_owned()));
    let right = subject.app.twilio(&form, "").await;
    protocol::refusals(subject, checks, &right).await;
    protocol::repetitions(subject, checks, &right).await;
    let found = check::of_number(subject.app, &subject.run.tenant, twilio::CHANNEL, &subject.phone(0)).await;
    let words: Vec<Option<String>> = found.unwrap_or_default().into_iter().map(|(_, found)| found.body).collect();
    checks.equal("content", "the words arrive as they were written, once", vec![Some(WORDS.to_owned())], words);
    let status =
        twilio::status(&sid(subject, 9999), "+999000000001", &format!("+{}", subject.phone(0)), "delivered", None);
    let answer = subject.app.post(&subject.app.twilio(&status, "").await).await;
    checks.equal(
        "statuses",
        "a status of an unknown message is kept",
        (Some(200), Some(1)),
        (answer.status, protocol::count(&answer, "accepted")),
    );
    many(subject, checks).await;
}

/// twilio-node's own.
fn vectors(checks: &mut Checks) {
    let call = pairs(&[
        ("CallSid", "CA1234567890ABCDE"),
        ("Caller", "+14158675309"),
        ("Digits", "1234"),
        ("From", "+14158675309"),
        ("To", "+18005551212"),
    ]);
    let twice =
        pairs(&[("Sid", "CA123"), ("SidAccount", "AC123"), ("Digits", "5678"), ("Digits", "1234"), ("Digits", "1234")]);
    for (name, url, form, signature) in [
        ("base", URL.to_owned(), &call, "RSOYDt4T1cUTdK1PDd93/VVr8B8="),
        ("with a port", URL.replace("mycompany.com", "mycompany.com:443"), &call, "kvajT1Ptam85bY51eRf/AJRuM3w="),
        ("with a key twice", URL.to_owned(), &twice, "IK+Dwps556ElfBT0I3Rgjkr1wJU="),
    ] {
        checks.equal(
            "vectors",
            &format!("twilio-node's signature, {name}"),
            signature.to_owned(),
            twilio::signature("12345", &url, form),
        );
    }
}

fn pairs(pairs: &[(&str, &str)]) -> Form {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

fn form<D: Driver, W: World>(subject: &Subject<'_, D, W>, number: u32, words: &str) -> Form {
    twilio::message(&sid(subject, number), &subject.phone(number), twilio::ACCOUNT, Some(words), None)
}

fn sid<D: Driver, W: World>(subject: &Subject<'_, D, W>, number: u32) -> String {
    format!("SM{}{number:022}", subject.run.prefix())
}

/// Many people at once, everyone twice at once.
async fn many<D: Driver, W: World>(subject: &Subject<'_, D, W>, checks: &mut Checks) {
    let there = side_by_side(1..=MESSAGES, 8, async |number| {
        let webhook = subject.app.twilio(&form(subject, number, "hello"), "").await;
        futures::future::join(subject.app.post(&webhook), subject.app.post(&webhook)).await;
        let phone = subject.phone(number);
        let found = check::of_number(subject.app, &subject.run.tenant, twilio::CHANNEL, &phone).await;
        found.map_or(0, |found| found.len())
    })
    .await;
    let once = there.iter().filter(|count| **count == 1).count();
    checks.equal("chaos", "each of many messages that come twice at once is there once", there.len(), once);
}
