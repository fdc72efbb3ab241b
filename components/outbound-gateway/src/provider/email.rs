//! `email`: a mail service by HTTP, in Postmark's form (`POST /email`).

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use http::HeaderName;
use sdk::Micros;
use sdk::query::percent_encode;
use serde_json::{Value, json};

use super::class::{Class, Table, failure, unreadable, verdict};
use super::fields::{get, post_json};
use super::{Answer, Attached, Failure, Inquiry, Outgoing, Plan, Provider, Settings, Verdict, mail};

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

    fn identities(&self, _: &str) -> &'static [&'static str] {
        &["email"]
    }

    fn attachment_limit(&self) -> Option<u64> {
        Some(MAX_ATTACHMENT_BYTES)
    }

    fn follows_thread(&self) -> bool {
        true
    }

    fn plan(&self, outgoing: &Outgoing, settings: &Settings) -> Result<Plan, Failure> {
        mail::refuse_loop(outgoing)?;
        let to = outgoing.recipient()?;
        // A mail may be nothing but its attachment.
        let text = match (&outgoing.attached, outgoing.body.as_deref().unwrap_or_default()) {
            (Some(_), "") => "",
            _ => outgoing.text(MAX_TEXT)?,
        };
        let body = json!({
            "From": outgoing.account,
            "To": to.value,
            "Subject": mail::subject(outgoing),
            "TextBody": text,
            "HtmlBody": outgoing.string("html"),
            "Headers": mail::headers(outgoing)?,
            "Attachments": attachments(outgoing),
            // Comes back with every report, also when the answer to this call is lost.
            "Metadata": { "message_id": outgoing.message_id, "account": outgoing.account },
        });
        let url = format!("{}/email", settings.base("email_api_base_url"));
        Ok(Plan::Call(post_json(&url, &credentials(settings), &body)?))
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

    /// It finds mails by what was sent along; a mail that it took a moment ago may not be found yet.
    fn inquiry(&self, outgoing: &Outgoing, settings: &Settings) -> Option<Inquiry> {
        let base = settings.base("email_api_base_url");
        let id = percent_encode(&outgoing.message_id);
        let url = format!("{base}/messages/outbound?count=1&offset=0&metadata_message_id={id}");
        Some(get(&url, &credentials(settings)))
    }

    fn found(&self, answer: &Answer, _: &Outgoing, _: Micros) -> Option<Vec<String>> {
        let told = answer.json();
        let found = told.get("Messages").and_then(Value::as_array).filter(|_| answer.is_success())?;
        let id = |one: &Value| Some(one.get("MessageID")?.as_str()?.to_owned());
        Some(found.iter().filter_map(id).collect())
    }
}

fn credentials(settings: &Settings) -> [(HeaderName, String); 2] {
    [
        (HeaderName::from_static("x-postmark-server-token"), settings.need("email_api_token").to_owned()),
        (http::header::ACCEPT, "application/json".to_owned()),
    ]
}

fn attachments(outgoing: &Outgoing) -> Vec<Value> {
    let file = |file: &Attached| json!({ "Name": file.filename, "ContentType": file.mime_type, "Content": BASE64_STANDARD.encode(&file.bytes) });
    outgoing.attached.iter().map(file).collect()
}
