//! The OpenAPI 3.1 document, generated from the route table: a route that is in no document does not exist.

mod components;
mod errors;
pub mod postman;
mod webhooks;

use http::Method;
use serde_json::{Map, Value, json};

use crate::routes::{self, API_PREFIX, Action, Answer, Route};

/// Whose id is in whose body.
const MADE_OF: &[(&str, &str, &str)] = &[
    ("upsertCustomer", "createConversation", r#"{"participants": ["$response.body#/id"], "type": "channel"}"#),
    (
        "createConversation",
        "createMessage",
        r#"{"conversation_id": "$response.body#/id", "direction": "inbound", "body": "hello"}"#,
    ),
];

/// What a reader of `/docs` needs first, in Markdown.
const GUIDE: &str = include_str!("../openapi/guide.md");

const PROBLEM: &str = "application/problem+json";
const MULTIPART: &str = "multipart/form-data";
const FORM: &str = "application/x-www-form-urlencoded";

pub fn document() -> Value {
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Kobliat API",
            "version": "1",
            "summary": "Customers, conversations and messages over every channel.",
            "description": GUIDE,
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "servers": [{ "url": "/" }],
        "paths": paths(),
        "webhooks": webhooks::webhooks(),
        "components": components::components(),
    })
}

/// The document for clients that reach the platform below a path.
pub fn document_below(prefix: &str) -> Value {
    let mut document = document();
    if !prefix.is_empty() {
        set(&mut document, "servers", json!([{ "url": prefix }]));
        let flow = document.pointer_mut("/components/securitySchemes/oauth/flows/clientCredentials/tokenUrl");
        flow.into_iter().for_each(|url| *url = format!("{prefix}{API_PREFIX}/oauth/token").into());
    }
    document
}

/// Sets a member of an object.
fn set(object: &mut Value, name: &str, value: Value) {
    if let Some(members) = object.as_object_mut() {
        members.insert(name.to_owned(), value);
    }
}

/// A file of ours; one that is no JSON is found by every test.
fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_default()
}

fn paths() -> Value {
    let mut paths: Map<String, Value> = Map::new();
    for route in routes::all() {
        let path = paths.entry(format!("{API_PREFIX}{}", route.path)).or_insert_with(|| json!({}));
        if let Some(methods) = path.as_object_mut() {
            methods.insert(route.method.as_str().to_ascii_lowercase(), operation(route));
        }
    }
    for (path, summary) in [("/health", "Whether the gateway runs"), ("/ready", "Whether every service answers")] {
        let id = path.trim_start_matches('/');
        let answers = json!({ "200": { "description": "Yes." }, "405": error_ref(405), "503": error_ref(503) });
        let get =
            json!({ "operationId": id, "summary": summary, "tags": ["health"], "security": [], "responses": answers });
        paths.insert(path.to_owned(), json!({ "get": get }));
    }
    Value::Object(paths)
}

fn operation(route: &Route) -> Value {
    let is_oauth = matches!(route.action, Action::OAuth(_));
    let mut operation = json!({
        "operationId": route.doc.id,
        "summary": route.doc.summary,
        "tags": [route.path.trim_start_matches('/').split('/').next().unwrap_or_default()],
        "parameters": parameters(route, is_oauth),
        "responses": responses(route, is_oauth),
        "security": if is_oauth { json!([{ "client": [] }, {}]) } else { security(route.scopes) },
    });
    if let (Some(schema), Some(operation)) = (route.doc.body, operation.as_object_mut()) {
        let content_type = match route.action {
            Action::OAuth(_) => FORM,
            Action::Media(_) => MULTIPART,
            _ => "application/json",
        };
        let body = json!({ "required": true, "content": { content_type: { "schema": schema_ref(schema) } } });
        operation.insert("requestBody".to_owned(), body);
    }
    operation
}

fn security(scopes: &[&str]) -> Value {
    let schemes = ["apiKey", "bearer", "basic", "oauth"];
    schemes.map(|scheme| json!({ scheme: scopes })).into_iter().collect()
}

fn schema_ref(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

fn error_ref(status: u16) -> Value {
    json!({ "$ref": format!("#/components/responses/{status}") })
}

fn parameters(route: &Route, is_oauth: bool) -> Value {
    let in_path = route.path.split('/').filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'));
    let mut parameters: Vec<Value> = in_path.map(path_parameter).collect();
    let reference = |name: &&str| json!({ "$ref": format!("#/components/parameters/{name}") });
    parameters.extend(route.doc.query.iter().map(reference));
    if route.method == Method::POST && !is_oauth {
        parameters.push(reference(&"idempotency_key"));
    }
    if route.method == Method::PATCH || route.doc.if_match {
        parameters.push(reference(&"if_match"));
    }
    if route.doc.has_etag {
        parameters.push(reference(&"if_none_match"));
    }
    parameters.into()
}

fn path_parameter(name: &str) -> Value {
    let schema = if name == "id" {
        json!({ "type": "string", "format": "uuid" })
    } else {
        json!({ "type": "string", "minLength": 1 })
    };
    json!({ "name": name, "in": "path", "required": true, "schema": schema })
}

fn responses(route: &Route, is_oauth: bool) -> Value {
    let mut responses: Map<String, Value> =
        route.doc.answers.iter().map(|answer| (answer.0.to_string(), success(route, answer))).collect();
    if is_oauth {
        for status in [400_u16, 401, 429, 503] {
            let content = json!({ "application/json": { "schema": schema_ref("OAuthError") }, PROBLEM: { "schema": schema_ref("Problem") } });
            responses.insert(status.to_string(), json!({ "description": "As OAuth tells it.", "content": content }));
        }
    }
    if route.doc.has_etag {
        responses.insert("304".to_owned(), json!({ "description": "The client has it already: see `If-None-Match`." }));
    }
    for status in errors::statuses().filter(|status| may_answer(route, *status)) {
        responses.entry(status.to_string()).or_insert_with(|| error_ref(status));
    }
    Value::Object(responses)
}

fn success(route: &Route, (status, schema): &Answer) -> Value {
    let description = match status {
        200 => "Done.",
        201 => "Made.",
        202 => "Taken; it will be done.",
        206 => "The parts that were asked for.",
        _ => "Done; there is nothing to tell.",
    };
    let Some(schema) = schema else { return json!({ "description": description }) };
    let mut answer = json!({
        "description": description,
        "headers": headers(route, *status),
        "content": { "application/json": { "schema": schema_ref(schema) } },
    });
    let links = links(route);
    if let (false, Some(members)) = (links.is_empty(), answer.as_object_mut()) {
        members.insert("links".to_owned(), links.into());
    }
    answer
}

fn headers(route: &Route, status: u16) -> Value {
    let text = json!({ "type": "string" });
    let mut headers = json!({ "X-Request-Id": { "schema": text } });
    if status == 201 {
        set(&mut headers, "Location", json!({ "description": "Where it is found.", "schema": text }));
    }
    if route.doc.has_etag {
        set(&mut headers, "ETag", json!({ "description": "The version.", "schema": text }));
    }
    headers
}

/// What can be done with what was made: whatever goes by its id, and what is made of it.
fn links(route: &Route) -> Map<String, Value> {
    let mut links = Map::new();
    if route.method != Method::POST {
        return links;
    }
    let by_id = format!("{}/{{id}}", route.path.strip_suffix("/upload").unwrap_or(route.path));
    for other in routes::all().filter(|other| other.path.starts_with(&by_id)) {
        let link = json!({ "operationId": other.doc.id, "parameters": { "id": "$response.body#/id" } });
        links.insert(other.doc.id.to_owned(), link);
    }
    for (maker, next, body) in MADE_OF.iter().filter(|(maker, ..)| *maker == route.doc.id) {
        links.insert(format!("{maker}_{next}"), json!({ "operationId": next, "requestBody": parsed(body) }));
    }
    links
}

/// Which errors fit the route: those of a body need one, 412 needs a change.
fn may_answer(route: &Route, status: u16) -> bool {
    match status {
        413 | 415 => route.method != Method::GET,
        412 => route.method == Method::PATCH || route.doc.if_match,
        409 => route.method != Method::GET,
        _ => true,
    }
}
