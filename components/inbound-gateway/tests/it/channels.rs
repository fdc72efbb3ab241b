//! The channels beside WhatsApp, through their routes: who is let in, and what their webhooks become.

mod email;
mod sms;
mod telegram;
mod web;

use http::{Method, StatusCode};
use inbound_gateway::domain::Direction;
use inbound_gateway::domain::services::NewMessage;
use inbound_gateway::http::router;
use sdk::http::Response;
use sdk::testing::{json, request};
use serde_json::Value;

use crate::support::*;

/// A platform whose secrets are known, at an address that is.
fn world() -> World {
    let world = World::new();
    for (name, value) in [
        ("twilio_auth_token", "12345"),
        ("telegram_secret_token", "telegram-secret"),
        ("web_webhook_secret", "web-secret"),
        ("email_webhook_secret", "email-secret"),
        ("public_base_url", "https://kobliat.example/"),
    ] {
        world.variables.borrow_mut().insert(name.to_owned(), value.to_owned());
    }
    world
}

fn post(world: &World, path: &str, headers: &[(&'static str, &str)], body: &[u8]) -> Response {
    let mut request = request(Method::POST, path, body);
    for (name, value) in headers {
        request.headers.append(*name, value.parse().unwrap());
    }
    block_on(router().handle(world, request))
}

fn answer(response: &Response) -> Value {
    assert_eq!(response.status(), StatusCode::OK, "{}", String::from_utf8_lossy(response.body()));
    json(response)
}

fn last_message(world: &World) -> NewMessage {
    world.messages.rows.borrow().last().unwrap().1.clone()
}

fn metadata(message: &NewMessage) -> Value {
    serde_json::from_str(&message.metadata).unwrap()
}

#[test]
fn only_whatsapp_verifies_its_address() {
    let world = world();
    for channel in ["sms", "telegram", "web", "email"] {
        let answer = block_on(router().handle(&world, request(Method::GET, &format!("/webhooks/{channel}"), "")));
        assert_eq!(answer.status(), StatusCode::METHOD_NOT_ALLOWED, "{channel}");
        assert_eq!(answer.headers()["allow"], "POST");
    }
    let answer = block_on(router().handle(&world, request(Method::GET, "/webhooks/pigeon", "")));
    assert_eq!(answer.status(), StatusCode::NOT_FOUND);
}

#[test]
fn nobody_is_let_in_without_a_credential_or_with_an_empty_secret() {
    for channel in ["sms", "telegram", "web", "email"] {
        let path = format!("/api/webhooks/{channel}");
        let known = world();
        assert_eq!(post(&known, &path, &[], b"{}").status(), StatusCode::UNAUTHORIZED, "{channel}");
        let unset = World::new();
        let guesses = [("x-telegram-bot-api-secret-token", ""), ("authorization", "Basic Og==")];
        assert!(!post(&unset, &path, &guesses, b"{}").status().is_success(), "{channel}");
        assert!(known.rows().is_empty() && unset.rows().is_empty());
    }
}
