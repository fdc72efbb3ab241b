//! spin.toml: the application manifest, parsed, checked and explained.
//!
//! The only crate that reads spin.toml. Everything that can be known to be wrong from the file alone is refused here,
//! all at once, each with its position and the fix: what is left to the rest of the host is whether files exist,
//! labels have a backend and variables a value.

mod allowed_hosts;
mod application;
mod component;
mod declared;
mod dependency;
mod digest;
mod errors;
mod event_pattern;
mod ids;
mod limits;
mod manifest;
mod nearest;
mod reader;
mod route;
mod swap;
mod template;
mod tool;
mod trigger;
mod units;
mod variable;
mod version_1;

pub use allowed_hosts::{AllowedHost, AllowedHosts, HostPattern, PortPattern, SchemePattern, default_port};
pub use application::{Application, Target};
pub use component::{Build, Component, ComponentSource, FileMount, Profile};
pub use dependency::{Capability, Dependency, DependencyKind, DependencyName, Inherit};
pub use errors::{ManifestError, ManifestErrors};
pub use event_pattern::{EventPattern, Interest};
pub use ids::is_variable_name;
pub use limits::{Least, Limits};
pub use manifest::Manifest;
pub use route::{Route, Segment};
pub use swap::SwapPolicy;
pub use template::{Part, Template};
pub use tool::{ApplicationTool, ComponentTool, Own};
pub use trigger::{Executor, HttpRoute, HttpTarget, HttpTrigger, Middleware, RedisTrigger, StaticResponse};
pub use variable::Variable;
