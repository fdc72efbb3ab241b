//! What every answer has: where a new thing is, whether the client has it already, and paths that work below a prefix.

use api_gateway::openapi::document;
use http::{Method, Request};
use serde_json::{Value, json};

use crate::app::{Answer, TestApp, request};

const TENANTS: &str = "/api/v1/tenants";

fn get_with(app: &TestApp, path: &str, name: &str, value: &str) -> Answer {
    let mut request = request(Method::GET, path, "");
    request.headers_mut().insert(name.parse::<http::HeaderName>().unwrap(), value.parse().unwrap());
    app.send(request)
}

#[test]
fn what_the_client_has_already_is_not_sent_again() {
    let app = TestApp::new();
    app.post(TENANTS, &json!({ "id": "acme" }));
    let path = format!("{TENANTS}/acme");
    let tag = app.get(&path).header("etag").to_owned();
    let weak = format!("W/{tag}");
    for named in [tag.as_str(), &weak, "*", &format!("\"a,b\", {tag}"), &format!("\"x\",{weak} , \"y\"")] {
        let answer = get_with(&app, &path, "if-none-match", named);
        assert_eq!((answer.status.as_u16(), answer.body.len()), (304, 0), "{named}");
        assert_eq!(answer.header("etag"), tag);
        assert_eq!((answer.header("content-type"), answer.header("content-length")), ("", ""));
    }
    for named in ["\"other\"", "", "W/\"1\"", tag.trim_matches('"')] {
        assert_eq!(get_with(&app, &path, "if-none-match", named).status, 200, "{named}");
    }
    app.patch(&path, &json!({ "name": "Acme Corp" }));
    assert_eq!(get_with(&app, &path, "if-none-match", &tag).status, 200, "it has changed");
}

#[test]
fn a_person_and_the_document_have_tags_too() {
    let app = TestApp::new();
    let ada = app.world.customer("Ada");
    for path in [format!("/api/v1/customers/{ada}"), "/openapi.json".into(), "/docs".into()] {
        let tag = app.get(&path).header("etag").to_owned();
        assert!(!tag.is_empty(), "{path}");
        assert_eq!(get_with(&app, &path, "if-none-match", &tag).status, 304, "{path}");
    }
}

#[test]
fn what_was_made_says_where_it_is() {
    let app = TestApp::new();
    let (ada, bob) = (app.world.customer("Ada"), app.world.customer("Bob"));
    let conversation = app.world.conversation(&[&ada, &bob]);
    let user = json!({ "username": "ada", "password": "correct horse battery", "scopes": ["admin"] });
    let messages = format!("/api/v1/conversations/{conversation}/reply");
    for (path, body, below) in [
        (TENANTS, json!({ "id": "acme" }), "/api/v1/tenants"),
        ("/api/v1/users", user, "/api/v1/users"),
        ("/api/v1/api-keys", json!({ "name": "a", "scopes": ["admin"] }), "/api/v1/api-keys"),
        ("/api/v1/conversations", json!({ "participants": [ada, bob], "type": "group" }), "/api/v1/conversations"),
        (messages.as_str(), json!({ "body": "In blue." }), "/api/v1/messages"),
    ] {
        let made = app.post(path, &body);
        assert_eq!(made.status, 201, "{made:?}");
        let id = made.json()["id"].as_str().unwrap().to_owned();
        assert_eq!(made.header("location"), format!("{below}/{id}"), "{path}");
    }
}

#[test]
fn a_repetition_says_where_it_is_too() {
    let app = TestApp::new();
    let body = json!({ "id": "acme" });
    let first = app.post_with_key(TENANTS, "k1", &body);
    let again = app.post_with_key(TENANTS, "k1", &body);
    assert_eq!(again.header("idempotency-replayed"), "true");
    assert_eq!((again.status, again.header("location")), (first.status, first.header("location")));
}

#[test]
fn everything_works_below_a_prefix() {
    let app = TestApp::new();
    app.world.variables.borrow_mut().insert("public_base_url", "https://chat.example.com/kobliat/".into());
    let made = app.post(TENANTS, &json!({ "id": "acme" }));
    assert_eq!(made.header("location"), "/kobliat/api/v1/tenants/acme");
    let list = app.get(&format!("{TENANTS}?limit=1"));
    assert!(list.header("link").starts_with("<?"), "relative to the list: {}", list.header("link"));
    let root = app.get("/").json();
    assert_eq!((&root["docs"], &root["openapi"]), (&json!("/kobliat/docs"), &json!("/kobliat/openapi.json")));
    let document = app.get("/openapi.json").json();
    assert_eq!(document["servers"][0]["url"], "/kobliat");
    let flow = &document["components"]["securitySchemes"]["oauth"]["flows"]["clientCredentials"];
    assert_eq!(flow["tokenUrl"], "/kobliat/api/v1/oauth/token");
}

#[test]
fn the_viewer_s_page_names_nothing_from_the_root() {
    let app = TestApp::new();
    for (path, file) in [("/docs", "\"docs/start.js\""), ("/docs/", "\"start.js\"")] {
        let page = String::from_utf8(app.get(path).body.to_vec()).unwrap();
        assert!(page.contains(file), "{path}: {page}");
        assert!(!page.contains("=\"/"), "{path} names a path from the root: {page}");
    }
    let script = String::from_utf8(app.get("/docs/start.js").body.to_vec()).unwrap();
    assert!(script.contains("currentScript.src") && !script.contains("\"/"), "{script}");
}

#[test]
fn a_compressed_body_is_refused_by_its_name() {
    let app = TestApp::new();
    for (method, path) in [(Method::POST, "/api/v1/customers"), (Method::POST, "/api/v1/media/upload")] {
        let mut request = request(method, path, "\u{1f}compressed");
        request.headers_mut().insert("content-encoding", "gzip".parse().unwrap());
        let refused = app.send(request);
        assert!(refused.problem(415)["detail"].as_str().unwrap().contains("gzip"));
        assert_eq!(refused.header("accept-encoding"), "identity");
    }
    let mut plain = request(Method::POST, TENANTS, r#"{"id":"acme"}"#);
    plain.headers_mut().insert("content-encoding", "identity".parse().unwrap());
    assert_eq!(app.send(plain).status, 201);
}

#[test]
fn clients_find_the_token_endpoint_by_its_metadata() {
    let app = TestApp::new();
    let path = "/.well-known/oauth-authorization-server";
    let seen = Request::get(path).header("spin-full-url", format!("http://127.0.0.1:3000{path}"));
    let metadata = app.send(seen.body("").unwrap()).json();
    assert_eq!(metadata["issuer"], "http://127.0.0.1:3000");
    app.world.variables.borrow_mut().insert("public_base_url", "https://chat.example.com/kobliat".into());
    let metadata = app.get(path).json();
    assert_eq!(metadata["issuer"], "https://chat.example.com/kobliat");
    assert_eq!(metadata["token_endpoint"], "https://chat.example.com/kobliat/api/v1/oauth/token");
    assert_eq!(metadata["jwks_uri"], "https://chat.example.com/kobliat/.well-known/jwks.json");
    assert_eq!(metadata["grant_types_supported"], json!(["client_credentials"]));
    assert_eq!(metadata["response_types_supported"], json!([]));
}

/// Every object in a document.
fn objects<'a>(value: &'a Value, at: String, found: &mut Vec<(String, &'a serde_json::Map<String, Value>)>) {
    match value {
        Value::Object(members) => {
            found.push((at.clone(), members));
            members.iter().for_each(|(name, value)| objects(value, format!("{at}/{name}"), found));
        }
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(n, value)| objects(value, format!("{at}/{n}"), found));
        }
        _ => {}
    }
}

/// Generators make `unknown` of a choice that says nothing but which fields are needed, and an empty object of an open one.
#[test]
fn no_schema_becomes_unknown_in_a_generated_client() {
    let document = document();
    let mut found = Vec::new();
    objects(&document, String::new(), &mut found);
    for (at, members) in found {
        for choice in ["anyOf", "oneOf", "allOf"].iter().filter_map(|name| members.get(*name)?.as_array()).flatten() {
            let names: Vec<&String> = choice.as_object().into_iter().flat_map(|choice| choice.keys()).collect();
            assert!(names != ["required"], "{at} says only which fields are needed");
        }
        let kinds = members.get("type").map(Value::to_string).unwrap_or_default();
        let says =
            ["properties", "additionalProperties", "propertyNames"].iter().any(|name| members.contains_key(*name));
        let is_schema = !at.contains("/example");
        assert!(!kinds.contains("\"object\"") || says || !is_schema, "{at} is an object of which nothing is said");
    }
}

#[test]
fn every_error_has_an_example_of_its_own() {
    let document = document();
    let responses = document["components"]["responses"].as_object().unwrap();
    assert!(responses.len() >= 14);
    for (status, response) in responses {
        let example = &response["content"]["application/problem+json"]["example"];
        assert_eq!(example["status"].to_string(), *status);
        for member in ["type", "title", "detail", "instance", "code", "request_id", "error", "message"] {
            assert!(example[member].as_str().is_some_and(|text| !text.is_empty()), "{status} has no {member}");
        }
    }
}
