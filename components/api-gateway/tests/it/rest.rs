//! The services' own HTTP surface, as far as the gateway forwards to it: they keep what they are given and say what they saw.

use api_gateway::clients::{Body, Conversation, Message, Participant, conversations, messages};
use api_gateway::routes::Service;
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use sdk::clock::{parse_rfc3339, rfc3339};
use serde_json::{Value, json};

use crate::world::{NOW, World};

pub fn answer(world: &World, service: Service, request: &Request<Bytes>) -> Response<Body> {
    let path = request.uri().path();
    let tenant = header(request, "kobliat-tenant");
    match (service, request.method().as_str(), path.trim_matches('/').split('/').collect::<Vec<_>>().as_slice()) {
        (_, "GET", ["health"]) => reply(StatusCode::OK, &json!({ "status": "ok" })),
        (Service::Messaging, "POST", ["messages"]) => store_message(world, &tenant, request),
        (Service::Conversation, "POST", ["conversations"]) => open_conversation(world, &tenant, request),
        (Service::Customer, "GET", ["customers", "external", "known", id]) => find_customer(world, &tenant, id),
        (Service::Customer, "POST", ["customers"]) => reply(StatusCode::CREATED, &json!({ "seen": path })),
        (Service::Customer, "GET" | "PUT" | "PATCH", ["customers", ..] | ["stats", "channels"]) => echo(request),
        (Service::Customer, "DELETE", ["customers", _]) => empty(StatusCode::NO_CONTENT),
        (Service::Conversation, "GET" | "PATCH", ["conversations", _]) => echo(request),
        (Service::Conversation, "POST", ["conversations", _, "participants"]) => echo(request),
        (Service::Conversation, "DELETE", ["conversations", _, "participants", _]) => empty(StatusCode::NO_CONTENT),
        (Service::Messaging, "GET", ["messages"] | ["messages", _, "history" | "receipts"]) => echo(request),
        (Service::Messaging, "PUT" | "PATCH", ["messages", id]) => {
            change_message(world, &tenant, id, request).unwrap_or_else(|| echo(request))
        }
        (Service::Messaging, "GET", ["messages", _]) => echo(request),
        (Service::Media, "POST", ["media", "upload"]) => reply(
            StatusCode::CREATED,
            &json!({ "type": header(request, "content-type"), "bytes": request.body().len() }),
        ),
        (Service::Media, "GET", ["media", _, "content"]) => a_part(request),
        _ => empty(StatusCode::NOT_FOUND),
    }
}

/// The beginning of a file, to who has a tenant or a signature.
fn a_part(request: &Request<Bytes>) -> Response<Body> {
    let is_signed = request.uri().query().is_some_and(|query| query.contains("signature=good"));
    if header(request, "kobliat-tenant").is_empty() && !is_signed {
        return empty(StatusCode::FORBIDDEN);
    }
    let mut response = Response::new(spin_sdk::http::box_body(Full::new("GIF".into())));
    *response.status_mut() = StatusCode::PARTIAL_CONTENT;
    for (name, value) in [
        ("content-type", "image/gif"),
        ("content-range", "bytes 0-2/9"),
        ("content-disposition", "inline; filename=\"a.gif\""),
        ("content-security-policy", "default-src 'none'; sandbox"),
        ("accept-ranges", "bytes"),
    ] {
        response.headers_mut().insert(name, value.parse().unwrap());
    }
    response
}

/// What the host answers for a stopped component: no document, but when to come again.
pub fn stopped() -> Response<Body> {
    let mut response = empty(StatusCode::SERVICE_UNAVAILABLE);
    response.headers_mut().insert("retry-after", "7".parse().unwrap());
    response
}

/// A service that lost its head, and tells too much.
pub fn broken() -> Response<Body> {
    reply(StatusCode::INTERNAL_SERVER_ERROR, &json!({ "detail": "panicked at src/store.rs:17: SELECT broke" }))
}

fn find_customer(world: &World, tenant: &str, id: &str) -> Response<Body> {
    let customers = world.customers.borrow();
    match customers.iter().find(|(owner, one)| owner == tenant && one.id == id) {
        Some((_, one)) => {
            let mut response = reply(StatusCode::OK, &json!({ "id": one.id, "name": one.name }));
            response.headers_mut().insert("etag", "\"1\"".parse().unwrap());
            response.headers_mut().insert("kobliat-secret", "internal".parse().unwrap());
            response.headers_mut().insert("x-request-id", "the-service's-own".parse().unwrap());
            response
        }
        None => {
            let document = json!({ "type": "urn:kobliat:problem:not_found", "title": "Not Found", "status": 404,
                "detail": "there is no such customer", "code": "not_found", "instance": format!("/customers/{id}"),
                "request_id": "the-service's-own", "error": "Not Found", "message": "there is no such customer" });
            reply(StatusCode::NOT_FOUND, &document)
        }
    }
}

fn open_conversation(world: &World, tenant: &str, request: &Request<Bytes>) -> Response<Body> {
    let Ok(input) = serde_json::from_slice::<Value>(request.body()) else { return refused("", "unreadable") };
    let Some(participants) = input["participants"].as_array() else { return refused("/participants", "is required") };
    let id = world.next_id();
    let participants = participants.iter().map(|customer| Participant {
        id: world.next_id(),
        customer_id: customer.as_str().expect("the gateway checked them").trim().to_ascii_lowercase(),
        role: conversations::Role::Member,
        joined_at: NOW,
        left_at: None,
    });
    let conversation = Conversation {
        id: id.clone(),
        kind: conversations::Kind::Group,
        status: conversations::Status::Open,
        channel: None,
        channel_account_id: None,
        subject: None,
        metadata: "{}".into(),
        last_seq: 0,
        last_message_at: None,
        last_message_preview: None,
        unread_count: 0,
        created_at: NOW,
        updated_at: NOW,
        participants: participants.collect(),
    };
    world.conversations.borrow_mut().push((tenant.into(), conversation));
    let mut response = reply(StatusCode::CREATED, &json!({ "id": id }));
    response.headers_mut().insert("location", format!("/conversations/{id}").parse().unwrap());
    response
}

fn store_message(world: &World, tenant: &str, request: &Request<Bytes>) -> Response<Body> {
    let key = format!("{tenant} {} {}", header(request, "kobliat-principal"), header(request, "idempotency-key"));
    let has_key = request.headers().contains_key("idempotency-key");
    if let Some(first) = world.answers.borrow().get(&key).filter(|_| has_key) {
        let mut response = reply(StatusCode::CREATED, &serde_json::from_str(first).unwrap());
        response.headers_mut().insert("idempotency-replayed", "true".parse().unwrap());
        return response;
    }
    if request.headers().contains_key("kobliat-repeated-only") {
        return empty(StatusCode::NOT_FOUND);
    }
    let input: Value = serde_json::from_slice(request.body()).unwrap();
    let Some(conversation) = input["conversation_id"].as_str() else {
        return refused("/conversation_id", "is required");
    };
    let message = message(world, &input, &conversation.trim().to_ascii_lowercase());
    let answer = shown(&message, input["direction"].as_str().unwrap_or_default());
    world.messages.borrow_mut().push((tenant.into(), message));
    world.answers.borrow_mut().insert(key, answer.to_string());
    reply(StatusCode::CREATED, &answer)
}

/// A message that the world has.
fn change_message(world: &World, tenant: &str, id: &str, request: &Request<Bytes>) -> Option<Response<Body>> {
    let input: Value = serde_json::from_slice(request.body()).ok()?;
    let mut messages = world.messages.borrow_mut();
    let (_, message) = messages.iter_mut().find(|(owner, one)| owner == tenant && one.id == id)?;
    message.updated_at += 1;
    message.body = input["body"].as_str().map(str::to_owned).or(message.body.take());
    let mut response = reply(StatusCode::OK, &shown(message, "outbound"));
    response.headers_mut().insert("etag", format!("\"{}\"", message.updated_at).parse().unwrap());
    Some(response)
}

fn message(world: &World, input: &Value, conversation: &str) -> Message {
    let seq = world.messages.borrow().iter().filter(|(_, one)| one.conversation_id == conversation).count() as u64 + 1;
    let text = |name: &str| input[name].as_str().map(str::to_owned);
    Message {
        id: world.next_id(),
        conversation_id: conversation.into(),
        seq,
        sender_customer_id: text("sender_customer_id"),
        direction: if input["direction"] == "inbound" {
            messages::Direction::Inbound
        } else {
            messages::Direction::Outbound
        },
        body: text("body"),
        content_type: text("content_type").unwrap_or_else(|| "text".into()),
        media_id: None,
        channel: text("channel"),
        channel_account_id: text("channel_account_id"),
        external_message_id: None,
        client_ref: None,
        status: messages::Status::Queued,
        sent_at: text("sent_at").and_then(|at| parse_rfc3339(&at)).unwrap_or(NOW),
        metadata: input.get("metadata").filter(|it| it.is_object()).map_or("{}".into(), Value::to_string),
        created_at: NOW,
        updated_at: NOW,
    }
}

fn shown(message: &Message, direction: &str) -> Value {
    json!({
        "id": message.id, "conversation_id": message.conversation_id, "seq": message.seq, "direction": direction,
        "body": message.body, "content_type": message.content_type, "sent_at": rfc3339(message.sent_at),
        "created_at": rfc3339(message.created_at),
        "metadata": serde_json::from_str::<Value>(&message.metadata).unwrap(),
    })
}

/// What arrived, so that a test can read it.
fn echo(request: &Request<Bytes>) -> Response<Body> {
    let headers: serde_json::Map<String, Value> = request
        .headers()
        .iter()
        .map(|(name, value)| (name.to_string(), json!(String::from_utf8_lossy(value.as_bytes()))))
        .collect();
    let body = String::from_utf8_lossy(request.body());
    let echo = json!({ "method": request.method().as_str(), "uri": request.uri().to_string(), "headers": headers, "body": body });
    reply(StatusCode::OK, &echo)
}

fn refused(pointer: &str, detail: &str) -> Response<Body> {
    let document = json!({ "detail": detail, "code": "invalid", "errors": [{ "pointer": pointer, "detail": detail }] });
    reply(StatusCode::UNPROCESSABLE_ENTITY, &document)
}

fn reply(status: StatusCode, value: &Value) -> Response<Body> {
    let mut response = empty(status).map(|_| spin_sdk::http::box_body(Full::new(Bytes::from(value.to_string()))));
    response.headers_mut().insert("content-type", "application/json".parse().unwrap());
    response
}

fn empty(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(spin_sdk::http::box_body(Full::new(Bytes::new())));
    *response.status_mut() = status;
    response
}

fn header(request: &Request<Bytes>, name: &str) -> String {
    request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().into()
}
