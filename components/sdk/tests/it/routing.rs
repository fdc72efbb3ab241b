//! Routes, methods, contexts, and the one form of every failure.

use http::Method;
use sdk::{
    Outcome, Problem, Request, Response, Router, response,
    testing::{block_on, json, request},
};

async fn echo(_: &(), request: Request) -> Outcome {
    response::ok(&serde_json::json!({ "id": request.param("id"), "tenant": request.context.tenant }))
}

async fn fails(_: &(), _: Request) -> Outcome {
    Err(Problem::invalid_field("/name", "is required"))
}

fn answer(router: Router<()>, request: Request) -> Response {
    block_on(router.handle(&(), request))
}

fn internal(method: Method, path: &str) -> Response {
    let router = Router::internal().get("/things/:id", echo).post("/things", fails).delete("/things/:id", echo);
    answer(router, request(method, path, ""))
}

#[test]
fn hands_over_unescaped_parameters() {
    let response = internal(Method::GET, "/things/a%2Fb%20%C3%A4");
    assert_eq!(json(&response), serde_json::json!({ "id": "a/b ä", "tenant": "default" }));
}

#[test]
fn knows_what_is_missing_from_what_is_not_allowed() {
    assert_eq!(internal(Method::GET, "/nothing").status(), 404);
    assert_eq!(internal(Method::GET, "/things/a/b").status(), 404);
    assert_eq!(internal(Method::GET, "/things/%ff").status(), 404);
    let response = internal(Method::PUT, "/things/a");
    assert_eq!((response.status().as_u16(), &response.headers()["allow"]), (405, &"GET, DELETE".parse().unwrap()));
}

#[test]
fn answers_head_like_get_without_a_body() {
    let response = internal(Method::HEAD, "/things/a");
    assert_eq!((response.status().as_u16(), response.body().len()), (200, 0));
}

#[test]
fn tells_failures_as_problems_that_old_clients_understand() {
    let mut request = request(Method::POST, "/things", "");
    request.headers.insert("x-request-id", "req-1".parse().unwrap());
    let response = answer(Router::internal().post("/things", fails), request);
    assert_eq!(response.headers()["content-type"], "application/problem+json");
    assert_eq!(response.headers()["x-request-id"], "req-1");
    let problem = serde_json::json!({
        "type": "urn:kobliat:problem:invalid", "title": "Unprocessable Entity", "status": 422,
        "detail": "/name: is required", "instance": "/things", "code": "invalid", "request_id": "req-1",
        "errors": [{ "pointer": "/name", "detail": "is required" }],
        "error": "Unprocessable Entity", "message": "/name: is required",
    });
    assert_eq!(json(&response), problem);
}

#[test]
fn makes_a_request_id_where_the_given_one_is_not_fit_for_a_log() {
    let mut hostile = request(Method::GET, "/things/a", "");
    hostile.headers.insert("x-request-id", "a\tb<script>".parse().unwrap());
    let response = answer(Router::internal().get("/things/:id", echo), hostile);
    assert_eq!(response.headers()["x-request-id"].len(), 36);
}

#[test]
fn refuses_requests_without_a_tenant_but_answers_health() {
    let bare = |path: &str| Request { path: path.to_owned(), ..Request::default() };
    let router = || Router::internal().get("/things/:id", echo);
    assert_eq!(answer(router(), bare("/things/a")).status(), 401);
    assert_eq!(answer(router(), bare("/health")).status(), 200);
}

#[test]
fn believes_no_tenant_header_on_a_public_route() {
    let response = answer(Router::public().get("/things/:id", echo), request(Method::GET, "/things/a", ""));
    assert_eq!(json(&response)["tenant"], "");
}

#[test]
fn asks_for_json_when_something_else_is_declared() {
    let mut request = request(Method::POST, "/", "{}");
    request.headers.insert("content-type", "text/plain".parse().unwrap());
    assert_eq!(request.decode(|_| ()).unwrap_err().status, 415);
    request.headers.insert("content-type", "application/json; charset=utf-8".parse().unwrap());
    assert!(request.decode(|_| ()).is_ok());
}

/// Stock Spin tells a component's public routes by `spin-path-info`, relative to where they are mounted; a caller inside may send anything.
#[test]
fn finds_the_route_by_the_address_alone() {
    let router = || Router::public().post("/x/:id", echo).post("/events", echo).private(Method::GET, "/channels", echo);
    for (path, said, expected) in [
        ("/events", "/x/1", serde_json::json!("")),
        ("/x/7", "/events", serde_json::json!("7")),
        ("/x/events", "/events", serde_json::json!("events")),
    ] {
        let mut request = request(Method::POST, path, "");
        for header in
            ["spin-path-info", "spin-full-url", "spin-matched-route", "spin-raw-component-route", "spin-base-path"]
        {
            request.headers.insert(header, said.parse().unwrap());
        }
        let response = answer(router(), request);
        assert_eq!((response.status().as_u16(), &json(&response)["id"]), (200, &expected), "{path}");
    }
    for path in ["/x/../channels", "/x//channels", "/x/%2e%2e/channels", "//channels", "/CHANNELS"] {
        let response = answer(router(), request(Method::GET, path, ""));
        assert!(matches!(response.status().as_u16(), 404 | 405), "{path}");
    }
}

#[test]
fn believes_the_gateway_s_headers_on_private_routes_alone() {
    let router = || Router::public().get("/x/:id", echo).private(Method::GET, "/channels", echo);
    let public = answer(router(), request(Method::GET, "/x/1", ""));
    assert_eq!(json(&public)["tenant"], "", "whatever the header says");
    let mut private = request(Method::GET, "/channels", "");
    private.headers.insert("x-request-id", "req-1".parse().unwrap());
    let response = answer(router(), private);
    assert_eq!(
        (json(&response)["tenant"].as_str(), &response.headers()["x-request-id"]),
        (Some("default"), &"req-1".parse().unwrap())
    );
    let mut nobody = request(Method::GET, "/channels", "");
    nobody.headers.clear();
    assert_eq!(answer(router(), nobody).status(), 401);
}
