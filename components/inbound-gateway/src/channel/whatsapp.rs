//! WhatsApp (Meta Cloud API): who may call us, and what a delivery says.
//!
//! `subscription` answers Meta's verification, `signature` proves that a body is Meta's, `envelope` takes the body apart
//! without believing it, and `updates` names every item that was in it: a message, a receipt, or the reason why neither.

mod contacts;
mod content;
pub mod envelope;
mod message;
pub mod signature;
mod status;
pub mod subscription;
mod updates;

pub use envelope::Envelope;

use super::{Call, Channel, Contents, Payload, Unreadable};

/// The channel's name in routes, rows and typed calls.
pub const CHANNEL: &str = "whatsapp";

pub struct WhatsApp;

impl Channel for WhatsApp {
    fn name(&self) -> &'static str {
        CHANNEL
    }

    fn secret(&self) -> &'static str {
        "whatsapp_app_secret"
    }

    fn signature(&self) -> Option<&'static str> {
        Some(signature::HEADER)
    }

    fn credentials(&self) -> &'static [&'static str] {
        &["access_token", "app_secret", "verify_token"]
    }

    fn own_secret(&self) -> &'static str {
        "app_secret"
    }

    fn lent_credentials(&self) -> &'static [&'static str] {
        &["access_token"]
    }

    fn deployments_accounts(&self) -> &'static [&'static str] {
        &["whatsapp_phone_number_id"]
    }

    fn is_authentic(&self, secret: &str, call: &Call<'_>) -> bool {
        let signature = call.only_header(signature::HEADER);
        signature.is_some_and(|header| signature::is_valid(secret, &call.request.body, header))
    }

    fn read(&self, payload: Payload<'_>, received_at: i64) -> Result<Contents, Unreadable> {
        let envelope = Envelope::read(payload.body)?;
        Ok(Contents { accounts: envelope.accounts(), updates: envelope.updates(received_at) })
    }
}
