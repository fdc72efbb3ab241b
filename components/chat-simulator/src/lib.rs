//! The chat simulator: personas that write to the platform as customers do, and a stand-in for the providers that carry them.
//!
//! `scenario` and `content` say what is written, `gemini` lets a language model say it; `provider` is how Meta and Twilio put it, and `webhook`
//! brings it to our own front, to the `account` that is written to. `persona` is one simulated customer with a memory;
//! `emulator` takes what the platform sends and reports what became of it;
//! `run` sends much, unkindly, and looks at what arrived; `conformance` tries an adapter. `app` is what all of it works with.

pub mod http;

pub mod conformance;
pub mod emulator;
pub mod persona;
pub mod run;
pub mod scenario;

pub mod content;
pub mod gemini;
pub mod provider;
pub mod webhook;

pub mod account;
pub mod app;
pub mod dice;
pub mod lanes;
pub mod live;
pub mod services;
pub mod store;

sdk::schema!(store::MIGRATIONS);
sdk::service! { app: live::Live = live::Live::live(), router: http::router() }
