//! The notification service on its real SQL, in memory, with receivers that answer as a test has them answer.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "in a test, a panic is the message; clippy.toml covers test functions only"
)]

mod endpoints;
mod failing;
mod forgetting;
mod notifications;
mod plans;
mod secrets;
mod webhooks;

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    rc::Rc,
    time::Duration,
};

use ::http::{HeaderMap, HeaderName, Method};
use notification::{
    app::{Answer, App, Platform},
    delivery,
    http::router,
    store::MIGRATIONS,
};
use sdk::{
    Clock, Micros, Response, Router,
    sql::Database,
    testing::{Memory, block_on, json, request},
};
use serde_json::Value;

const KEY: &str = "a key for secrets of some length";
const NOW: Micros = 1_749_416_383_000_000;
const SECOND: Micros = 1_000_000;

/// What a receiver got.
#[derive(Clone, Debug)]
struct Got {
    url: String,
    headers: HeaderMap,
    body: String,
}

impl Got {
    fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().unwrap()
    }
}

/// The world outside, and the deployment.
#[derive(Clone, Default)]
struct World(Rc<Inner>);

#[derive(Default)]
struct Inner {
    got: RefCell<Vec<Got>>,
    /// What a receiver answers; 204 when it is not here.
    answers: RefCell<BTreeMap<String, Result<Answer, String>>>,
    settings: RefCell<BTreeMap<String, String>>,
    now: Cell<Micros>,
}

impl Platform for World {
    async fn post(&self, url: &str, headers: HeaderMap, body: &str) -> Result<Answer, String> {
        sdk::testing::yield_once().await;
        self.0.got.borrow_mut().push(Got { url: url.to_owned(), headers, body: body.to_owned() });
        self.0.answers.borrow().get(url).cloned().unwrap_or_else(|| answer(204))
    }

    async fn setting(&self, name: &str) -> Option<String> {
        self.0.settings.borrow().get(name).cloned()
    }
}

impl Clock for World {
    fn now(&self) -> Micros {
        self.0.now.get()
    }
}

fn answer(status: u16) -> Result<Answer, String> {
    Ok(Answer { status, retry_after: None, body: b"because".to_vec() })
}

fn busy(seconds: u64) -> Result<Answer, String> {
    Ok(Answer { status: 429, retry_after: Some(Duration::from_secs(seconds)), body: Vec::new() })
}

type Service = App<Memory, World>;

struct TestApp {
    memory: Memory,
    world: World,
    service: Service,
    router: Router<Service>,
}

impl TestApp {
    fn start() -> Self {
        let (memory, world) = (Memory::new(), World::default());
        world.0.now.set(NOW);
        world.0.settings.borrow_mut().insert("endpoint_secrets_key".to_owned(), KEY.to_owned());
        let service = App::new(Database::new(memory.clone(), MIGRATIONS), world.clone(), world.clone());
        block_on(service.database.execute("SELECT 1", Vec::new())).unwrap();
        Self { memory, world, service, router: router() }
    }

    fn send(&self, method: Method, path: &str, body: &str) -> Response {
        block_on(self.router.handle(&self.service, request(method, path, body)))
    }

    fn get(&self, path: &str) -> Value {
        let response = self.send(Method::GET, path, "");
        assert_eq!(response.status(), 200, "{path}");
        json(&response)
    }

    fn post(&self, path: &str, body: &str) -> Value {
        let response = self.send(Method::POST, path, body);
        assert!(response.status().is_success(), "{path}: {}", String::from_utf8_lossy(response.body()));
        json(&response)
    }

    /// An endpoint for every event; its JSON, with the secret.
    fn endpoint(&self, url: &str) -> Value {
        self.post("/webhook-endpoints", &format!(r#"{{"url":"{url}","events":["*"]}}"#))
    }

    fn event(&self, id: &str, kind: &str, data: &str) -> Response {
        self.event_of("default", id, kind, data)
    }

    /// As the platform delivers it.
    fn event_of(&self, tenant: &str, id: &str, kind: &str, data: &str) -> Response {
        let mut request = request(Method::POST, "/events", data);
        request.headers.clear();
        let attributes = [
            ("ce-specversion", "1.0"),
            ("ce-id", id),
            ("ce-source", "/components/messaging"),
            ("ce-type", kind),
            ("ce-subject", "subject-1"),
            ("ce-tenant", tenant),
            ("ce-time", "2025-06-08T20:59:43.000Z"),
        ];
        for (name, value) in attributes {
            request.headers.insert(HeaderName::from_static(name), value.parse().unwrap());
        }
        block_on(self.router.handle(&self.service, request))
    }

    /// What the component does behind an answer and at each tick.
    fn round(&self) {
        block_on(delivery::round(&self.service)).unwrap();
    }

    fn advance(&self, by: Micros) {
        self.world.0.now.set(self.world.0.now.get() + by);
    }

    fn answers(&self, url: &str, answer: Result<Answer, String>) {
        self.world.0.answers.borrow_mut().insert(url.to_owned(), answer);
    }

    fn recovers(&self, url: &str) {
        self.world.0.answers.borrow_mut().remove(url);
    }

    /// What receivers got since the last call.
    fn got(&self) -> Vec<Got> {
        self.world.0.got.take()
    }

    fn attempts(&self, id: &str) -> Vec<Value> {
        self.get(&format!("/webhook-endpoints/{id}/attempts"))["data"].as_array().unwrap().clone()
    }
}

const RECEIVED: &str = "com.kobliat.message.received.v1";
const HOOK: &str = "https://hooks.example.com/a";
