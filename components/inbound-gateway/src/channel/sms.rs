//! `sms`: Twilio's messages and status callbacks, for SMS and for what else Twilio carries (`whatsapp:+…`).

mod form;
pub mod signature;
mod update;

use super::{Answer, Call, Channel, Contents, Payload, Unreadable};
use form::Form;

/// The channel's name in routes, rows and typed calls.
pub const CHANNEL: &str = "sms";

pub struct Sms;

impl Channel for Sms {
    fn name(&self) -> &'static str {
        CHANNEL
    }

    fn secret(&self) -> &'static str {
        "twilio_auth_token"
    }

    fn signature(&self) -> Option<&'static str> {
        Some(signature::HEADER)
    }

    fn credentials(&self) -> &'static [&'static str] {
        &["account_sid", "auth_token"]
    }

    fn own_secret(&self) -> &'static str {
        "auth_token"
    }

    fn lent_credentials(&self) -> &'static [&'static str] {
        &["account_sid", "auth_token"]
    }

    fn deployments_accounts(&self) -> &'static [&'static str] {
        &["twilio_account_sid", "twilio_from"]
    }

    /// Numbers are the same with and without `+`.
    fn is_named(&self, account: &str, value: &str) -> bool {
        account.trim_start_matches('+') == value.trim_start_matches('+')
    }

    /// Twilio's own account: who registers it has all its numbers.
    fn fallback(&self, payload: Payload<'_>) -> Option<String> {
        let form = Form::read(payload.body)?;
        form.get("AccountSid").filter(|sid| sid.len() <= 255).map(str::to_owned)
    }

    /// Twilio reads an answer as TwiML, and logs an error (12300) for everything else.
    fn empty_answer(&self) -> Option<Answer> {
        Some(Answer {
            content_type: "text/xml; charset=utf-8",
            body: "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response/>",
        })
    }

    fn is_authentic(&self, secret: &str, call: &Call<'_>) -> bool {
        let body = &call.request.body;
        let signature = call.only_header(signature::HEADER);
        signature.is_some_and(|header| call.urls.iter().any(|url| signature::is_valid(secret, url, body, header)))
    }

    /// A message that came, in as many as it has files, or the status of one that went.
    fn read(&self, payload: Payload<'_>, received_at: i64) -> Result<Contents, Unreadable> {
        let form = Form::read(payload.body).ok_or(Unreadable::Malformed)?;
        // Our sender puts the message's id into the address of the status callback.
        let ours = payload.parameter("message_id");
        Ok(Contents::of(update::read(&form, ours, received_at)))
    }
}
