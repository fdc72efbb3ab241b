//! `sms`: Twilio's Messages, for SMS and for what else Twilio carries (`whatsapp:+…`).

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use http::HeaderName;
use http::header::AUTHORIZATION;
use sdk::Micros;
use sdk::clock::http_date;
use sdk::query::percent_encode;
use serde_json::Value;

use super::class::{Class, Table, failure, unreadable, verdict};
use super::fields::{Source, get, post};
use super::{Answer, Failure, Inquiry, Outgoing, Plan, Provider, Settings, Verdict};

pub const CHANNEL: &str = "sms";

/// Twilio's limit, of SMS (in several segments) as of WhatsApp.
const MAX_TEXT: usize = 1600;

/// What stands before a telephone number; behind other prefixes (`messenger:`, `instagram:`) are ids of their own.
const NUMBERED: [&str; 3] = ["whatsapp:", "rcs:", "sms:"];

/// A minute's messages to one person and some more; as many as an answer's bytes hold.
const LISTED: &str = "200";
/// Twilio's clock against ours.
const SKEW: Micros = 60 * 1_000_000;

const CODES: Table = &[
    (Class::Retry, &[20429, 30008, 63018, 20503]),
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

    /// An answer goes to the address that wrote, never to a number that has the same digits.
    fn identities(&self, account: &str) -> &'static [&'static str] {
        if is_numbered(account) { &["phone"] } else { &["sender-id"] }
    }

    fn needs_window(&self, outgoing: &Outgoing) -> bool {
        outgoing.string("content_sid").is_none()
    }

    fn plan(&self, outgoing: &Outgoing, settings: &Settings) -> Result<Plan, Failure> {
        let form = form(outgoing, settings.get("public_base_url"))?;
        let headers = [authorization(settings)];
        Ok(Plan::Call(post(&url(settings), "application/x-www-form-urlencoded", &headers, form.into_bytes())?))
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

    /// Its messages to that address. Without `DateSent`, which those that still wait do not have.
    fn inquiry(&self, outgoing: &Outgoing, settings: &Settings) -> Option<Inquiry> {
        let to = address(outgoing).ok()?;
        let mut url = format!("{}?To={}&PageSize={LISTED}", url(settings), percent_encode(&to));
        if !is_service(&outgoing.account) {
            url.push_str(&format!("&From={}", percent_encode(&outgoing.account)));
        }
        Some(get(&url, &[authorization(settings)]))
    }

    /// Those that say the same, from the same sender, since then, and are no earlier message of ours. More than one: the oldest.
    fn found(&self, answer: &Answer, outgoing: &Outgoing, since: Micros) -> Option<Vec<String>> {
        let told = answer.json();
        let listed = told.get("messages").and_then(Value::as_array).filter(|_| answer.is_success())?;
        let is_ours = |id: &str| outgoing.earlier.iter().any(|one| one.external_id.as_deref() == Some(id));
        let id = |one: &Value| Some(one.get("sid")?.as_str()?.to_owned());
        let same = listed.iter().rev().filter(|one| is_same(one, outgoing, since)).filter_map(id);
        let same: Vec<String> = same.filter(|id| !is_ours(id)).collect();
        // What is on further pages was not looked at.
        let is_whole = told.get("next_page_uri").is_none_or(Value::is_null);
        (is_whole || !same.is_empty()).then_some(same)
    }

    /// A message is in the list as soon as it was taken.
    fn is_absence_proof(&self) -> bool {
        true
    }
}

/// A messaging service picks the number itself.
fn is_service(account: &str) -> bool {
    account.starts_with("MG")
}

/// Whether an account writes to telephone numbers.
fn is_numbered(account: &str) -> bool {
    !account.contains(':') || NUMBERED.iter().any(|prefix| account.starts_with(prefix))
}

fn url(settings: &Settings) -> String {
    let base = settings.base("twilio_api_base_url");
    format!("{base}/2010-04-01/Accounts/{}/Messages.json", percent_encode(settings.need("twilio_account_sid")))
}

fn authorization(settings: &Settings) -> (HeaderName, String) {
    let (sid, token) = (settings.need("twilio_account_sid"), settings.need("twilio_auth_token"));
    (AUTHORIZATION, format!("Basic {}", BASE64_STANDARD.encode(format!("{sid}:{token}"))))
}

/// To whom, as Twilio writes it.
fn address(outgoing: &Outgoing) -> Result<String, Failure> {
    let value = outgoing.recipient()?.value.as_str();
    let prefix = outgoing.account.split_inclusive(':').next().filter(|prefix| prefix.ends_with(':'));
    if !is_numbered(&outgoing.account) {
        let is_theirs = prefix.is_some_and(|prefix| value.starts_with(prefix) && value.len() > prefix.len());
        let reason = "the customer's address is of another channel than the account that writes";
        return if is_theirs { Ok(value.to_owned()) } else { Err(Failure::new("recipient_malformed", reason)) };
    }
    let digits = value.trim_start_matches('+');
    match !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) {
        true => Ok(format!("{}+{digits}", prefix.unwrap_or_default())),
        false => Err(Failure::new("recipient_malformed", "the customer's phone number is none")),
    }
}

/// Twilio shows the words, and of a template what it came to: that one is known by its sender and time.
fn is_same(one: &Value, outgoing: &Outgoing, since: Micros) -> bool {
    let text = |name: &str| one.get(name).and_then(Value::as_str).unwrap_or_default();
    let sender = if is_service(&outgoing.account) { "messaging_service_sid" } else { "from" };
    let is_new = http_date(text("date_created")).is_some_and(|at| at >= since.saturating_sub(SKEW));
    let says_the_same =
        outgoing.string("content_sid").is_some() || text("body") == outgoing.body.as_deref().unwrap_or_default();
    is_new && says_the_same && text(sender) == outgoing.account && text("direction").starts_with("outbound")
}

fn form(outgoing: &Outgoing, public_base_url: Option<&str>) -> Result<String, Failure> {
    let mut fields = vec![("To", address(outgoing)?)];
    let sender = if is_service(&outgoing.account) { "MessagingServiceSid" } else { "From" };
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
    let text = outgoing.body.is_some().then(|| outgoing.text_in_utf16(MAX_TEXT)).transpose()?;
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
