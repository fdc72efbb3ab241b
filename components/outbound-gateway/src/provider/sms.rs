//! `sms`: Twilio's Messages, for SMS and for what else Twilio carries (`whatsapp:+…`).

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use http::header::AUTHORIZATION;
use sdk::query::percent_encode;
use serde_json::Value;

use super::class::{Class, Table, failure, unreadable, verdict};
use super::fields::{Source, post};
use super::{Answer, Failure, Outgoing, Plan, Provider, Settings, Verdict};

pub const CHANNEL: &str = "sms";

/// Twilio's limit, of SMS (in several segments) as of WhatsApp.
const MAX_TEXT: usize = 1600;
const WHATSAPP: &str = "whatsapp:";

const CODES: Table = &[
    (Class::Retry, &[20429, 30008, 63018, 20500, 20503]),
    (Class::Refuse, &[21610, 21211, 21614, 21617, 30007, 63016, 21408, 21602, 21604, 21606, 21612, 21659, 63003]),
    (Class::Stop, &[20003, 20005, 30002, 20404, 90010]),
];

pub struct Sms;

impl Provider for Sms {
    fn settings(&self) -> &'static [&'static str] {
        &["twilio_api_base_url", "twilio_account_sid", "twilio_auth_token"]
    }

    fn options(&self) -> &'static [&'static str] {
        &["public_base_url"]
    }

    fn default_account(&self) -> Option<&'static str> {
        Some("twilio_from")
    }

    fn credentials(&self) -> &'static [(&'static str, &'static str)] {
        &[("account_sid", "twilio_account_sid"), ("auth_token", "twilio_auth_token")]
    }

    /// Twilio's own account (`AC…`) stands behind numbers and messaging services.
    fn is_sender(&self, account: &str) -> bool {
        !account.starts_with("AC")
    }

    fn identities(&self) -> &'static [&'static str] {
        &["phone"]
    }

    fn has_window(&self, outgoing: &Outgoing) -> bool {
        outgoing.account.starts_with(WHATSAPP) && outgoing.string("content_sid").is_none()
    }

    fn plan(&self, outgoing: &Outgoing, settings: &Settings) -> Result<Plan, Failure> {
        let sid = settings.need("twilio_account_sid");
        let url = format!(
            "{}/2010-04-01/Accounts/{}/Messages.json",
            settings.base("twilio_api_base_url"),
            percent_encode(sid)
        );
        let credentials = BASE64_STANDARD.encode(format!("{sid}:{}", settings.need("twilio_auth_token")));
        let form = form(outgoing, settings.get("public_base_url"))?;
        let headers = [(AUTHORIZATION, format!("Basic {credentials}"))];
        Ok(Plan::Call(post(&url, "application/x-www-form-urlencoded", &headers, form.into_bytes())?))
    }

    fn verdict(&self, answer: &Answer, attempt: u32) -> Verdict {
        let told = answer.json();
        if answer.is_success() {
            let id = told.get("sid").and_then(Value::as_str).filter(|id| !id.is_empty());
            return id.map_or_else(|| unreadable(answer), |id| Verdict::Sent(id.to_owned()));
        }
        let code = told.get("code").and_then(Value::as_i64);
        let failure = failure(code, told.get("message").and_then(Value::as_str), answer);
        verdict(CODES, code, failure, answer, attempt)
    }
}

fn form(outgoing: &Outgoing, public_base_url: Option<&str>) -> Result<String, Failure> {
    let digits = outgoing.recipient()?.value.trim_start_matches('+');
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Failure::new("recipient_malformed", "the customer's phone number is none"));
    }
    let prefix = if outgoing.account.starts_with(WHATSAPP) { WHATSAPP } else { "" };
    let mut fields = vec![("To", format!("{prefix}+{digits}"))];
    // A messaging service picks the number itself.
    let sender = if outgoing.account.starts_with("MG") { "MessagingServiceSid" } else { "From" };
    fields.push((sender, outgoing.account.clone()));
    fields.extend(content(outgoing)?);
    if let Some(base) = public_base_url {
        // The message's id comes back with every status, also when the answer to this call is lost.
        let callback = format!("{}/webhooks/sms?message_id={}", base.trim_end_matches('/'), outgoing.message_id);
        fields.push(("StatusCallback", callback));
    }
    let pair = |(name, value): &(&str, String)| format!("{name}={}", percent_encode(value));
    Ok(fields.iter().map(pair).collect::<Vec<_>>().join("&"))
}

fn content(outgoing: &Outgoing) -> Result<Vec<(&'static str, String)>, Failure> {
    if let Some(template) = outgoing.string("content_sid") {
        let variables =
            outgoing.object("content_variables").map(|variables| Value::Object(variables.clone()).to_string());
        let variables = variables.map(|variables| ("ContentVariables", variables));
        return Ok([("ContentSid", template.to_owned())].into_iter().chain(variables).collect());
    }
    let text = outgoing.body.is_some().then(|| outgoing.text(MAX_TEXT)).transpose()?;
    let mut fields: Vec<_> = text.map(|text| ("Body", text.to_owned())).into_iter().collect();
    if outgoing.object("media").is_some() {
        match outgoing.media()?.source {
            Source::Url(url) => fields.push(("MediaUrl", url.to_owned())),
            Source::Id(_) => return Err(Failure::new("no_media", "Twilio takes media by `url` only")),
        }
    }
    if fields.is_empty() {
        return Err(Failure::new("no_text", "the message has neither text nor media with a `url`"));
    }
    Ok(fields)
}
