//! Pages of other sites.

use http::{Method, Request};

use crate::app::{Answer, KEY, TestApp};

fn ask(allowed: Option<&str>, method: Method) -> Answer {
    let app = TestApp::new();
    if let Some(allowed) = allowed {
        app.world.variables.borrow_mut().insert("cors_origins", allowed.into());
    }
    let mut request =
        Request::builder().method(&method).uri("/api/v1/conversations").header("origin", "https://shop.example");
    request = match method {
        Method::OPTIONS => request.header("access-control-request-method", "POST"),
        _ => request.header("x-api-key", KEY),
    };
    app.send(request.body("").unwrap())
}

#[test]
fn a_configured_origin_may_read_the_answer() {
    for (allowed, told) in [
        (None, ""),
        (Some("https://other.example"), ""),
        (Some("https://other.example, https://shop.example"), "https://shop.example"),
        (Some("*"), "*"),
    ] {
        let answer = ask(allowed, Method::GET);
        assert_eq!((answer.status.as_u16(), answer.header("access-control-allow-origin")), (200, told));
        assert_eq!(answer.header("access-control-allow-credentials"), "");
        assert_eq!(answer.header("vary"), if told.starts_with("https") { "Origin" } else { "" });
    }
}

#[test]
fn a_browser_that_asks_first_is_told_without_a_credential() {
    let yes = ask(Some("*"), Method::OPTIONS);
    assert_eq!((yes.status.as_u16(), yes.header("access-control-allow-origin")), (204, "*"));
    assert!(yes.header("access-control-allow-headers").contains("Idempotency-Key"));
    let no = ask(None, Method::OPTIONS);
    assert_eq!((no.status.as_u16(), no.header("access-control-allow-methods")), (204, ""));
}
