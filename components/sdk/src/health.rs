//! `GET /health` with an opinion: a mistake in the deployment's variables is told before a request comes that needs them. The host
//! refuses to start, and to swap, while an answer is 503 (`swap.probe` in the manifest); elsewhere the gateway's list of services shows it.
//!
//! ```
//! let mut checks = sdk::health::Checks::default();
//! checks.number("media_limit_bytes", Some("16 MB"), 1..=i64::MAX);
//! let problem = checks.outcome().unwrap_err();
//! assert_eq!(problem.detail, "variable `media_limit_bytes` is `16 MB`, not a number of 1 or more");
//! ```

use std::ops::RangeInclusive;

use ::http::StatusCode;
use serde_json::json;

use crate::{Outcome, Problem, response};

/// What is wrong, gathered: all of it is told at once.
#[derive(Debug, Default)]
pub struct Checks(Vec<String>);

impl Checks {
    /// A variable that is a number, when it has a value.
    pub fn number(&mut self, name: &str, value: Option<&str>, range: RangeInclusive<i64>) {
        let Some(text) = value else { return };
        if text.trim().parse().is_ok_and(|number: i64| range.contains(&number)) {
            return;
        }
        let (least, most) = range.into_inner();
        let wanted = if most == i64::MAX { format!("of {least} or more") } else { format!("from {least} to {most}") };
        self.0.push(format!("variable `{name}` is `{text}`, not a number {wanted}"));
    }

    /// A variable that is one of these words, when it has a value.
    pub fn word(&mut self, name: &str, value: Option<&str>, words: &[&str]) {
        if let Some(text) = value.filter(|text| !words.contains(text)) {
            self.0.push(format!("variable `{name}` is `{text}`, not {}", words.join(" or ")));
        }
    }

    /// A variable that begins an address of ours or of somebody else's, when it has a value.
    pub fn url(&mut self, name: &str, value: Option<&str>) {
        let is_url = |text: &str| {
            let uri = text.parse::<::http::Uri>().ok();
            uri.is_some_and(|uri| matches!(uri.scheme_str(), Some("http" | "https")) && uri.query().is_none())
        };
        if let Some(text) = value.filter(|text| !is_url(text)) {
            self.0.push(format!("variable `{name}` is `{text}`, not like https://kobliat.example"));
        }
    }

    /// What another reader of the variables says, who names them.
    pub fn note<T>(&mut self, read: Result<T, String>) {
        self.0.extend(read.err());
    }

    /// For whoever set the variables, who is the only one to ask: no route of the public leads to a service's health.
    pub fn outcome(self) -> Outcome {
        if self.0.is_empty() {
            return response::ok(&json!({ "status": "ok" }));
        }
        Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "misconfigured", self.0.join("; ")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_all_that_is_wrong_and_nothing_of_what_is_not_set() {
        let mut checks = Checks::default();
        for good in [None, Some("1"), Some(" 30 ")] {
            checks.number("days", good, 1..=30);
        }
        checks.word("switch", Some("on"), &["on", "off"]);
        checks.word("switch", None, &["on", "off"]);
        for good in [None, Some("https://kobliat.example"), Some("http://127.0.0.1:3000/below/")] {
            checks.url("base", good);
        }
        checks.note(Ok::<_, String>(1));
        assert_eq!(checks.outcome().unwrap().status(), 200);

        let mut checks = Checks::default();
        checks.number("days", Some("31"), 1..=30);
        checks.word("switch", Some("yes"), &["on", "off"]);
        for bad in ["kobliat.example", "ftp://kobliat.example", "https://a b", "https://a/?b"] {
            checks.url("base", Some(bad));
        }
        checks.note(Err::<(), _>("`list` is no list".to_owned()));
        let problem = checks.outcome().unwrap_err();
        assert_eq!((problem.status.as_u16(), problem.code), (503, "misconfigured"));
        let told: Vec<&str> = problem.detail.split("; ").collect();
        assert_eq!(told.len(), 7);
        assert_eq!(told[0], "variable `days` is `31`, not a number from 1 to 30");
        assert_eq!(told[1], "variable `switch` is `yes`, not on or off");
        assert_eq!(told[6], "`list` is no list");
    }
}
