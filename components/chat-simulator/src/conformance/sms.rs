//! `sms`: Twilio's vectors, forms of every kind, and repetitions.

use sdk::sql::Driver;

use super::{
    Checks, Subject,
    protocol::{self, Vouches},
};
use crate::{
    app::World,
    provider::twilio::{self, Form},
};

const URL: &str = "https://mycompany.com/myapp.php?foo=1&bar=2";
const WORDS: &str = "It's a + & = % Grüße \u{1f44b}";

pub(super) async fn run<D: Driver, W: World>(subject: &Subject<'_, D, W>, checks: &mut Checks) {
    vectors(checks);
    let mut form = form(subject, 0, 0, WORDS);
    form.push(("A_Field_Of_Tomorrow".to_owned(), "x".to_owned()));
    let right = subject.app.twilio(&subject.account, &form, "").await;
    protocol::refusals(subject, checks, &right, Vouches::ForTheBody).await;
    protocol::repetitions(subject, checks, &right).await;
    let words: Vec<Option<String>> =
        protocol::said(subject, &subject.phone(0)).await.into_iter().map(|(_, _, words)| words).collect();
    checks.equal("content", "the words arrive as they were written, once", vec![Some(WORDS.to_owned())], words);
    let to = format!("+{}", subject.phone(0));
    let status =
        twilio::status(&sid(subject, 9999, 0), &format!("+{}", subject.account.provider_id), &to, "delivered", None);
    let answer = subject.app.post(&subject.app.twilio(&subject.account, &status, "").await).await;
    checks.equal(
        "statuses",
        "a status of an unknown message is kept",
        (Some(200), Some(1)),
        (answer.status, protocol::count(&answer, "accepted")),
    );
    let message = async |person: u32, nth: u32| {
        let form = self::form(subject, person + 1, nth, "hello");
        (sid(subject, person + 1, nth), subject.app.twilio(&subject.account, &form, "").await)
    };
    protocol::many(subject, checks, |person| subject.phone(person + 1), message).await;
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

fn form<D: Driver, W: World>(subject: &Subject<'_, D, W>, person: u32, nth: u32, words: &str) -> Form {
    let (sid, from) = (sid(subject, person, nth), subject.phone(person));
    twilio::message(&sid, &from, &subject.account.provider_id, Some(words), None)
}

fn sid<D: Driver, W: World>(subject: &Subject<'_, D, W>, person: u32, nth: u32) -> String {
    format!("SM{}{person:018}{nth:04}", subject.run.prefix())
}
