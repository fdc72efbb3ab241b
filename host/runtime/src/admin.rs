//! The platform's part of the admin surface: its routes, and the virtual host by which a trusted component reaches it.

mod application;
mod components;
mod logs;
mod virtual_host;

pub use application::Application;
pub use components::Components;
pub use virtual_host::{VirtualHost, refuse_half_administrators};

/// The name of the admin surface's host, `http://admin.kobliat.internal/`.
pub const HOST: &str = "admin";
