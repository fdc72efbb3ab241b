//! Components and applications from OCI registries: `registry/repository:tag` or `registry/repository@sha256:…`.
//!
//! [`fetch()`] takes the one WebAssembly layer of an image, verified by its digest and never larger than it may be; [`pull()`] takes what
//! `spin registry push` makes of an application; [`Repository`] knows where the packages of `wkg` are. Credentials are docker's
//! ([`credentials`]). Plain HTTP is for registries on this machine, and for who insists ([`Access`]).

mod application;
mod connection;
pub mod credentials;
mod error;
mod fetch;
mod package;

pub use application::pull;
pub use connection::Access;
pub use credentials::Credentials;
pub use error::Error;
pub use fetch::{Fetched, fetch};
pub use oci_client::Reference;
pub use package::Repository;

/// The reference that `text` is; `None` when it names no registry, as a file's path does not.
pub fn reference(text: &str) -> Option<Reference> {
    let (registry, _) = text.split_once('/')?;
    let names_a_host = registry == "localhost" || registry.contains(['.', ':']);
    let is_path = text.starts_with(['.', '/']);
    if names_a_host && !is_path { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_names_its_registry() {
        for text in [
            "ghcr.io/acme/customer:1.2",
            "localhost/a:b",
            "127.0.0.1:5000/a",
            "localhost:5000/a/b@sha256:0000000000000000000000000000000000000000000000000000000000000000",
        ] {
            assert!(reference(text).is_some(), "{text}");
        }
        for text in ["customer.wasm", "./customer.wasm", "target/customer.wasm", "/a.b/c", "../a.b/c", "ghcr.io/UPPER"]
        {
            assert!(reference(text).is_none(), "{text}");
        }
    }
}
