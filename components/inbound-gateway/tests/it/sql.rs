//! The statements: none walks a table.

use inbound_gateway::channel::whatsapp::CHANNEL;
use inbound_gateway::domain::delivery::Store;
use inbound_gateway::store::{CLAIM, CONCLUDE, INSERT, SWEEP, TENANTS};
use sdk::testing::assert_uses_indexes;

use crate::support::*;

#[test]
fn every_statement_uses_indexes_only() {
    let world = World::new();
    block_on(world.store.tenants(CHANNEL, &[])).unwrap();
    for statement in [INSERT, TENANTS, CLAIM, CONCLUDE, SWEEP] {
        assert_uses_indexes(&world.memory, statement);
    }
}
