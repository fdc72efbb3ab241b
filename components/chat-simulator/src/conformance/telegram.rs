//! `telegram`: updates as the Bot API documents them, of every kind, and repetitions.

use sdk::sql::Driver;
use serde_json::{Value, json};

use super::{
    Checks, Subject, WORDS,
    protocol::{self, Vouches},
};
use crate::{app::World, provider::telegram, webhook::Webhook};

pub(super) async fn run<D: Driver, W: World>(subject: &Subject<'_, D, W>, checks: &mut Checks) {
    let first = update(subject, 0, 0, "message", &json!({ "text": WORDS, "a_field_of_tomorrow": [1] }));
    let right = Webhook::telegram(&subject.account, &first);
    protocol::refusals(subject, checks, &right, Vouches::ForTheSender).await;
    protocol::repetitions(subject, checks, &right).await;
    let junk = Webhook { body: b"{\"update_id\":".to_vec(), ..right };
    protocol::junk(subject, checks, &junk).await;
    without_people(subject, checks).await;
    contents(subject, checks).await;
    let message = async |person: u32, nth: u32| {
        let (chat, number) = (chat(subject, person + 2), message_id(nth));
        let update = update(subject, person + 2, nth, "message", &json!({ "text": "hello" }));
        (format!("{chat}:{number}"), Webhook::telegram(&subject.account, &update))
    };
    protocol::many(subject, checks, |person| chat(subject, person + 2).to_string(), message).await;
}

/// A private chat has its person's number.
fn chat<D: Driver, W: World>(subject: &Subject<'_, D, W>, person: u32) -> u64 {
    subject.phone(person).parse().unwrap_or(0)
}

fn message_id(nth: u32) -> u64 {
    u64::from(nth) + 1
}

fn update<D: Driver, W: World>(
    subject: &Subject<'_, D, W>,
    person: u32,
    nth: u32,
    kind: &str,
    content: &Value,
) -> Value {
    let number = (chat(subject, person) << 8) | u64::from(nth);
    // A later message is of a later second.
    let at = subject.now() - 60 + i64::from(nth);
    telegram::update(number, kind, chat(subject, person), message_id(nth), at, content)
}

async fn without_people<D: Driver, W: World>(subject: &Subject<'_, D, W>, checks: &mut Checks) {
    let poll = json!({ "update_id": 1, "poll": { "id": "1", "question": "?", "options": [] } });
    let answer = subject.app.post(&Webhook::telegram(&subject.account, &poll)).await;
    let counts = (answer.status, protocol::count(&answer, "ignored"));
    checks.equal("protocol", "an update about nobody is ignored", (Some(200), Some(1)), counts);
}

/// Update, what is in it, the type that it becomes, and its words.
fn kinds() -> Vec<(&'static str, &'static str, Value, &'static str, Option<&'static str>)> {
    let file = json!({ "file_id": "AwADBAAD", "file_unique_id": "AgAD", "file_size": 4276 });
    let photo = json!([{ "file_id": "AgAC", "file_unique_id": "AQAD", "width": 90, "height": 90, "file_size": 1000 }]);
    vec![
        ("text", "message", json!({ "text": WORDS }), "text", Some(WORDS)),
        ("photo", "message", json!({ "photo": photo, "caption": "see" }), "image", Some("see")),
        ("voice note", "message", json!({ "voice": file }), "audio", None),
        ("video", "message", json!({ "video": file, "caption": "see" }), "video", Some("see")),
        ("document", "message", json!({ "document": file }), "document", None),
        ("sticker", "message", json!({ "sticker": file }), "sticker", None),
        ("edit", "edited_message", json!({ "text": "better", "edit_date": subject_edit() }), "edit", Some("better")),
        (
            "reaction",
            "message_reaction",
            json!({ "old_reaction": [], "new_reaction": [{ "type": "emoji", "emoji": "\u{1f44d}" }], "user": { "id": 1 } }),
            "reaction",
            Some("\u{1f44d}"),
        ),
        ("kind of tomorrow", "message", json!({ "telepathy": { "x": 1 } }), "unknown", None),
    ]
}

/// A second in the past, which every platform believes.
fn subject_edit() -> i64 {
    1_749_416_383
}

async fn contents<D: Driver, W: World>(subject: &Subject<'_, D, W>, checks: &mut Checks) {
    let mut expected = Vec::new();
    for (nth, (name, kind, content, becomes, words)) in (0..).zip(kinds()) {
        let update = update(subject, 1, nth, kind, &content);
        let answer = subject.app.post(&Webhook::telegram(&subject.account, &update)).await;
        checks.equal("content", &format!("a {name} is accepted"), Some(1), protocol::count(&answer, "accepted"));
        expected.push((becomes.to_owned(), words.map(str::to_owned)));
    }
    let found = protocol::said(subject, &chat(subject, 1).to_string()).await;
    let mut got: Vec<_> = found.into_iter().map(|(_, kind, words)| (kind, words)).collect();
    expected.sort();
    got.sort();
    checks.equal("content", "each arrives as itself, with its words", expected, got);
}
