//! Static composition: `[component.x.dependencies]` become part of the component that imports them, as Spin composes them.
//!
//! Each depender gets a private copy of its dependency: its own instance, its own memory, in the same store. What a dependency imports itself
//! stays an import of the composition, so it is answered by what the depender is granted; what it may not use of that ([`withhold`]) is
//! answered inside, by a component made for it.
//! A dependency with dependencies of its own is composed first; which ones, and that they do not go in circles, the caller knows.

mod capability;
mod draft;
mod error;
mod graph;
mod key;
mod middleware;
mod module;
mod withhold;

pub use capability::capability;
pub use draft::release;
pub use error::ComposeError;
pub use graph::{World, world};
pub use key::DependencyKey;
pub use middleware::{Layer, wrap};
pub use module::{componentize, is_module};
pub use withhold::{DENIALS, withhold};

/// What satisfies one key of `[component.x.dependencies]`.
#[derive(Clone, Copy, Debug)]
pub struct Dependency<'a> {
    /// As the manifest writes it: the import, or all interfaces of a package, that it satisfies.
    pub key: &'a str,
    /// The export to use when it is called otherwise than the import.
    pub export: Option<&'a str>,
    /// The dependency's component.
    pub bytes: &'a [u8],
}

/// The component `id` with its dependencies inside; without dependencies, the component as it is.
pub fn compose(id: &str, component: &[u8], dependencies: &[Dependency<'_>]) -> Result<Vec<u8>, ComposeError> {
    if dependencies.is_empty() {
        return Ok(component.to_vec());
    }
    graph::Composer::new(id, component)?.compose(dependencies)
}
