//! Mail that a machine sent because of a mail: absence notices, confirmations, reports that a mail could not be delivered. Nobody waits for
//! an answer to it, and an answer might be answered again.

use serde_json::Value;

use super::names::header;
use crate::channel::fields::Object;

/// What auto-responders from before RFC 3834 write.
const MARKS: [&str; 6] =
    ["X-Autoreply", "X-Autorespond", "X-Autoresponder", "X-Auto-Reply", "X-Mail-Autoreply", "X-Failed-Recipients"];

/// Types of Postmark's bounce reports that say nothing of whether the mail arrived.
const NO_BOUNCES: [&str; 8] = [
    "autoresponder",
    "transient",
    "subscribe",
    "unsubscribe",
    "addresschange",
    "challengeverification",
    "openrelaytest",
    "virusnotification",
];

/// RFC 3834 5: `auto-generated` alone is any machine's mail, which may well be a customer's words (a contact form's).
pub(super) fn is_answer(mail: &Object) -> bool {
    let value = |name: &str| header(mail, name).map(|value| value.trim().to_ascii_lowercase());
    let submitted = value("Auto-Submitted").unwrap_or_default();
    let is_submitted = match submitted.split([';', ' ']).next().unwrap_or_default() {
        "auto-replied" | "auto-notified" => true,
        "auto-generated" => mail.contains_key("in_reply_to") || header(mail, "In-Reply-To").is_some(),
        _ => false,
    };
    let is_marked = MARKS.iter().any(|name| value(name).is_some_and(|value| !value.is_empty() && value != "no"));
    let precedence = value("Precedence").or_else(|| value("X-Precedence")).unwrap_or_default();
    // RFC 5321 4.5.5: reports, and answers that must not be answered, come from nobody.
    let is_from_nobody = value("Return-Path").is_some_and(|path| path == "<>");
    is_submitted || is_marked || matches!(precedence.as_str(), "auto_reply" | "auto-reply") || is_from_nobody
}

/// The word for a bounce report that is none.
pub(super) fn no_bounce(report: &Object) -> Option<&'static str> {
    let kind = report.get("Type").and_then(Value::as_str)?.to_ascii_lowercase();
    NO_BOUNCES.into_iter().find(|known| *known == kind)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn is_an_answer(headers: Value) -> bool {
        is_answer(json!({ "headers": headers }).as_object().unwrap())
    }

    #[test]
    fn knows_what_machines_answer() {
        for headers in [
            json!({"Auto-Submitted": "auto-replied"}),
            json!({"auto-submitted": " Auto-Replied; owner-email=x"}),
            json!({"Auto-Submitted": "auto-generated", "In-Reply-To": "<a@b.example>"}),
            json!({"X-Autoreply": "yes"}),
            json!({"Precedence": "auto_reply"}),
            json!({"Return-Path": "<>"}),
            json!([{"Name": "X-Autorespond", "Value": "Out of office"}]),
        ] {
            assert!(is_an_answer(headers.clone()), "{headers}");
        }
        for headers in [
            json!({}),
            json!({"Auto-Submitted": "no"}),
            json!({"Auto-Submitted": "auto-generated"}),
            json!({"Precedence": "bulk", "X-Autoreply": "no"}),
            json!({"Return-Path": "<ann@example.com>"}),
            json!(7),
        ] {
            assert!(!is_an_answer(headers.clone()), "{headers}");
        }
    }
}
