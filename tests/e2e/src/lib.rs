//! The harness of the end-to-end tests: the real host with the real components, reached as the world reaches it.
//!
//! [`TestApp`] runs the host in this process, or another one's command ([`foreign`]); [`TestProcess`] runs the command, for signals and
//! `kill -9`. Both give an [`Outside`]: HTTP with an API key, and webhooks signed as Meta signs them.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test harness that meets something unexpected is to fail there, with its place"
)]

mod app;
mod compiled;
mod eventually;
pub mod foreign;
mod guests;
mod mode;
mod outside;
mod process;
pub mod provider;
mod receiver;
mod reply;
pub mod whatsapp;

pub use app::TestApp;
pub use eventually::{DEADLINE, eventually};
pub use foreign::skipped;
pub use guests::{build as build_guests, root};
pub use mode::Mode;
pub use outside::Outside;
pub use process::{Command, Ended, TestProcess};
pub use receiver::{Got, Receiver};
pub use reply::Reply;

/// The secrets of every platform that the tests start.
pub mod secrets {
    pub const API_KEY: &str = "e2e-bootstrap-key-of-more-than-32-bytes";
    pub const APP_SECRET: &str = "e2e-app-secret";
    pub const VERIFY_TOKEN: &str = "e2e-verify-token";

    pub const TWILIO_TOKEN: &str = "e2e-twilio-token";
    pub const TELEGRAM_TOKEN: &str = "e2e-telegram-token";
    pub const WEB_SECRET: &str = "e2e-web-secret";
    pub const EMAIL_SECRET: &str = "e2e-email-secret";
    pub const TOKEN_SECRET: &str = "e2e-token-secret-of-enough-bytes";
    pub const LINK_SECRET: &str = "e2e-link-secret-of-enough-bytes";

    /// As application variables.
    pub const VARIABLES: [(&str, &str); 9] = [
        ("bootstrap_api_key", API_KEY),
        ("whatsapp_app_secret", APP_SECRET),
        ("whatsapp_verify_token", VERIFY_TOKEN),
        ("twilio_auth_token", TWILIO_TOKEN),
        ("telegram_secret_token", TELEGRAM_TOKEN),
        ("web_webhook_secret", WEB_SECRET),
        ("email_webhook_secret", EMAIL_SECRET),
        ("token_secret", TOKEN_SECRET),
        ("media_link_secret", LINK_SECRET),
    ];
}
