//! A Postman collection (format 2.1) of the same routes, for `docs/kobliat.postman_collection.json`.

use serde_json::{Map, Value, json};

use super::document;

/// One folder per tag, one request per operation.
pub fn collection() -> Value {
    let document = document();
    let mut folders: Map<String, Value> = Map::new();
    for (path, methods) in members(&document, "/paths") {
        for (method, operation) in methods.as_object().into_iter().flatten() {
            let tag = operation.pointer("/tags/0").and_then(Value::as_str).unwrap_or("other");
            let folder = folders.entry(tag.to_owned()).or_insert_with(|| json!({ "name": tag, "item": [] }));
            if let Some(items) = folder.get_mut("item").and_then(Value::as_array_mut) {
                items.push(request(&document, path, method, operation));
            }
        }
    }
    json!({
        "info": {
            "name": "Kobliat API",
            "description": "Generated from the OpenAPI document: set `base_url` and `api_key`.",
            "schema": "https://schema.getpostman.com/json/collection/v2.1.0/collection.json",
        },
        "auth": { "type": "apikey", "apikey": [
            { "key": "key", "value": "X-API-Key" }, { "key": "value", "value": "{{api_key}}" }, { "key": "in", "value": "header" },
        ] },
        "variable": [{ "key": "base_url", "value": "http://127.0.0.1:3000" }, { "key": "api_key", "value": "" }],
        "item": folders.into_iter().map(|(_, folder)| folder).collect::<Vec<_>>(),
    })
}

fn members<'a>(document: &'a Value, pointer: &str) -> impl Iterator<Item = (&'a String, &'a Value)> {
    document.pointer(pointer).and_then(Value::as_object).into_iter().flatten()
}

fn request(document: &Value, path: &str, method: &str, operation: &Value) -> Value {
    let path = path.replace('{', ":").replace('}', "");
    let mut request = json!({
        "method": method.to_ascii_uppercase(),
        "url": {
            "raw": format!("{{{{base_url}}}}{path}"),
            "host": ["{{base_url}}"],
            "path": path.trim_start_matches('/').split('/').collect::<Vec<_>>(),
            "query": query(document, operation),
        },
    });
    let body = operation.pointer("/requestBody/content").and_then(Value::as_object).and_then(|all| all.iter().next());
    if let (Some((kind, content)), Some(members)) = (body, request.as_object_mut()) {
        members.insert("header".to_owned(), json!([{ "key": "Content-Type", "value": kind }]));
        let example = example(document, content);
        let body = match kind.as_str() {
            super::FORM => form(&example),
            super::MULTIPART => {
                json!({ "mode": "formdata", "formdata": [{ "key": "file", "type": "file", "src": [] }] })
            }
            _ => json!({ "mode": "raw", "raw": format!("{example:#}") }),
        };
        members.insert("body".to_owned(), body);
    }
    json!({ "name": operation["summary"], "request": request })
}

/// Off until somebody ticks them.
fn query(document: &Value, operation: &Value) -> Vec<Value> {
    let references = operation["parameters"].as_array().into_iter().flatten();
    let found = references.filter_map(|one| document.pointer(one["$ref"].as_str()?.strip_prefix('#')?));
    let in_query = found.filter(|parameter| parameter["in"] == "query");
    in_query
        .map(|one| json!({ "key": one["name"], "value": "", "description": one["description"], "disabled": true }))
        .collect()
}

fn example(document: &Value, content: &Value) -> Value {
    let reference = content.pointer("/schema/$ref").and_then(Value::as_str).and_then(|text| text.strip_prefix('#'));
    let schema = reference.and_then(|pointer| document.pointer(pointer));
    schema.and_then(|schema| schema.pointer("/examples/0")).cloned().unwrap_or_else(|| json!({}))
}

fn form(example: &Value) -> Value {
    let pairs = example.as_object().into_iter().flatten();
    let pairs: Vec<Value> = pairs.map(|(key, value)| json!({ "key": key, "value": value })).collect();
    json!({ "mode": "urlencoded", "urlencoded": pairs })
}
