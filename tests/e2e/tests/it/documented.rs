//! The OpenAPI document and what happens: webhooks are sent as it says, and a client that was generated from it works.

use crate::people::text;
use http::Method;
use kobliat_e2e::whatsapp::SAMPLE;
use kobliat_e2e::{Got, Mode, Receiver, TestApp, eventually, root, secrets};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// What the story below makes happen.
const EXPECTED: [&str; 9] = [
    "com.kobliat.conversation.created.v1",
    "com.kobliat.conversation.updated.v1",
    "com.kobliat.customer.created.v1",
    "com.kobliat.customer.deleted.v1",
    "com.kobliat.customer.updated.v1",
    "com.kobliat.message.edited.v1",
    "com.kobliat.message.noted.v1",
    "com.kobliat.message.received.v1",
    "com.kobliat.webhook.test.v1",
];

fn kind(got: &Got) -> String {
    text(&serde_json::from_str(&got.body).unwrap(), "type")
}

#[tokio::test(flavor = "multi_thread")]
async fn webhooks_are_sent_as_the_document_describes_them() {
    if kobliat_e2e::skipped("our event broker") {
        return;
    }
    let app = TestApp::start_with(Mode::Links, &[("webhook_allow_private", "true")]).await;
    let receiver = Receiver::start().await;
    let wanted = json!({ "url": receiver.url(), "events": ["*"] });
    let endpoint = text(&app.post("/api/v1/webhook-endpoints", &wanted).await.expect(201), "id");
    make_everything_happen(&app, &endpoint).await;
    eventually("every kind of event has come", async || {
        let kinds: BTreeSet<String> = receiver.got().iter().map(kind).collect();
        EXPECTED.iter().all(|kind| kinds.contains(*kind)).then_some(())
    })
    .await;
    let document = app.get("/openapi.json").await.expect(200);
    for got in receiver.got() {
        let post = &document["webhooks"][kind(&got)]["post"];
        assert!(post.is_object(), "`{}` is sent, and the document does not know it", kind(&got));
        for header in post["parameters"].as_array().unwrap() {
            assert!(got.headers.contains_key(header["name"].as_str().unwrap()), "{header}: {:?}", got.headers);
        }
        let (label, content) = post["requestBody"]["content"].as_object().unwrap().iter().next().unwrap();
        assert!(got.headers["content-type"].starts_with(label.as_str()), "{label}: {:?}", got.headers);
        let body = serde_json::from_str(&got.body).unwrap();
        let fault = fault(&document, &content["schema"], &body, "");
        assert_eq!(fault, None, "{body}");
    }
    app.stop().await;
}

async fn make_everything_happen(app: &TestApp, endpoint: &str) {
    app.webhook_bytes(SAMPLE).await.expect(200);
    let conversation = app.conversations().await[0].clone();
    let path = format!("/api/v1/conversations/{}", text(&conversation, "id"));
    let note = json!({ "conversation_id": conversation["id"], "direction": "system", "body": "noted" });
    let noted = text(&app.post("/api/v1/messages", &note).await.expect(201), "id");
    let patch = async |path: &str, body: Value| app.api(Method::PATCH, path, &[], body.to_string()).await.expect(200);
    patch(&format!("/api/v1/messages/{noted}"), json!({ "body": "noted well" })).await;
    patch(&path, json!({ "subject": "Sweaters" })).await;
    let customer = format!("/api/v1/customers/{}", crate::people::customer(app, "ann").await);
    patch(&customer, json!({ "name": "Ann Other" })).await;
    assert_eq!(app.api(Method::DELETE, &customer, &[], "").await.status, 204);
    app.post(&format!("/api/v1/webhook-endpoints/{endpoint}/test"), &json!({})).await.expect(202);
}

/// Where a value is not what its schema says, if anywhere; as much of JSON Schema as answers and webhooks use.
fn fault(document: &Value, schema: &Value, value: &Value, at: &str) -> Option<String> {
    if let Some(reference) = schema["$ref"].as_str() {
        return fault(document, document.pointer(&reference[1..])?, value, at);
    }
    if let Some(choices) = schema["anyOf"].as_array() {
        let faults: Vec<String> = choices.iter().filter_map(|choice| fault(document, choice, value, at)).collect();
        return if faults.len() == choices.len() { faults.into_iter().next() } else { None };
    }
    let kinds = match &schema["type"] {
        Value::String(kind) => vec![kind.as_str()],
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect(),
        _ => return None,
    };
    let is_of_kind = |kind: &&str| match *kind {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        _ => value.is_object(),
    };
    if !kinds.iter().any(is_of_kind) {
        return Some(format!("{at} is {value}, not {kinds:?}"));
    }
    if schema["enum"].as_array().is_some_and(|words| !words.contains(value)) {
        return Some(format!("{at} is {value}, none of {}", schema["enum"]));
    }
    let required = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
    if let (true, Some(name)) = (value.is_object(), required.into_iter().find(|name| value.get(name).is_none())) {
        return Some(format!("{at} has no {name}"));
    }
    let members = value.as_object().into_iter().flatten();
    let in_members = members
        .filter_map(|(name, member)| fault(document, &schema["properties"][name], member, &format!("{at}/{name}")));
    let items = value.as_array().into_iter().flatten();
    let in_items = items.filter_map(|item| fault(document, &schema["items"], item, &format!("{at}/*")));
    in_members.chain(in_items).next()
}

/// Runs where `cargo test -p kobliat-clients` has generated and compiled the client, and says so where it has not.
#[tokio::test(flavor = "multi_thread")]
async fn a_generated_client_goes_the_main_path() {
    let journey = root().join("target/clients/typescript/built/journey.js");
    let is_required = std::env::var_os("KOBLIAT_CLIENTS").is_some_and(|value| value == "required");
    if !journey.exists() && !is_required {
        println!("skipped: no client was generated; tests/clients/README.md says how");
        return;
    }
    let app = TestApp::start(Mode::Links).await;
    let output = tokio::process::Command::new("node")
        .arg(journey)
        .env("KOBLIAT_URL", format!("http://{}", app.address()))
        .env("KOBLIAT_API_KEY", secrets::API_KEY)
        .output()
        .await
        .unwrap();
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && out.contains("journey done"), "{out}{err}");
    app.stop().await;
}
