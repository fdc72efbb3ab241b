//! The statements: none walks a table.

use inbound_gateway::channel::whatsapp::CHANNEL;
use inbound_gateway::domain::delivery::Store;
use inbound_gateway::store::{CLAIM, CONCLUDE, CONCLUDE_DONE, INSERT, SWEEP, TENANTS};

use crate::support::*;

#[test]
fn every_statement_uses_indexes_only() {
    let world = World::new();
    block_on(world.store.tenants(CHANNEL, &[])).unwrap();
    for statement in [INSERT, TENANTS, CLAIM, CONCLUDE, CONCLUDE_DONE, SWEEP] {
        let plan = plan(&world, statement);
        let walks = |step: &&String| step.starts_with("SCAN") && !step.contains("VIRTUAL TABLE");
        let sorts = |step: &&String| step.contains("TEMP B-TREE");
        assert_eq!(plan.iter().find(|step| walks(step) || sorts(step)), None, "{statement}\n{plan:#?}");
        assert!(plan.iter().any(|step| step.contains("INDEX")), "{statement}\n{plan:#?}");
    }
}

fn plan(world: &World, statement: &str) -> Vec<String> {
    let mut explain = world.memory.sqlite().prepare(&format!("EXPLAIN QUERY PLAN {statement}")).unwrap();
    let unbound = vec![rusqlite::types::Null; explain.parameter_count()];
    let steps = explain.query_map(rusqlite::params_from_iter(unbound), |row| row.get(3)).unwrap();
    steps.map(Result::unwrap).collect()
}
