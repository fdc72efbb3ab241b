//! The gateway over an in-memory world, and requests to it as clients send them.

use api_gateway::clients::Body;
use api_gateway::http::Gateway;
use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use sdk::testing::block_on;
use serde_json::{Value, json};

use crate::world::World;

pub const KEY: &str = "bootstrap-secret";

pub struct TestApp {
    pub world: World,
    gateway: Gateway<World>,
}

#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Answer {
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Checks that this is a complete problem document of this status, and gives it.
    #[track_caller]
    pub fn problem(&self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "{self:?}");
        assert_eq!(self.header("content-type"), "application/problem+json");
        let problem = self.json();
        assert_eq!(problem["status"], status);
        for member in ["type", "title", "detail", "instance", "code", "request_id", "error", "message"] {
            assert!(problem[member].as_str().is_some_and(|text| !text.is_empty()), "`{member}` is missing: {problem}");
        }
        assert_eq!(problem["request_id"], self.header("x-request-id"));
        problem
    }

    /// The pointers of a 422.
    #[track_caller]
    pub fn pointers(&self) -> Vec<String> {
        let errors = self.problem(422)["errors"].as_array().expect("errors").clone();
        errors.iter().map(|error| error["pointer"].as_str().expect("a pointer").to_owned()).collect()
    }
}

impl TestApp {
    pub fn new() -> Self {
        let world = World::default();
        Self { gateway: Gateway::new(world.clone()), world }
    }

    /// With nothing remembered, and the same services and tables.
    pub fn on_another_instance(&self) -> Self {
        Self { gateway: Gateway::new(self.world.clone()), world: self.world.clone() }
    }

    pub fn send(&self, request: Request<impl Into<Bytes>>) -> Answer {
        self.send_streaming(request.map(|body| spin_sdk::http::box_body(Full::new(body.into()))))
    }

    pub fn send_streaming(&self, request: Request<Body>) -> Answer {
        let (parts, body) = block_on(self.gateway.handle(request)).into_parts();
        let body = block_on(body.collect()).expect("the body is whole").to_bytes();
        while let Some(task) = self.world.next_task() {
            block_on(task);
        }
        Answer { status: parts.status, headers: parts.headers, body }
    }

    pub fn get(&self, path: &str) -> Answer {
        self.send(request(Method::GET, path, ""))
    }

    pub fn post(&self, path: &str, body: &Value) -> Answer {
        self.send(request(Method::POST, path, body.to_string()))
    }

    pub fn patch(&self, path: &str, body: &Value) -> Answer {
        self.send(request(Method::PATCH, path, body.to_string()))
    }

    pub fn delete(&self, path: &str) -> Answer {
        self.send(request(Method::DELETE, path, ""))
    }

    /// A new key of this tenant, which is made if there is none of this name.
    pub fn key_of(&self, tenant: &str, scopes: &[&str]) -> String {
        self.post("/api/v1/tenants", &json!({ "id": tenant }));
        let made = self.post("/api/v1/api-keys", &json!({ "name": "test", "tenant": tenant, "scopes": scopes }));
        assert_eq!(made.status, 201, "{made:?}");
        made.json()["key"].as_str().unwrap().to_owned()
    }

    pub fn post_with_key(&self, path: &str, idempotency_key: &str, body: &Value) -> Answer {
        let mut request = request(Method::POST, path, body.to_string());
        request.headers_mut().insert("idempotency-key", idempotency_key.parse().unwrap());
        self.send(request)
    }
}

/// As [`request`], with another key.
pub fn request_as<B: AsRef<[u8]>>(key: &str, method: Method, path: &str, body: B) -> Request<B> {
    let mut request = request(method, path, body);
    request.headers_mut().insert("x-api-key", key.parse().unwrap());
    request
}

/// With the bootstrap key, and labelled as JSON where there is a body.
pub fn request<B: AsRef<[u8]>>(method: Method, path: &str, body: B) -> Request<B> {
    let mut request = Request::builder().method(method).uri(path).header("x-api-key", KEY);
    if !body.as_ref().is_empty() {
        request = request.header("content-type", "application/json");
    }
    request.body(body).unwrap()
}
