//! The document and the routes say the same; and no route gives away what is another tenant's.

use std::collections::HashSet;

use api_gateway::openapi::{document, postman};
use api_gateway::routes::{self, Action};
use api_gateway::scopes;
use http::{Method, Request};
use serde_json::{Value, json};

use crate::app::{TestApp, request, request_as};

/// Every `$ref` in a document.
fn references(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            found.extend(members.get("$ref").and_then(Value::as_str).map(str::to_owned));
            members.values().for_each(|value| references(value, found));
        }
        Value::Array(items) => items.iter().for_each(|value| references(value, found)),
        _ => {}
    }
}

#[test]
fn every_reference_leads_somewhere_and_every_schema_is_used() {
    let document = document();
    let mut found = Vec::new();
    references(&document, &mut found);
    for reference in &found {
        let pointer = reference.strip_prefix('#').expect("within the document");
        assert!(document.pointer(pointer).is_some(), "{reference} leads nowhere");
    }
    for kind in ["schemas", "parameters"] {
        for name in document["components"][kind].as_object().unwrap().keys() {
            assert!(found.contains(&format!("#/components/{kind}/{name}")), "{kind}/{name} is used nowhere");
        }
    }
}

#[test]
fn every_route_has_a_name_of_its_own_and_rights_that_exist() {
    let mut names = HashSet::new();
    for route in routes::all() {
        assert!(names.insert(route.doc.id), "{} names two routes", route.doc.id);
        assert!(!route.doc.answers.is_empty(), "{} has no answer", route.doc.id);
        assert!(route.scopes.iter().all(|scope| scopes::ALL.contains(scope)), "{}", route.doc.id);
        let is_open = route.scopes.is_empty();
        assert_eq!(is_open, matches!(route.action, Action::OAuth(_)), "deny by default: {}", route.doc.id);
    }
}

#[test]
fn the_document_and_its_viewer_are_served_to_everybody() {
    let app = TestApp::new();
    let get = |path: &str| app.send(Request::get(path).body("").unwrap());
    assert_eq!(get("/openapi.json").json(), document());
    for (path, kind) in [
        ("/docs", "text/html; charset=utf-8"),
        ("/docs/", "text/html; charset=utf-8"),
        ("/docs/start.js", "text/javascript; charset=utf-8"),
        ("/docs/swagger-ui-bundle.js", "text/javascript; charset=utf-8"),
        ("/docs/swagger-ui.css", "text/css; charset=utf-8"),
    ] {
        let answer = get(path);
        assert_eq!((answer.status.as_u16(), answer.header("content-type")), (200, kind));
        assert!(answer.header("content-security-policy").contains("script-src 'self'"));
        assert_eq!(answer.header("content-length"), answer.body.len().to_string());
    }
    let page = get("/docs").body;
    assert!(!String::from_utf8_lossy(&page).contains("http"), "the viewer asks nobody else");
    get("/docs/other.js").problem(404);
}

/// With this variable set, the file is written in place of being compared.
const UPDATE: &str = "UPDATE_POSTMAN";

#[test]
fn the_postman_collection_in_the_repository_is_the_generated_one() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("postman_collection.json");
    let generated = format!("{:#}\n", postman::collection());
    if std::env::var_os(UPDATE).is_some() {
        std::fs::write(&path, &generated).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(kept == generated, "run the tests with {UPDATE}=1 and commit {}", path.display());
}

fn method(name: &str) -> Method {
    Method::from_bytes(name.to_ascii_uppercase().as_bytes()).unwrap()
}

/// A body that the document gives as an example, for this operation.
fn example(document: &Value, operation: &Value) -> String {
    let schema = operation.pointer("/requestBody/content/application~1json/schema/$ref").and_then(Value::as_str);
    let schema = schema.and_then(|reference| document.pointer(reference.strip_prefix('#').unwrap()));
    schema.map(|schema| schema["examples"][0].to_string()).unwrap_or_default()
}

/// The path with these ids of another tenant's in it; with nothing to fill in, there is nothing of anybody's to ask for.
fn filled(path: &str, ids: &[(&str, String)]) -> Option<String> {
    let (_, id) = ids.iter().find(|(collection, _)| path.starts_with(collection))?;
    path.contains('{').then(|| {
        let path = path
            .replace("{id}", id)
            .replace("{tenant}", "acme")
            .replace("{dead_letter}", id)
            .replace("{type}", "whatsapp")
            .replace("{participant_id}", id)
            .replace("{channel}", "whatsapp");
        path.replace("{external_id}", "16505550001")
    })
}

/// Every route × an object of another tenant, generated from the document, so that a new route cannot be forgotten.
#[test]
fn no_route_gives_away_what_is_another_tenant_s() {
    let app = TestApp::new();
    let owner = app.key_of("acme", &["*"]);
    let stranger = app.key_of("umbrella", &["admin"]);
    let made = |path: &str, body: Value| {
        let answer = app.send(request_as(&owner, Method::POST, path, body.to_string()));
        assert_eq!(answer.status, 201, "{answer:?}");
        answer.json()["id"].as_str().unwrap().to_owned()
    };
    let user = json!({ "username": "ada", "password": "correct horse battery", "scopes": ["admin"] });
    let logged = app.send(request_as(&owner, Method::GET, "/api/v1/logs", "")).json()["data"][0]["id"].clone();
    let ids = [
        ("/api/v1/api-keys", made("/api/v1/api-keys", json!({ "name": "a", "scopes": ["admin"] }))),
        ("/api/v1/users", made("/api/v1/users", user)),
        ("/api/v1/customers", app.world.customer_of("acme", "Ada")),
        ("/api/v1/conversations", app.world.conversation_of("acme", &[])),
        ("/api/v1/messages", app.world.next_id()),
        ("/api/v1/tenants", "acme".to_owned()),
        ("/api/v1/notifications", app.world.next_id()),
        ("/api/v1/webhook-endpoints", app.world.next_id()),
        ("/api/v1/channels", app.world.next_id()),
        ("/api/v1/inbound-deliveries", app.world.next_id()),
        ("/api/v1/dead-letters", "17".to_owned()),
        ("/api/v1/simulate", app.world.next_id()),
        ("/api/v1/media", app.world.next_id()),
        ("/api/v1/logs", logged.as_str().unwrap_or("019a0000-0000-7000-8000-0000000000ff").to_owned()),
    ];
    let dead = json!({ "id": "17", "tenant": "acme" });
    app.world.says("http://admin.kobliat.internal/events/dead-letters/17", &dead);
    let document = document();
    let mut walked = 0;
    for (path, methods) in document["paths"].as_object().unwrap() {
        let Some(filled) = filled(path, &ids) else {
            let known = ids.iter().any(|(collection, _)| path.starts_with(collection));
            let has_no_object = ["/stats", "/oauth", "/health", "/ready", "/services", "/service-logs", "/telemetry"]
                .iter()
                .any(|part| path.contains(part));
            assert!(known || has_no_object, "say in this test what an object of {path} is");
            continue;
        };
        for (name, operation) in methods.as_object().unwrap() {
            let body = example(&document, operation);
            let before = app.world.forwarded.borrow().len();
            let answer = app.send(request_as(&stranger, method(name), &filled, body));
            walked += 1;
            // What is forwarded is the service's to refuse, by the tenant that it is told: that is what counts here.
            let forwarded = app.world.forwarded.borrow();
            let told = forwarded
                .get(before..)
                .unwrap_or_default()
                .iter()
                .all(|seen| seen.headers()["kobliat-tenant"] == "umbrella");
            assert!(told, "{name} {filled} acts for another tenant");
            let is_refused = matches!(answer.status.as_u16(), 403 | 404);
            assert!(is_refused || forwarded.len() > before, "{name} {filled}: {answer:?}");
        }
    }
    assert!(walked >= 15, "only {walked} routes were walked");
}

/// What the document promises of the gateway's own resources is what they answer.
#[test]
fn answers_have_the_members_that_the_document_requires() {
    let app = TestApp::new();
    let document = document();
    let key = app.post("/api/v1/api-keys", &json!({ "name": "a", "scopes": ["admin"] }));
    app.post("/api/v1/tenants", &json!({ "id": "acme" }));
    let user = json!({ "username": "ada", "password": "correct horse battery", "scopes": ["admin"] });
    app.post("/api/v1/users", &user);
    let ada = app.world.customer("Ada");
    let conversation = app.world.conversation(&[&ada]);
    let up_to = json!({ "up_to": app.world.message(&conversation, Some(&ada), "hello").id });
    for (schema, answer) in [
        ("NewApiKeyShown", key.json()),
        ("ApiKeyList", app.get("/api/v1/api-keys").json()),
        ("TenantList", app.get("/api/v1/tenants").json()),
        ("UserList", app.get("/api/v1/users").json()),
        ("LogList", app.get("/api/v1/logs").json()),
        ("ConversationList", app.get("/api/v1/conversations").json()),
        ("MessageList", app.get(&format!("/api/v1/conversations/{conversation}/messages")).json()),
        ("ConversationDetails", app.get(&format!("/api/v1/conversations/{conversation}/details")).json()),
        ("ReadState", app.post(&format!("/api/v1/conversations/{conversation}/read"), &up_to).json()),
        ("Problem", app.get("/api/v1/nothing").json()),
    ] {
        let schema = json!({ "$ref": format!("#/components/schemas/{schema}") });
        conforms(&document, &schema, &answer, "");
    }
}

/// As much of JSON Schema as the components use for answers.
fn conforms(document: &Value, schema: &Value, value: &Value, at: &str) {
    if let Some(reference) = schema["$ref"].as_str() {
        return conforms(document, document.pointer(&reference[1..]).unwrap(), value, at);
    }
    if let Some(choices) = schema["anyOf"].as_array() {
        let choice = choices.iter().find(|choice| choice["type"] != "null").filter(|_| !value.is_null());
        return choice.map_or((), |choice| conforms(document, choice, value, at));
    }
    let kinds = match &schema["type"] {
        Value::String(kind) => vec![kind.as_str()],
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect(),
        _ => return,
    };
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    assert!(kinds.contains(&kind), "{at} is {value}, not {kinds:?}");
    if let (Some(words), false) = (schema["enum"].as_array(), value.is_null()) {
        assert!(words.contains(value), "{at} is {value}, none of {words:?}");
    }
    for name in schema["required"].as_array().into_iter().flatten().filter(|_| value.is_object()) {
        assert!(value.get(name.as_str().unwrap()).is_some(), "{at} has no {name}: {value}");
    }
    for (name, member) in value.as_object().into_iter().flatten() {
        conforms(document, &schema["properties"][name], member, &format!("{at}/{name}"));
    }
    for item in value.as_array().into_iter().flatten() {
        conforms(document, &schema["items"], item, &format!("{at}/*"));
    }
}

#[test]
fn the_examples_of_bodies_are_taken() {
    let app = TestApp::new();
    let document = document();
    for (path, name) in
        [("/api/v1/api-keys", "NewApiKey"), ("/api/v1/tenants", "NewTenant"), ("/api/v1/users", "NewUser")]
    {
        let example = &document["components"]["schemas"][name]["examples"][0];
        assert_eq!(app.send(request(Method::POST, path, example.to_string())).status, 201, "{name}");
    }
}
