//! Who gets which events: the variable `event_subscribers`.

use sdk::event::matches;
use serde::Deserialize;

/// `{"component":"notification","types":["com.kobliat.message.*"]}`
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Subscriber {
    pub component: String,
    pub types: Vec<String>,
}

impl Subscriber {
    pub fn wants(&self, kind: &str) -> bool {
        self.types.iter().any(|pattern| matches(pattern, kind))
    }

    /// Where its events go; a component's own host, so that no setting leads anywhere else.
    pub fn url(&self) -> String {
        format!("http://{}.spin.internal/events", self.component)
    }
}

/// Reads the variable; the error is for whoever set it.
pub fn parse(json: &str) -> Result<Vec<Subscriber>, String> {
    let subscribers: Vec<Subscriber> = serde_json::from_str(json)
        .map_err(|e| format!("event_subscribers is a JSON list of {{\"component\":…,\"types\":[…]}}: {e}"))?;
    let is_id =
        |id: &str| !id.is_empty() && id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    match subscribers.iter().find(|subscriber| !is_id(&subscriber.component)) {
        Some(bad) => Err(format!("event_subscribers: `{}` is not the id of a component", bad.component)),
        None => Ok(subscribers),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_who_wants_what() {
        let read = parse(r#"[{"component":"notification","types":["com.kobliat.message.*"]}]"#).unwrap();
        assert!(read[0].wants("com.kobliat.message.failed.v1") && !read[0].wants("com.kobliat.customer.created.v1"));
        assert_eq!(read[0].url(), "http://notification.spin.internal/events");
    }

    #[test]
    fn refuses_what_would_lead_elsewhere() {
        for bad in ["evil.example/x", "a@b", "", "A"] {
            assert!(parse(&format!(r#"[{{"component":"{bad}","types":[]}}]"#)).is_err(), "{bad}");
        }
        assert!(parse("{}").is_err() && parse(r#"[{"component":"a"}]"#).is_err());
    }
}
