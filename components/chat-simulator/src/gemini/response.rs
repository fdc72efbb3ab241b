//! What the model answered: its words, or why there are none.

use std::time::Duration;

use ::http::StatusCode;
use serde_json::Value;

/// More than a chat message; the rest of what a model that goes astray writes is of no use.
const MAX_CHARS: usize = 1000;

/// Why there are no words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// Used up; again after so long, where it is said.
    Quota(Option<Duration>),
    Other(String),
}

impl Refusal {
    pub fn other(reason: &str) -> Self {
        Self::Other(reason.to_owned())
    }

    /// With what the header says, where the body said nothing.
    pub fn or_later(self, header: Option<Duration>) -> Self {
        match self {
            Self::Quota(None) => Self::Quota(header),
            refusal => refusal,
        }
    }

    pub fn reason(&self) -> String {
        match self {
            Self::Quota(_) => "the quota is used up".to_owned(),
            Self::Other(reason) => reason.clone(),
        }
    }
}

pub(super) fn words(status: StatusCode, body: &[u8]) -> Result<String, Refusal> {
    let answer: Value = serde_json::from_slice(body).unwrap_or_default();
    if status == StatusCode::TOO_MANY_REQUESTS {
        return Err(Refusal::Quota(retry_delay(&answer)));
    }
    if !status.is_success() {
        // Google's own word for it (`INVALID_ARGUMENT`); its message may quote what was sent.
        let word = answer.pointer("/error/status").and_then(Value::as_str).unwrap_or("no reason given");
        let detail = detail(&answer, "reason").map(|reason| format!(" ({})", plain(reason))).unwrap_or_default();
        return Err(Refusal::Other(format!("answered {}: {}{detail}", status.as_u16(), plain(word))));
    }
    if let Some(reason) = answer.pointer("/promptFeedback/blockReason").and_then(Value::as_str) {
        return Err(Refusal::Other(format!("the prompt was blocked: {}", plain(reason))));
    }
    let ended = answer.pointer("/candidates/0/finishReason").and_then(Value::as_str).unwrap_or("STOP");
    if !matches!(ended, "STOP" | "MAX_TOKENS") {
        return Err(Refusal::Other(format!("the answer was withheld: {}", plain(ended))));
    }
    let words = text(&answer);
    match (words.is_empty(), ended) {
        (false, _) => Ok(words),
        // A model that thinks can use them up before it says anything.
        (true, "MAX_TOKENS") => Err(Refusal::other("its tokens were used up before it said anything")),
        (true, _) => Err(Refusal::other("the answer has no text")),
    }
}

/// All parts but the model's thoughts, without what no keyboard types.
fn text(answer: &Value) -> String {
    let parts = answer.pointer("/candidates/0/content/parts").and_then(Value::as_array);
    let spoken = parts.into_iter().flatten().filter(|part| part.get("thought") != Some(&Value::Bool(true)));
    let text: String = spoken.filter_map(|part| part.get("text")?.as_str()).collect();
    let is_typed = |character: &char| !character.is_control() || *character == '\n';
    let text: String = text.chars().filter(is_typed).collect();
    text.trim().trim_matches('"').chars().take(MAX_CHARS).collect::<String>().trim().to_owned()
}

/// `google.rpc.RetryInfo`: `"retryDelay": "34s"`, also with a fraction.
fn retry_delay(answer: &Value) -> Option<Duration> {
    let delay = detail(answer, "retryDelay")?;
    let seconds: f64 = delay.strip_suffix('s')?.parse().ok()?;
    Duration::try_from_secs_f64(seconds).ok()
}

/// Of `google.rpc.ErrorInfo` the reason (`API_KEY_INVALID`), of `google.rpc.RetryInfo` the delay.
fn detail<'a>(answer: &'a Value, name: &str) -> Option<&'a str> {
    let details = answer.pointer("/error/details")?.as_array()?;
    details.iter().find_map(|detail| detail.get(name)?.as_str())
}

fn plain(word: &str) -> String {
    word.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '_' || *c == ' ').take(60).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(status: u16, body: &Value) -> Result<String, Refusal> {
        words(StatusCode::from_u16(status).unwrap(), body.to_string().as_bytes())
    }

    #[test]
    fn takes_the_words_and_leaves_the_thoughts() {
        let parts =
            json!([{ "text": "Let me think.", "thought": true }, { "text": " \"Hi" }, { "text": " there!\"\u{7} " }]);
        let body =
            json!({ "candidates": [{ "content": { "parts": parts, "role": "model" }, "finishReason": "STOP" }] });
        assert_eq!(read(200, &body).unwrap(), "Hi there!");
        let long = json!({ "candidates": [{ "content": { "parts": [{ "text": "ä".repeat(5000) }] }, "finishReason": "MAX_TOKENS" }] });
        assert_eq!(read(200, &long).unwrap().chars().count(), MAX_CHARS);
    }

    #[test]
    fn says_why_there_are_none() {
        let blocked = json!({ "promptFeedback": { "blockReason": "SAFETY" } });
        assert_eq!(read(200, &blocked).unwrap_err().reason(), "the prompt was blocked: SAFETY");
        let withheld = json!({ "candidates": [{ "finishReason": "PROHIBITED_CONTENT" }] });
        assert_eq!(read(200, &withheld).unwrap_err().reason(), "the answer was withheld: PROHIBITED_CONTENT");
        let invalid = json!({ "error": { "code": 400, "message": "API key AIzaSecret not valid", "status": "INVALID_ARGUMENT" } });
        assert_eq!(read(400, &invalid).unwrap_err().reason(), "answered 400: INVALID_ARGUMENT");
        // As it is answered to a key that is none (ai.google.dev).
        let info = json!({ "@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID", "domain": "googleapis.com" });
        let key = json!({ "error": { "code": 400, "message": "API key not valid. Please pass a valid API key.", "status": "INVALID_ARGUMENT", "details": [info] } });
        assert_eq!(read(400, &key).unwrap_err().reason(), "answered 400: INVALID_ARGUMENT (API_KEY_INVALID)");
        let busy = json!({ "error": { "code": 503, "message": "The model is overloaded.", "status": "UNAVAILABLE" } });
        assert_eq!(read(503, &busy).unwrap_err().reason(), "answered 503: UNAVAILABLE");
        for reason in ["SAFETY", "RECITATION", "OTHER"] {
            let withheld =
                json!({ "candidates": [{ "content": { "parts": [{ "text": "half a" }] }, "finishReason": reason }] });
            assert_eq!(read(200, &withheld).unwrap_err().reason(), format!("the answer was withheld: {reason}"));
        }
        let thought = json!({ "candidates": [{ "content": { "role": "model" }, "finishReason": "MAX_TOKENS" }] });
        assert_eq!(read(200, &thought).unwrap_err().reason(), "its tokens were used up before it said anything");
        assert_eq!(read(200, &json!({})).unwrap_err().reason(), "the answer has no text");
        assert!(words(StatusCode::OK, b"<html>").is_err());
    }

    #[test]
    fn a_quota_says_when_to_come_again() {
        let info = json!({ "@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "34.5s" });
        let body =
            json!({ "error": { "code": 429, "status": "RESOURCE_EXHAUSTED", "details": [{ "reason": "x" }, info] } });
        assert_eq!(read(429, &body), Err(Refusal::Quota(Some(Duration::from_millis(34_500)))));
        let header = Some(Duration::from_secs(9));
        assert_eq!(read(429, &json!({})).unwrap_err().or_later(header), Refusal::Quota(header));
    }
}
