//! One customer: read by a typed call, told as its service would tell it.

use serde_json::json;

use crate::app::TestApp;
use crate::world::Fault;
use api_gateway::routes::Service;

#[test]
fn one_customer_costs_one_typed_call() {
    let app = TestApp::new();
    let id = app.world.customer("Ada");
    let answer = app.get(&format!("/api/v1/customers/{}", id.to_uppercase()));
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.json(),
        json!({ "id": id, "external_id": answer.json()["external_id"], "external_type": "whatsapp", "name": "Ada", "metadata": {},
            "created_at": "2026-01-01T00:00:00.000Z", "updated_at": "2026-01-01T00:00:00.000Z" })
    );
    assert_eq!(answer.header("etag"), "\"1767225600000000\"", "the version that If-Match names");
    assert_eq!(app.world.calls(), ["customers.get-many"]);
}

#[test]
fn without_its_service_there_is_no_customer_to_show() {
    let app = TestApp::new();
    let path = format!("/api/v1/customers/{}", app.world.customer("Ada"));
    app.world.fault(Service::Customer, Fault::Down);
    app.get(&path).problem(503);
}
