//! Every channel reads any body, in whatever pieces it comes; files are cut out of it the same way each time.
#![no_main]

use inbound_gateway::channel::carried::Cutter;
use inbound_gateway::channel::{Payload, find, names};
use libfuzzer_sys::fuzz_target;

/// 2025-06-08T22:00:00Z.
const NOW: i64 = 1_749_420_000_000_000;

fuzz_target!(|data: &[u8]| {
    let (step, body) = data.split_first().map_or((1, data), |(step, body)| (usize::from(*step).max(1), body));
    for channel in names().into_iter().filter_map(find) {
        let cut = |step: usize| {
            let (mut cutter, mut pieces) = (Cutter::new(channel.files()), Vec::new());
            body.chunks(step).for_each(|piece| cutter.push(piece, &mut pieces));
            (cutter.finish(), pieces.into_iter().flat_map(|piece| piece.bytes).collect::<Vec<u8>>())
        };
        let (slim, files) = cut(step);
        assert_eq!((&slim, &files), (&cut(usize::MAX).0, &cut(usize::MAX).1));
        let payload = Payload { body: &slim, query: "account=shop" };
        let once = channel.read(payload, NOW).map(|contents| contents.updates);
        let again = channel.read(payload, NOW).map(|contents| contents.updates);
        assert!(once == again, "every attempt sees the same");
    }
});
