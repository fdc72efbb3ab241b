//! The service in the test's world.

use ::http::{HeaderValue, Method};
use chat_simulator::{app::App, http::router, persona, store::MIGRATIONS};
use sdk::{
    Micros, Request, Response, Router,
    sql::Database,
    testing::{Memory, block_on, json, request},
};
use serde_json::Value;

use crate::world::World;

pub const NOW: Micros = 1_749_416_383_000_000;
pub const SECOND: Micros = 1_000_000;

pub type Service = App<Memory, World>;

pub struct TestApp {
    pub memory: Memory,
    pub world: World,
    pub service: Service,
    router: Router<Service>,
}

impl TestApp {
    /// Switched on, with the secrets that the platform in the test checks.
    pub fn start() -> Self {
        let (memory, world) = (Memory::new(), World::default());
        world.now.set(NOW);
        world.set("simulator", "on");
        world.set("whatsapp_app_secret", "app-secret");
        world.set("twilio_auth_token", "twilio-token");
        world.set("whatsapp_verify_token", "verify-token");
        let service = App::new(Database::new(memory.clone(), MIGRATIONS), world.clone(), world.clone());
        block_on(service.database.execute("SELECT 1", Vec::new())).unwrap();
        Self { memory, world, service, router: router() }
    }

    pub fn handle(&self, request: Request) -> Response {
        block_on(self.router.handle(&self.service, request))
    }

    pub fn send(&self, method: Method, path: &str, body: &str) -> Response {
        self.handle(request(method, path, body))
    }

    pub fn send_with(&self, method: Method, path: &str, body: &str, headers: &[(&'static str, &str)]) -> Response {
        let mut request = request(method, path, body);
        for (name, value) in headers {
            request.headers.insert(*name, HeaderValue::from_str(value).unwrap());
        }
        self.handle(request)
    }

    #[track_caller]
    pub fn get(&self, path: &str) -> Value {
        let response = self.send(Method::GET, path, "");
        assert_eq!(response.status(), 200, "{path}: {}", String::from_utf8_lossy(response.body()));
        json(&response)
    }

    #[track_caller]
    pub fn post(&self, path: &str, body: &Value) -> Value {
        let response = self.send(Method::POST, path, &body.to_string());
        assert_eq!(response.status(), 200, "{path}: {}", String::from_utf8_lossy(response.body()));
        json(&response)
    }

    #[track_caller]
    pub fn refused(&self, method: Method, path: &str, body: &Value) -> (u16, Value) {
        let response = self.send(method, path, &body.to_string());
        (response.status().as_u16(), json(&response))
    }

    /// What the component does behind an answer and at each tick.
    pub fn round(&self) {
        block_on(persona::round(&self.service)).unwrap();
    }

    pub fn advance(&self, by: Micros) {
        self.world.now.set(self.world.now.get() + by);
    }
}
