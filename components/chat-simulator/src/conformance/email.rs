//! `email`: mails in Postmark's form, reports of ours, and repetitions.

use sdk::sql::Driver;
use serde_json::{Value, json};

use super::{
    Checks, Subject, WORDS,
    protocol::{self, Vouches},
};
use crate::{app::World, provider::email, webhook::Webhook};

pub(super) async fn run<D: Driver, W: World>(subject: &Subject<'_, D, W>, checks: &mut Checks) {
    let first = mail(subject, 0, 0, &json!({ "TextBody": WORDS, "AFieldOfTomorrow": { "x": 1 } }));
    let right = Webhook::email(&subject.account, &first);
    protocol::refusals(subject, checks, &right, Vouches::ForTheSender).await;
    protocol::repetitions(subject, checks, &right).await;
    let junk = Webhook { body: b"From: ann\r\n\r\nHello".to_vec(), ..right };
    protocol::junk(subject, checks, &junk).await;
    nobody_s(subject, checks).await;
    contents(subject, checks).await;
    reports(subject, checks).await;
    let message = async |person: u32, nth: u32| {
        let mail = mail(subject, person + 2, nth, &json!({ "TextBody": "hello" }));
        (id(subject, person + 2, nth), Webhook::email(&subject.account, &mail))
    };
    protocol::many(subject, checks, |person| address(subject, person + 2), message).await;
}

fn address<D: Driver, W: World>(subject: &Subject<'_, D, W>, person: u32) -> String {
    format!("s{}@simulated.invalid", subject.phone(person))
}

/// As it stands between the brackets.
fn id<D: Driver, W: World>(subject: &Subject<'_, D, W>, person: u32, nth: u32) -> String {
    format!("{}.{nth}@simulated.invalid", subject.phone(person))
}

fn mail<D: Driver, W: World>(subject: &Subject<'_, D, W>, person: u32, nth: u32, content: &Value) -> Value {
    let number = format!("{}-{nth}", subject.phone(person));
    let date = sdk::clock::rfc3339((subject.now() - 60 + i64::from(nth)) * 1_000_000);
    let (id, from) = (id(subject, person, nth), address(subject, person));
    email::mail(&number, &id, &from, &subject.account.provider_id, &date, content)
}

async fn nobody_s<D: Driver, W: World>(subject: &Subject<'_, D, W>, checks: &mut Checks) {
    let mut mail = mail(subject, 0, 7, &json!({ "TextBody": "x" }));
    if let Some(fields) = mail.as_object_mut() {
        fields.retain(|name, _| !name.starts_with("From"));
    }
    let answer = subject.app.post(&Webhook::email(&subject.account, &mail)).await;
    let got = (answer.status, protocol::count(&answer, "rejected"));
    checks.equal("protocol", "a mail of nobody's is rejected", (Some(200), Some(1)), got);
}

async fn contents<D: Driver, W: World>(subject: &Subject<'_, D, W>, checks: &mut Checks) {
    let mails = [
        ("the text", json!({ "TextBody": WORDS }), WORDS),
        (
            "the new part of an answer",
            json!({ "TextBody": "new\n> old", "StrippedTextReply": "new", "Subject": "Re: x" }),
            "new",
        ),
        (
            "the subject, and what the HTML says, where there is no text",
            json!({ "Subject": "Only this", "HtmlBody": "<b>x</b>" }),
            "Only this\n\nx",
        ),
    ];
    for (nth, (_, content, _)) in (0..).zip(&mails) {
        subject.app.post(&Webhook::email(&subject.account, &mail(subject, 1, nth, content))).await;
    }
    let found = protocol::said(subject, &address(subject, 1)).await;
    for (nth, (name, _, words)) in (0..).zip(&mails) {
        let id = id(subject, 1, nth);
        let got = found.iter().find(|(known, ..)| *known == id).and_then(|(_, _, words)| words.clone());
        checks.equal("content", &format!("{name} is what was said"), Some((*words).to_owned()), got);
    }
}

async fn reports<D: Driver, W: World>(subject: &Subject<'_, D, W>, checks: &mut Checks) {
    for (name, record) in [("delivery", "Delivery"), ("opening", "Open"), ("bounce", "Bounce")] {
        let metadata = json!({ "account": subject.account.provider_id });
        let report =
            json!({ "RecordType": record, "MessageID": format!("{}-{name}", subject.run.id), "Metadata": metadata });
        let answer = subject.app.post(&Webhook::email(&subject.account, &report)).await;
        let got = (answer.status, protocol::count(&answer, "accepted"));
        checks.equal("statuses", &format!("the {name} of an unknown mail is kept"), (Some(200), Some(1)), got);
    }
}
