//! An answer, and what every answer of a kind must look like.

use bytes::Bytes;
use http::HeaderMap;
use serde_json::Value;

#[derive(Clone, Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Reply {
    /// The body, if the status is this one; else the test ends here and shows the answer.
    #[track_caller]
    pub fn expect(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text());
        self.json()
    }

    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The body, if this is a problem of this status and code with every member that the API promises.
    #[track_caller]
    pub fn expect_problem(self, status: u16, code: &str) -> Value {
        assert_eq!(self.status, status, "{}", self.text());
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{}", self.text());
        let problem = self.json();
        assert_eq!(problem["status"], status, "{problem}");
        assert_eq!(problem["code"], code, "{problem}");
        for member in ["type", "title", "detail", "instance", "request_id", "error", "message"] {
            let text = problem[member].as_str().unwrap_or_default();
            assert!(!text.is_empty(), "the member `{member}` is missing: {problem}");
        }
        assert_eq!(self.header("x-request-id"), problem["request_id"].as_str(), "{problem}");
        assert_nothing_internal(&problem);
        problem
    }
}

/// Never a stack, a path, an SQL text.
#[track_caller]
fn assert_nothing_internal(problem: &Value) {
    let told = problem.to_string();
    for trace in ["panicked", ".rs:", "SELECT ", "INSERT ", "sqlite", "wasm", "/root", "/tmp"] {
        assert!(!told.contains(trace), "the answer tells about the inside (`{trace}`): {told}");
    }
}
