//! `web`: the platform's own channel: its signature, its items, and repetitions.

use sdk::sql::Driver;
use serde_json::{Value, json};

use super::{
    Checks, Subject, WORDS,
    protocol::{self, Vouches},
};
use crate::{app::World, provider::web, webhook::Webhook};

/// `printf '%s.%s' 1749416383 '{}' | openssl dgst -sha256 -hmac secret`
const VECTOR: &str = "v1=559b9a98a6b15409f9c8370ec0bc75d087266e73ef50ef9f3294ba4bbaf0fab2";
/// Longer than a signature is good for.
const TOO_OLD: i64 = 10 * 60;

pub(super) async fn run<D: Driver, W: World>(subject: &Subject<'_, D, W>, checks: &mut Checks) {
    let signed = web::signature("secret", 1_749_416_383, b"{}");
    checks.equal("vectors", "openssl's signature", VECTOR.to_owned(), signed);
    let body = body(subject, &[message(subject, 0, 0, WORDS)]);
    let right = Webhook::web(&subject.account, subject.now(), &body);
    protocol::refusals(subject, checks, &right, Vouches::ForTheBody).await;
    let old = Webhook::web(&subject.account, subject.now() - TOO_OLD, &body);
    checks.equal("protocol", "an old signature is 401", Some(401), subject.app.post(&old).await.status);
    protocol::repetitions(subject, checks, &right).await;
    protocol::junk(subject, checks, &Webhook::web(&subject.account, subject.now(), &json!(["no object"]))).await;
    siblings(subject, checks).await;
    receipts(subject, checks).await;
    contents(subject, checks).await;
    let one = async |person: u32, nth: u32| {
        let message = message(subject, person + 3, nth, "hello");
        let webhook = Webhook::web(&subject.account, subject.now(), &self::body(subject, &[message]));
        (id(subject, person + 3, nth), webhook)
    };
    protocol::many(subject, checks, |person| visitor(subject, person + 3), one).await;
}

fn visitor<D: Driver, W: World>(subject: &Subject<'_, D, W>, person: u32) -> String {
    format!("visitor-{}", subject.phone(person))
}

fn id<D: Driver, W: World>(subject: &Subject<'_, D, W>, person: u32, nth: u32) -> String {
    format!("{}-{nth}", subject.phone(person))
}

fn message<D: Driver, W: World>(subject: &Subject<'_, D, W>, person: u32, nth: u32, words: &str) -> Value {
    let from = json!({ "id": visitor(subject, person), "name": "Simulated" });
    json!({ "id": id(subject, person, nth), "from": from, "text": words })
}

fn body<D: Driver, W: World>(subject: &Subject<'_, D, W>, messages: &[Value]) -> Value {
    json!({ "account": subject.account.provider_id, "messages": messages })
}

async fn siblings<D: Driver, W: World>(subject: &Subject<'_, D, W>, checks: &mut Checks) {
    let items = [json!({ "text": "nobody's" }), message(subject, 1, 0, "good"), json!(7)];
    let webhook = Webhook::web(&subject.account, subject.now(), &body(subject, &items));
    let answer = subject.app.post(&webhook).await;
    let counts = (protocol::count(&answer, "accepted"), protocol::count(&answer, "rejected"));
    checks.equal("protocol", "bad items are rejected, their sibling is not", (Some(1), Some(2)), counts);
}

async fn receipts<D: Driver, W: World>(subject: &Subject<'_, D, W>, checks: &mut Checks) {
    let receipt = json!({ "message_id": subject.run.id, "status": "read" });
    let body = json!({ "account": subject.account.provider_id, "receipts": [receipt] });
    let answer = subject.app.post(&Webhook::web(&subject.account, subject.now(), &body)).await;
    let got = (answer.status, protocol::count(&answer, "accepted"));
    checks.equal("statuses", "a receipt of an unknown message is kept", (Some(200), Some(1)), got);
}

async fn contents<D: Driver, W: World>(subject: &Subject<'_, D, W>, checks: &mut Checks) {
    let with = |nth: u32, changes: Value| {
        let mut message = message(subject, 2, nth, WORDS);
        if let (Some(message), Some(changes)) = (message.as_object_mut(), changes.as_object()) {
            message.extend(changes.clone());
            message.retain(|_, value| !value.is_null());
        }
        message
    };
    let media = json!({ "url": "https://site.invalid/a.png", "mime_type": "image/png" });
    let items = [
        with(0, json!({})),
        with(1, json!({ "type": "button", "text": "Yes" })),
        with(2, json!({ "text": null, "media": media, "type": "image" })),
    ];
    subject.app.post(&Webhook::web(&subject.account, subject.now(), &body(subject, &items))).await;
    let found = protocol::said(subject, &visitor(subject, 2)).await;
    let got: Vec<_> = found.into_iter().map(|(_, kind, words)| (kind, words)).collect();
    let expected = [("text", Some(WORDS)), ("button", Some("Yes")), ("image", None)];
    let expected: Vec<_> =
        expected.into_iter().map(|(kind, words)| (kind.to_owned(), words.map(str::to_owned))).collect();
    checks.equal("content", "each arrives as itself, with its words, in order", expected, got);
}
