//! `whatsapp`: Meta's vectors, verification, every type of message, statuses in any order, and chaos.

use std::collections::HashMap;

use ::http::Method;
use sdk::{outgoing::Outgoing, query::percent_encode, sql::Driver};
use serde_json::{Value, json};

use super::{
    Checks, Subject, WORDS,
    protocol::{self, Vouches},
};
use crate::{
    app::World,
    content::Content,
    provider::meta,
    run::{
        check::{self, Found},
        plan::Plan,
        report::Faults,
        sending::{self, Results},
    },
    webhook::{FRONT, Webhook},
};

/// Keys, bodies and what they give, as published.
const VECTORS: [(&str, &str, &str, &str); 2] = [
    (
        "GitHub's",
        "It's a Secret to Everybody",
        "Hello, World!",
        "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17",
    ),
    ("whatsapp_sdk's", "secret", "test", "0329a06b62cd16b33eb6792be8c60b158d89a2ee3a876fce9a881ebb488c0914"),
];

pub(super) async fn run<D: Driver, W: World>(subject: &Subject<'_, D, W>, checks: &mut Checks) {
    for (name, key, body, digest) in VECTORS {
        let signed = meta::signature(key, body.as_bytes());
        checks.equal("vectors", &format!("{name} signature"), format!("sha256={digest}"), signed);
    }
    verification(subject, checks).await;
    let text = text(subject, "hello", 0, WORDS);
    let right = webhook(subject, value(subject, json!({ "messages": [text] })));
    protocol::refusals(subject, checks, &right, Vouches::ForTheBody).await;
    protocol::repetitions(subject, checks, &right).await;
    unreadable(subject, checks).await;
    contents(subject, checks).await;
    statuses(subject, checks).await;
    chaos(subject, checks).await;
}

fn value<D: Driver, W: World>(subject: &Subject<'_, D, W>, contents: Value) -> Value {
    meta::value(&subject.run.account, contents)
}

fn webhook<D: Driver, W: World>(subject: &Subject<'_, D, W>, value: Value) -> Webhook {
    Webhook::meta(&subject.account, meta::body(vec![value]))
}

fn text<D: Driver, W: World>(subject: &Subject<'_, D, W>, name: &str, from: u32, words: &str) -> Value {
    meta::message(&subject.id(name), &subject.phone(from), subject.now(), &Content::Text(words.to_owned()), 0)
}

async fn verification<D: Driver, W: World>(subject: &Subject<'_, D, W>, checks: &mut Checks) {
    let token = match subject.account.is_own() {
        true => subject.account.verify_token(),
        false => subject.app.world.setting("whatsapp_verify_token").await.unwrap_or_default(),
    };
    let ask = async |mode: &str, token: &str| {
        let token = percent_encode(token);
        let url = format!(
            "{FRONT}{}?hub.mode={mode}&hub.challenge=1158201444&hub.verify_token={token}",
            subject.account.path()
        );
        subject.app.ask(Outgoing::new(Method::GET, &url, Vec::new())).await
    };
    let right = ask("subscribe", &token).await;
    let body = right.body.as_str().map(str::to_owned).unwrap_or_else(|| right.body.to_string());
    checks.equal(
        "protocol",
        "the verification is answered with its challenge",
        (Some(200), "1158201444".to_owned()),
        (right.status, body),
    );
    for (name, mode, token) in
        [("a wrong token", "subscribe", "wrong"), ("a wrong mode", "unsubscribe", token.as_str())]
    {
        let status = ask(mode, token).await.status;
        checks.equal("protocol", &format!("{name} is refused"), true, matches!(status, Some(400..500)));
    }
}

async fn unreadable<D: Driver, W: World>(subject: &Subject<'_, D, W>, checks: &mut Checks) {
    protocol::junk(subject, checks, &Webhook::meta(&subject.account, b"{\"entry\":[".to_vec())).await;
    let items = json!([{ "id": 7 }, text(subject, "sibling", 1, "good"), { "from": subject.phone(1) }]);
    let mut value = value(subject, json!({ "messages": items, "a_field_of_tomorrow": { "x": [1] } }));
    if let Some(fields) = value.as_object_mut() {
        fields.insert("contacts".to_owned(), json!("not a list"));
    }
    let answer = subject.app.post(&webhook(subject, value)).await;
    let counts = (protocol::count(&answer, "accepted"), protocol::count(&answer, "rejected"));
    checks.equal(
        "protocol",
        "bad items are rejected, their sibling and unknown fields are not",
        (Some(1), Some(2)),
        counts,
    );
}

/// One message of every type, its words where it has some.
fn kinds() -> Vec<(&'static str, Value, Option<&'static str>)> {
    let media = json!({ "id": "9990100000000001", "mime_type": "image/png", "sha256": "x", "caption": "see" });
    let silent =
        json!({ "id": "9990200000000001", "mime_type": "audio/ogg; codecs=opus", "sha256": "x", "voice": true });
    vec![
        ("text", json!({ "body": WORDS }), Some(WORDS)),
        ("image", media.clone(), Some("see")),
        ("video", media.clone(), Some("see")),
        ("document", media, Some("see")),
        ("audio", silent.clone(), None),
        ("sticker", silent, None),
        (
            "location",
            json!({ "latitude": 48.1, "longitude": 11.5, "name": "Here", "address": "There 1" }),
            Some("Here, There 1"),
        ),
        ("contacts", json!([{ "name": { "formatted_name": "Ann Lee" }, "phones": [] }]), Some("Ann Lee")),
        ("interactive", json!({ "type": "button_reply", "button_reply": { "id": "1", "title": "Yes" } }), Some("Yes")),
        ("button", json!({ "text": "Stop", "payload": "stop" }), Some("Stop")),
        ("reaction", json!({ "message_id": "wamid.x", "emoji": "\u{1f44d}" }), Some("\u{1f44d}")),
        ("order", json!({ "catalog_id": "1", "text": "two of them", "product_items": [] }), Some("two of them")),
        ("unsupported", json!({}), None),
        ("a_type_of_tomorrow", json!({ "x": 1 }), None),
    ]
}

async fn contents<D: Driver, W: World>(subject: &Subject<'_, D, W>, checks: &mut Checks) {
    let message = |(kind, content, _): &(&str, Value, Option<&str>)| {
        let mut message = json!({ "from": subject.phone(2), "id": subject.id(kind), "timestamp": subject.now().to_string(), "type": kind });
        if let Some(fields) = message.as_object_mut() {
            fields.insert((*kind).to_owned(), content.clone());
        }
        message
    };
    let kinds = kinds();
    let messages: Vec<Value> = kinds.iter().map(message).collect();
    let answer = subject.app.post(&webhook(subject, value(subject, json!({ "messages": messages })))).await;
    let all = u64::try_from(kinds.len()).ok();
    checks.equal("content", "one message of every type is accepted", all, protocol::count(&answer, "accepted"));
    let found = found(subject, 2).await;
    for (kind, _, words) in &kinds {
        let got = found.get(&subject.id(kind)).map(|found| (found.kind.as_str(), found.body.as_deref()));
        checks.equal("content", &format!("{kind} arrives as itself, with its words"), Some((*kind, *words)), got);
    }
}

/// What the platform has of a number, by the provider's id.
async fn found<D: Driver, W: World>(subject: &Subject<'_, D, W>, number: u32) -> HashMap<String, Found> {
    let found = check::of_number(subject.app, &subject.run.tenant, meta::CHANNEL, &subject.phone(number)).await;
    found.unwrap_or_default().into_iter().collect()
}

/// What the business wrote with the phone's own app has statuses, too: here they come in all orders.
async fn statuses<D: Driver, W: World>(subject: &Subject<'_, D, W>, checks: &mut Checks) {
    for (name, words, expected) in [
        ("in order", &["sent", "delivered", "read"][..], "read"),
        ("backwards", &["read", "delivered", "sent"], "read"),
        ("twice", &["sent", "sent", "delivered", "delivered"], "delivered"),
        ("read without delivered", &["sent", "read"], "read"),
        ("a failure, and then it is delivered", &["sent", "failed", "delivered"], "delivered"),
        ("delivered, and then a failure of another device", &["delivered", "failed"], "delivered"),
        ("a failure", &["sent", "failed"], "failed"),
    ] {
        let id = subject.id(&format!("echo.{}", name.replace(' ', "-")));
        let echo = json!({ "from": "999000000001", "to": subject.phone(3), "id": id, "timestamp": subject.now().to_string(), "type": "text", "text": { "body": name } });
        let change =
            json!({ "field": "smb_message_echoes", "value": value(subject, json!({ "message_echoes": [echo] })) });
        let body = json!({ "object": "whatsapp_business_account", "entry": [{ "id": "1", "changes": [change] }] });
        subject.app.post(&Webhook::meta(&subject.account, meta::escaped(&body).into_bytes())).await;
        for word in words {
            let status = json!({ "id": id, "status": word, "timestamp": subject.now().to_string(), "recipient_id": subject.phone(3) });
            subject.app.post(&webhook(subject, value(subject, json!({ "statuses": [status] })))).await;
        }
        let got = found(subject, 3).await.get(&id).map(|found| found.status.clone());
        checks.equal("statuses", name, Some(expected.to_owned()), got);
    }
}

/// A small run, with everything that a run of a user's has.
async fn chaos<D: Driver, W: World>(subject: &Subject<'_, D, W>, checks: &mut Checks) {
    let (mut run, plan) = (subject.run.clone(), Plan::of(&subject.run));
    let mut slices = Vec::new();
    while usize::try_from(run.position).is_ok_and(|position| position < plan.posts.len()) {
        let slice = sending::slice(subject.app, &run, &plan, false).await;
        run.position = run.position.saturating_add(slice.webhooks.max(1));
        slices.push(slice);
    }
    let results = Results::gathered(&slices);
    match check::arrived(subject.app, &run, &plan.customers).await {
        Ok(arrived) => {
            let faults = Faults::among(0..plan.customers.len(), &plan, &results, &arrived);
            checks.equal("chaos", "nothing is lost, doubled, altered or out of order", Faults::default(), faults);
            checks.equal(
                "chaos",
                "every message is accepted once",
                subject.run.order.messages,
                results.counts.accepted,
            );
        }
        Err(reason) => checks.equal("chaos", "what arrived can be read", String::new(), reason),
    }
}
