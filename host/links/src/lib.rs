//! Typed calls between components, linked at run time and checked before.
//!
//! A component's import of a `kobliat:*` interface becomes host functions ([`stub`]) that call an instance of another
//! component through its pool. Both sides are compared first ([`check`]), so that a call can not fail on
//! its types. The host handles values without knowing a domain type.

pub mod check;
pub mod stub;
pub mod types;

pub use check::{CheckError, LinkPlan, check};
pub use stub::add_to_linker;
