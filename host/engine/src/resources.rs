//! The resources of one instance: what they weigh is looked at every now and then, because most of them are made in wasmtime,
//! where nobody counts.
//!
//! A look costs as much as there are resources, so that it comes the rarer the more there are. What is too much by then ends
//! the instance: the table takes nothing more, header fields take no more values, and the next tick is a trap.

use crate::allowance::{Allowance, Held};
use http::HeaderMap;
use std::any::Any;
use std::collections::HashSet;
use wasmtime::component::ResourceTable;
use wasmtime_wasi::filesystem::Descriptor;
use wasmtime_wasi::sockets::{TcpSocket, UdpSocket};
use wasmtime_wasi_http::FieldMap;
use wasmtime_wasi_http::p2::types::{HostIncomingResponse, HostOutgoingRequest, HostOutgoingResponse};
use wasmtime_wasi_http::p3::{Request, Response};

/// The most resources of one instance: some hundred for each of its concurrent requests. Its streams, futures and tasks have
/// a table of their own, which is as large.
pub(crate) const MOST: usize = 16_384;

/// The most bytes of one set of header fields, names and values: twice the largest head that the listener takes.
pub(crate) const FIELDS: usize = 64 << 10;

/// Open files, folders and sockets of one instance. The process has some thousands for all.
const MOST_DESCRIPTORS: usize = 256;

/// What a resource weighs beside what it is seen to hold: its place in the table, and buffers of a few types.
const PLACE: usize = 256;
/// The buffers of the kernel and of wasmtime.
const SOCKET: usize = 64 << 10;
/// A header beside its name and value.
const HEADER: usize = 64;

/// So many calls of the host lie between two looks, and more where there are many resources.
const CALLS: usize = 64;

pub(crate) struct Watchman {
    allowance: Allowance,
    held: Held,
    calls_left: usize,
    exhausted: bool,
}

/// What is in a table.
#[derive(Debug, Default, PartialEq, Eq)]
struct Weight {
    resources: usize,
    bytes: usize,
    descriptors: usize,
}

impl Watchman {
    pub fn new(allowance: &Allowance) -> Self {
        Self { allowance: allowance.clone(), held: allowance.nothing(), calls_left: CALLS, exhausted: false }
    }

    /// The instance holds too much: it is to end.
    pub fn is_exhausted(&self) -> bool {
        self.exhausted
    }

    /// Call it with each call of the host. True when that was the one that found too much.
    pub fn look(&mut self, table: &mut ResourceTable) -> bool {
        self.calls_left -= 1;
        self.calls_left == 0 && self.weigh(table)
    }

    fn weigh(&mut self, table: &mut ResourceTable) -> bool {
        let Weight { resources, bytes, descriptors } = weight(table);
        self.calls_left = CALLS.max(resources / 4);
        self.held.set(bytes);
        if !self.allowance.is_overdrawn() && descriptors <= MOST_DESCRIPTORS {
            return false;
        }
        table.set_max_capacity(0);
        // Counts it, and tells it once.
        self.allowance.exhausted();
        !std::mem::replace(&mut self.exhausted, true)
    }
}

fn weight(table: &mut ResourceTable) -> Weight {
    let mut seen = HashSet::new();
    let mut weight = Weight::default();
    for resource in table.iter_mut() {
        weight.resources += 1;
        weight.bytes += PLACE;
        let resource: &dyn Any = &*resource;
        if let Some(fields) = fields_of(resource) {
            // Copies share one map until they are changed.
            if !fields.is_empty() && seen.insert(std::ptr::from_ref::<HeaderMap>(fields)) {
                weight.bytes += bytes_of(fields);
            }
        } else if resource.is::<Descriptor>() {
            weight.descriptors += 1;
        } else if resource.is::<TcpSocket>() || resource.is::<UdpSocket>() {
            weight.descriptors += 1;
            weight.bytes += SOCKET;
        }
    }
    weight
}

fn fields_of(resource: &dyn Any) -> Option<&HeaderMap> {
    let fields = resource
        .downcast_ref::<FieldMap>()
        .or_else(|| resource.downcast_ref::<Request>().map(|request| &request.headers))
        .or_else(|| resource.downcast_ref::<Response>().map(|response| &response.headers))
        .or_else(|| resource.downcast_ref::<HostOutgoingRequest>().map(|request| &request.headers))
        .or_else(|| resource.downcast_ref::<HostOutgoingResponse>().map(|response| &response.headers))
        .or_else(|| resource.downcast_ref::<HostIncomingResponse>().map(|response| &response.headers));
    fields.map(|fields| &**fields)
}

fn bytes_of(fields: &HeaderMap) -> usize {
    fields.iter().map(|(name, value)| name.as_str().len() + value.len() + HEADER).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http_client::Hooks;
    use crate::http_client::tests::Nobody;

    fn fields(bytes: usize) -> FieldMap {
        let mut fields = FieldMap::new_mutable(FIELDS);
        let value = vec![b'x'; bytes];
        fields.append(&mut Hooks::new(Box::new(Nobody)), "x-name".to_owned(), value).unwrap();
        fields
    }

    #[test]
    fn fields_weigh_what_they_hold_and_copies_nothing_more() {
        let mut table = ResourceTable::new();
        let one = fields(10_000);
        table.push(one.clone()).unwrap();
        table.push(one).unwrap();
        table.push(fields(20_000)).unwrap();
        table.push("anything else").unwrap();
        let Weight { resources, bytes, descriptors } = weight(&mut table);
        assert_eq!((resources, descriptors), (4, 0));
        assert!((30_000..32_000).contains(&bytes), "{bytes}");
    }

    #[test]
    fn who_fills_fields_is_found_before_it_is_many_times_too_much() {
        let allowance = Allowance::new(1 << 20);
        let (mut watchman, mut table) = (Watchman::new(&allowance), ResourceTable::new());
        let mut pushed = 0;
        while !watchman.look(&mut table) {
            table.push(fields(FIELDS - 1000)).unwrap();
            pushed += 1;
        }
        assert!(pushed * FIELDS < 6 << 20, "{pushed} of the largest fields");
        assert!(watchman.is_exhausted() && table.push("more").is_err());
    }

    #[test]
    fn many_small_resources_are_looked_at_rarely_and_may_be() {
        let allowance = Allowance::for_memory(64 << 20);
        let (mut watchman, mut table) = (Watchman::new(&allowance), ResourceTable::new());
        for _ in 0..MOST {
            table.push("one").unwrap();
            assert!(!watchman.look(&mut table));
        }
        assert!(allowance.used() > MOST / 2 * PLACE);
    }
}
