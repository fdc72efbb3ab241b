//! WhatsApp (Meta Cloud API): who may call us, and what a delivery says.
//!
//! `subscription` answers Meta's verification, `signature` proves that a body is Meta's, `envelope` takes the body apart
//! without believing it, and `updates` names every item that was in it: a message, a receipt, or the reason why neither.

mod contacts;
mod content;
pub mod envelope;
mod item;
mod message;
pub mod signature;
mod status;
pub mod subscription;
mod updates;

pub use envelope::Envelope;

/// The channel's name in routes, rows and typed calls.
pub const CHANNEL: &str = "whatsapp";
