//! `email`: a mail service by HTTP, in Postmark's form (`POST /email`).

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use http::HeaderName;
use serde_json::{Value, json};

use super::class::{Class, Table, failure, unreadable, verdict};
use super::fields::post_json;
use super::{Answer, Attached, Failure, Outgoing, Plan, Provider, Settings, Verdict};

pub const CHANNEL: &str = "email";

/// Postmark takes 5 MB of text; nobody reads more than this.
const MAX_TEXT: usize = 200_000;
/// 7 MiB: Postmark takes a mail of 10 MB, in which a file is a third longer.
const MAX_ATTACHMENT_BYTES: u64 = 7 << 20;

/// 10: the token; 405: no credits; 412: the account is not approved; 400, 401: the sender is not confirmed; 406: the recipient bounced before.
const CODES: Table =
    &[(Class::Retry, &[100, 429]), (Class::Refuse, &[300, 406, 400, 401, 402, 403]), (Class::Stop, &[10, 405, 412])];

pub struct Email;

impl Provider for Email {
    fn settings(&self) -> &'static [&'static str] {
        &["email_api_base_url", "email_api_token"]
    }

    fn default_account(&self) -> Option<&'static str> {
        Some("email_from")
    }

    fn credentials(&self) -> &'static [(&'static str, &'static str)] {
        &[("api_token", "email_api_token")]
    }

    fn identities(&self) -> &'static [&'static str] {
        &["email"]
    }

    fn attachment_limit(&self) -> Option<u64> {
        Some(MAX_ATTACHMENT_BYTES)
    }

    fn plan(&self, outgoing: &Outgoing, settings: &Settings) -> Result<Plan, Failure> {
        let to = outgoing.recipient()?;
        // A mail may be nothing but its attachment.
        let text = match (&outgoing.attached, outgoing.body.as_deref().unwrap_or_default()) {
            (Some(_), "") => "",
            _ => outgoing.text(MAX_TEXT)?,
        };
        let subject = outgoing.string("subject").or(outgoing.subject.as_deref()).unwrap_or("New message");
        let body = json!({
            "From": outgoing.account,
            "To": to.value,
            "Subject": subject.replace(['\r', '\n'], " "),
            "TextBody": text,
            "HtmlBody": outgoing.string("html"),
            "Headers": headers(outgoing),
            "Attachments": attachments(outgoing),
            // Comes back with every report, also when the answer to this call is lost.
            "Metadata": { "message_id": outgoing.message_id, "account": outgoing.account },
        });
        let headers = [
            (HeaderName::from_static("x-postmark-server-token"), settings.need("email_api_token").to_owned()),
            (http::header::ACCEPT, "application/json".to_owned()),
        ];
        Ok(Plan::Call(post_json(&format!("{}/email", settings.base("email_api_base_url")), &headers, &body)?))
    }

    fn verdict(&self, answer: &Answer, attempt: u32) -> Verdict {
        let told = answer.json();
        let code = told.get("ErrorCode").and_then(Value::as_i64);
        if answer.is_success() && code.unwrap_or(0) == 0 {
            let id = told.get("MessageID").and_then(Value::as_str).filter(|id| !id.is_empty());
            return id.map_or_else(|| unreadable(answer), |id| Verdict::Sent(id.to_owned()));
        }
        let failure = failure(code, told.get("Message").and_then(Value::as_str), answer);
        verdict(CODES, code, failure, answer, attempt)
    }
}

fn attachments(outgoing: &Outgoing) -> Vec<Value> {
    let file = |file: &Attached| json!({ "Name": file.filename, "ContentType": file.mime_type, "Content": BASE64_STANDARD.encode(&file.bytes) });
    outgoing.attached.iter().map(file).collect()
}

/// To which mail this one answers, so that the reader's program shows both as one thread.
fn headers(outgoing: &Outgoing) -> Vec<Value> {
    let bracketed = |id: &str| format!("<{}>", id.replace(['<', '>', '\r', '\n', ' '], ""));
    let Some(replied_to) = outgoing.reply_to() else { return Vec::new() };
    let earlier = outgoing.metadata.get("references").and_then(Value::as_array).into_iter().flatten();
    let mut references: Vec<String> = earlier.take(100).filter_map(|id| id.as_str()).map(bracketed).collect();
    references.push(bracketed(replied_to));
    references.dedup();
    vec![
        json!({ "Name": "In-Reply-To", "Value": bracketed(replied_to) }),
        json!({ "Name": "References", "Value": references.join(" ") }),
    ]
}
