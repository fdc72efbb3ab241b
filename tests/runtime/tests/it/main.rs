//! Host behaviour: each folder beside this one has an application and the tests that run it on the host, in process.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod support {
    pub mod client;
    pub mod collector;
    pub mod guests;
    pub mod host;
    pub mod javascript;
    pub mod server;
    pub mod wit;
}

#[path = "../../admission/admission.rs"]
mod admission;
#[path = "../../cache/cache.rs"]
mod cache;
#[path = "../../capabilities/capabilities.rs"]
mod capabilities;
#[path = "../../cpu/cpu.rs"]
mod cpu;
#[path = "../../downloads/downloads.rs"]
mod downloads;
#[path = "../../events/events.rs"]
mod events;
#[path = "../../files/files.rs"]
mod files;
#[path = "../../generations/generations.rs"]
mod generations;
#[path = "../../handlers/handlers.rs"]
mod handlers;
#[path = "../../held/held.rs"]
mod held;
#[path = "../../hostile/hostile.rs"]
mod hostile;
#[path = "../../inheritance/inheritance.rs"]
mod inheritance;
#[path = "../../javascript/javascript.rs"]
mod javascript;
#[path = "../../key-value/key_value.rs"]
mod key_value;
#[path = "../../legacy/legacy.rs"]
mod legacy;
#[path = "../../links/links.rs"]
mod links;
#[path = "../../observability/observability.rs"]
mod observability;
#[path = "../../patience/patience.rs"]
mod patience;
#[path = "../../pauses/pauses.rs"]
mod pauses;
#[path = "../../pings/pings.rs"]
mod pings;
#[path = "../../protocols/protocols.rs"]
mod protocols;
#[path = "../../proxies/proxies.rs"]
mod proxies;
#[path = "../../reads/reads.rs"]
mod reads;
#[path = "../../records/records.rs"]
mod records;
#[path = "../../refusals/refusals.rs"]
mod refusals;
#[path = "../../reuse/reuse.rs"]
mod reuse;
#[path = "../../routing/routing.rs"]
mod routing;
#[path = "../../sockets/sockets.rs"]
mod sockets;
#[path = "../../streaming/streaming.rs"]
mod streaming;
#[path = "../../swap/swap.rs"]
mod swap;
#[path = "../../telemetry/telemetry.rs"]
mod telemetry;
#[path = "../../traps/traps.rs"]
mod traps;
#[path = "../../walltime/walltime.rs"]
mod walltime;
