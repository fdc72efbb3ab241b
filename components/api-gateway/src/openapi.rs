//! The OpenAPI 3.1 document, generated from the route table: a route that is in no document does not exist.

pub mod postman;

use http::Method;
use serde_json::{Map, Value, json};

use crate::routes::{self, API_PREFIX, Action, Answer, Route};

/// The components, written by hand, one schema a line. The tests compare them with what the routes answer.
const SCHEMAS: &[&str] = &[
    include_str!("../openapi/common.json"),
    include_str!("../openapi/customers.json"),
    include_str!("../openapi/conversations.json"),
    include_str!("../openapi/messages.json"),
    include_str!("../openapi/access.json"),
    include_str!("../openapi/channels.json"),
    include_str!("../openapi/operations.json"),
    include_str!("../openapi/notifications.json"),
    include_str!("../openapi/simulate.json"),
    include_str!("../openapi/media.json"),
];
const PARAMETERS: &str = include_str!("../openapi/parameters.json");
const WEBHOOKS: &str = include_str!("../openapi/webhooks.json");

/// Whose id is in whose body.
const MADE_OF: &[(&str, &str, &str)] = &[
    ("upsertCustomer", "createConversation", r#"{"participants": ["$response.body#/id"], "type": "channel"}"#),
    (
        "createConversation",
        "createMessage",
        r#"{"conversation_id": "$response.body#/id", "direction": "inbound", "body": "hello"}"#,
    ),
];

const PROBLEM: &str = "application/problem+json";
const MULTIPART: &str = "multipart/form-data";
const FORM: &str = "application/x-www-form-urlencoded";

/// Every error that the API may answer, and when.
const ERRORS: &[(u16, &str)] = &[
    (400, "Unreadable: no JSON, no UTF-8, a header twice."),
    (401, "No valid credential."),
    (403, "The credential lacks a scope."),
    (404, "Unknown, or another tenant's."),
    (405, "The path has other methods: see `Allow`."),
    (409, "In conflict with what is there, or with a request that is still running."),
    (412, "`If-Match` names another version."),
    (413, "The body is too large."),
    (415, "The body is not labelled as JSON."),
    (422, "Invalid: `errors` names each field."),
    (429, "Over the quota, or too many wrong credentials: see `Retry-After`."),
    (502, "A service failed."),
    (503, "A service is stopped or overloaded: see `Retry-After`."),
    (504, "A service is silent."),
];

pub fn document() -> Value {
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Kobliat API",
            "version": "1",
            "summary": "Customers, conversations and messages over every channel.",
            "description": "Every list is newest first and pages by cursor. Every POST may carry an `Idempotency-Key`. Errors are RFC 9457 problems. Texts are trimmed, and their length is counted as they are sent; one of blanks alone is an empty one.",
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "servers": [{ "url": "/" }],
        "paths": paths(),
        "webhooks": parsed(WEBHOOKS),
        "components": components(),
    })
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
    for (status, _) in ERRORS.iter().filter(|(status, _)| may_answer(route, *status)) {
        responses.entry(status.to_string()).or_insert_with(|| error_ref(*status));
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
        "headers": { "X-Request-Id": { "schema": { "type": "string" } } },
        "content": { "application/json": { "schema": schema_ref(schema) } },
    });
    let links = links(route);
    if let (false, Some(members)) = (links.is_empty(), answer.as_object_mut()) {
        members.insert("links".to_owned(), links.into());
    }
    answer
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

fn components() -> Value {
    let mut schemas = Map::new();
    for file in SCHEMAS {
        schemas.extend(parsed(file).as_object().cloned().unwrap_or_default());
    }
    for body in routes::all().filter_map(|route| route.doc.body) {
        if let Some(schema) = schemas.get_mut(body) {
            null_is_absent(schema);
        }
    }
    let error = |(status, description): &(u16, &str)| {
        let content = json!({ PROBLEM: { "schema": schema_ref("Problem") } });
        (status.to_string(), json!({ "description": description, "content": content }))
    };
    let responses: Map<String, Value> = ERRORS.iter().map(error).collect();
    json!({ "schemas": schemas, "parameters": all_parameters(), "responses": responses, "securitySchemes": schemes() })
}

/// In a request, a field that need not be there may as well be null, and a text empty.
fn null_is_absent(schema: &mut Value) {
    let required = schema.get("required").cloned().unwrap_or_default();
    let is_required = |name: &str| required.as_array().is_some_and(|names| names.iter().any(|one| one == name));
    let properties = schema.get_mut("properties").and_then(Value::as_object_mut);
    for (_, property) in properties.into_iter().flatten().filter(|(name, _)| !is_required(name)) {
        if property.get("minLength") == Some(&json!(1)) {
            property.as_object_mut().and_then(|members| members.remove("minLength"));
        }
        if !takes_null(property) {
            *property = json!({ "anyOf": [property.take(), { "type": "null" }] });
        }
    }
}

fn takes_null(schema: &Value) -> bool {
    let says_null =
        |kind: &Value| kind == "null" || kind.as_array().is_some_and(|kinds| kinds.iter().any(|one| one == "null"));
    let choices = schema.get("anyOf").and_then(Value::as_array).into_iter().flatten();
    let may_be = schema.get("enum").is_none_or(says_null);
    (says_null(&schema["type"]) && may_be) || choices.into_iter().any(|choice| says_null(&choice["type"]))
}

fn all_parameters() -> Value {
    let mut parameters = parsed(PARAMETERS);
    // An empty parameter counts as absent; only a page of no size is a mistake.
    for (_, parameter) in parameters.as_object_mut().into_iter().flatten().filter(|(name, _)| *name != "limit") {
        let schema = parameter.get("schema").cloned().unwrap_or_default();
        if let Some(members) = parameter.as_object_mut() {
            members.insert("schema".to_owned(), json!({ "anyOf": [schema, { "const": "" }] }));
        }
    }
    let header = |name: &str, description: &str, schema: Value| json!({ "name": name, "in": "header", "description": description, "schema": schema });
    if let Some(members) = parameters.as_object_mut() {
        let key = "The same key and payload within 24 h give the first answer again.";
        members.insert(
            "idempotency_key".to_owned(),
            header("Idempotency-Key", key, json!({ "type": "string", "maxLength": 255 })),
        );
        // Whatever is none of our tags names no version: 412.
        let tag = header("If-Match", "The `ETag` of the version to change.", json!({ "type": "string" }));
        members.insert("if_match".to_owned(), tag);
    }
    parameters
}

fn schemes() -> Value {
    let scopes: Map<String, Value> =
        crate::scopes::ALL.iter().map(|scope| ((*scope).to_owned(), (*scope).into())).collect();
    json!({
        "apiKey": { "type": "apiKey", "in": "header", "name": "X-API-Key" },
        "bearer": { "type": "http", "scheme": "bearer", "description": "An API key, a token of `/oauth/token`, or one of a trusted issuer." },
        "basic": { "type": "http", "scheme": "basic", "description": "A user's name (`acme/ada`) and password." },
        "client": { "type": "http", "scheme": "basic", "description": "The id of an API key, and the key." },
        "oauth": { "type": "oauth2", "flows": { "clientCredentials": { "tokenUrl": format!("{API_PREFIX}/oauth/token"), "scopes": scopes } } },
    })
}
