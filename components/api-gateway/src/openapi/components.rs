//! The document's components: schemas from the files in `openapi/`, parameters, errors, and the ways to identify oneself.

use serde_json::{Map, Value, json};

use super::{errors, parsed};
use crate::routes::{self, API_PREFIX};

/// The schemas, written by hand, one a line. The tests compare them with what the routes answer.
const SCHEMAS: &[&str] = &[
    include_str!("../../openapi/common.json"),
    include_str!("../../openapi/customers.json"),
    include_str!("../../openapi/conversations.json"),
    include_str!("../../openapi/messages.json"),
    include_str!("../../openapi/access.json"),
    include_str!("../../openapi/channels.json"),
    include_str!("../../openapi/operations.json"),
    include_str!("../../openapi/notifications.json"),
    include_str!("../../openapi/simulate.json"),
    include_str!("../../openapi/media.json"),
    include_str!("../../openapi/webhooks.json"),
];
const PARAMETERS: &str = include_str!("../../openapi/parameters.json");

/// Everything that the operations refer to.
pub(super) fn components() -> Value {
    let mut schemas = Map::new();
    for file in SCHEMAS {
        schemas.extend(parsed(file).as_object().cloned().unwrap_or_default());
    }
    for body in routes::all().filter_map(|route| route.doc.body) {
        if let Some(schema) = schemas.get_mut(body) {
            null_is_absent(schema);
        }
    }
    schemas.values_mut().for_each(open_objects);
    json!({ "schemas": schemas, "parameters": all_parameters(), "responses": errors::responses(), "securitySchemes": schemes() })
}

/// An object of which nothing is said takes any members: generated clients would have it empty otherwise.
fn open_objects(schema: &mut Value) {
    let is_object =
        |kind: &Value| kind == "object" || kind.as_array().is_some_and(|kinds| kinds.iter().any(|one| one == "object"));
    if let Value::Object(members) = schema
        && members.get("type").is_some_and(is_object)
        && !["properties", "additionalProperties", "propertyNames"].iter().any(|name| members.contains_key(*name))
    {
        members.insert("additionalProperties".to_owned(), true.into());
    }
    match schema {
        Value::Object(members) => members.values_mut().for_each(open_objects),
        Value::Array(items) => items.iter_mut().for_each(open_objects),
        _ => {}
    }
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
        let tag = "An `ETag`, several, or `*`: 304 when one of them is that of the version.";
        members.insert("if_none_match".to_owned(), header("If-None-Match", tag, json!({ "type": "string" })));
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
