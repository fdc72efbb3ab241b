//! Customers and conversations that other journeys start from, made through the API.

use kobliat_e2e::TestApp;
use serde_json::{Value, json};

/// A new customer; its id.
pub async fn customer(app: &TestApp, external_id: &str) -> String {
    let body = json!({"external_id": external_id, "external_type": "web", "name": format!("Person {external_id}")});
    let customer = app.post("/api/v1/customers", &body).await.expect(201);
    customer["id"].as_str().unwrap().to_owned()
}

/// A direct conversation of two new customers.
pub async fn conversation(app: &TestApp) -> Conversation {
    let (ann, bob) = (customer(app, "ann").await, customer(app, "bob").await);
    let body = json!({"participants": [&ann, &bob]});
    let conversation = app.post("/api/v1/conversations", &body).await.expect(201);
    Conversation {
        path: format!("/api/v1/conversations/{}", text(&conversation, "id")),
        id: text(&conversation, "id"),
        ann,
        bob,
    }
}

pub struct Conversation {
    pub id: String,
    pub path: String,
    pub ann: String,
    pub bob: String,
}

pub fn text(value: &Value, member: &str) -> String {
    value[member].as_str().unwrap_or_else(|| panic!("`{member}` is no text: {value}")).to_owned()
}
