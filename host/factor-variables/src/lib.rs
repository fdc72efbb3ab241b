//! The spin:variables capability: providers, templates and generated secrets.
//!
//! Values are decided once, at start ([`Resolver`]); a guest's `get` is a look-up ([`VariablesFactor`]).

mod bindings;
mod dotenv;
mod error;
mod factor;
mod provider;
mod resolver;
mod secrets;

pub use error::Error;
pub use factor::{Scope, VariablesFactor};
pub use provider::{Provider, Sources};
pub use resolver::{Resolver, Values};
pub use secrets::{SecretsError, SecretsFile};
