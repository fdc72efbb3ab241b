//! Where a component's connections may lead, the same for HTTP and for sockets.
//!
//! [`policy`] is the decision: the allow-list says which hosts, and each address that a host turns out to have is looked at
//! once more, so that no name leads into a private network by surprise. [`networks`] knows which networks those are, [`limits`] counts.

mod limits;
mod networks;
mod policy;

pub use limits::{ConnectionLimits, ConnectionPermit};
pub use networks::{BlockedNetworks, SpecialNetworks};
pub use policy::Policy;
